#include "hone/nn/output.h"

#include "hone/kernels/softmax.h"
#include "hone/nn/fused.h"
#include "hone/nn/linear.h"
#include "hone/nn/parallel.h"
#include "hone/nn/products.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace hone::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Output {
  at::Tensor states, weight, targets;
  float scale = 1;  // 1 / temperature
  LogitTiling tiling;
};

// One tile of logits: tokens [row, row + tile.rows), vocabulary [tile.first, tile.first + tile.columns).
struct Tile {
  int64_t row = 0;
  kernels::LogitTile kernel;
  at::Tensor logits, states, weight;  // [rows, columns], [rows, D], [columns, D]
};

// Calls back with every tile and its logits: slices of the vocabulary in ascending order under every block of rows. The
// first tiles are those of `kept`, to which new ones are added while they come to at most `most_kept` logits; the
// others share a buffer.
void for_tiles(const Output& o, std::vector<at::Tensor>& kept, int64_t most_kept,
               const std::function<void(const Tile&)>& visit) {
  const int64_t tokens = o.states.size(0), vocab = o.weight.size(0);
  const int64_t most_rows = std::min(o.tiling.rows, tokens), most_columns = std::min(o.tiling.columns, vocab);
  at::Tensor buffer;
  std::size_t tiles = 0;
  int64_t logits_so_far = 0;
  for (int64_t row = 0; row < tokens; row += most_rows) {
    const int64_t rows = std::min(most_rows, tokens - row);
    for (int64_t first = 0; first < vocab; first += most_columns, ++tiles) {
      const int64_t columns = std::min(most_columns, vocab - first);
      const bool known = tiles < kept.size();
      logits_so_far += rows * columns;
      if (!known && logits_so_far <= most_kept) {
        kept.push_back(at::empty({rows, columns}, o.states.options()));
      } else if (!known && !buffer.defined()) {
        buffer = at::empty({most_rows * most_columns}, o.states.options());
      }
      const auto logits = tiles < kept.size() ? kept[tiles] : buffer.narrow(0, 0, rows * columns).view({rows, columns});
      const Tile tile{row,
                      {logits.data_ptr<float>(), rows, columns, first, o.scale},
                      logits,
                      o.states.narrow(0, row, rows),
                      o.weight.narrow(0, first, columns)};
      if (!known) project(tile.states, tile.weight, logits);
      visit(tile);
    }
  }
}

// Runs `work` on ranges of a tile's rows: the rows as a tile of their own, and the number of the first token.
void for_rows(const Tile& tile, const std::function<void(const kernels::LogitTile&, int64_t token)>& work) {
  for_ranges(tile.kernel.rows, kRowGrain, [&](int64_t begin, int64_t end, int64_t) {
    auto part = tile.kernel;
    part.logits += begin * part.columns;
    part.rows = end - begin;
    work(part, tile.row + begin);
  });
}

struct LogprobFunction : torch::autograd::Function<LogprobFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& states, const at::Tensor& weight,
                            const at::Tensor& targets, double temperature, const LogitTiling& tiling,
                            bool will_go_back) {
    const Output o{states, weight, targets, static_cast<float>(1 / temperature), tiling};
    std::vector<at::Tensor> kept;
    std::vector<kernels::LogitSums> sums(static_cast<std::size_t>(states.size(0)));
    for_tiles(o, kept, will_go_back ? tiling.kept : 0, [&](const Tile& tile) {
      for_rows(tile, [&](const kernels::LogitTile& part, int64_t token) {
        kernels::fold_logits(part, targets.data_ptr<int64_t>() + token, sums.data() + token);
      });
    });
    const auto logp = at::empty({states.size(0)}, states.options()), lse = at::empty_like(logp);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const double total = sums[i].log_sum_exp();
      lse.data_ptr<float>()[i] = static_cast<float>(total);
      logp.data_ptr<float>()[i] = static_cast<float>(sums[i].chosen - total);
    }
    ctx->save_for_backward({states, weight, targets, lse});
    ctx->saved_data["temperature"] = temperature;
    ctx->saved_data["rows"] = tiling.rows;
    ctx->saved_data["columns"] = tiling.columns;
    ctx->saved_data["kept"] = std::move(kept);
    return logp;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    require_first_derivative();
    const auto saved = ctx->get_saved_variables();
    const auto &states = saved[0], &targets = saved[2];
    auto weight = saved[1];
    const Output o{states,
                   weight,
                   targets,
                   static_cast<float>(1 / ctx->saved_data["temperature"].toDouble()),
                   {ctx->saved_data["rows"].toInt(), ctx->saved_data["columns"].toInt()}};
    const auto dweight = gradient_of(weight);
    const auto dstates = ctx->needs_input_grad(0) ? at::empty_like(states) : at::Tensor();
    const auto dlogp = grads[0].contiguous();
    const float *lse = saved[3].data_ptr<float>(), *upstream = dlogp.data_ptr<float>();
    // Their logits become gradients in place: a second backward pass through the same graph computes them anew.
    auto kept = std::exchange(ctx->saved_data["kept"], std::vector<at::Tensor>()).toTensorVector();
    for_tiles(o, kept, 0, [&](const Tile& tile) {
      for_rows(tile, [&](const kernels::LogitTile& part, int64_t token) {
        kernels::logit_gradient(part, targets.data_ptr<int64_t>() + token, lse + token, upstream + token);
      });
      const int64_t first = tile.kernel.first;
      if (dstates.defined())
        project_back(tile.logits, tile.weight, dstates.narrow(0, tile.row, tile.kernel.rows),
                     first == 0 ? Into::store : Into::add);
      if (dweight.sum.defined())
        add_weight_gradient(tile.logits, tile.states, dweight.sum.narrow(0, first, tile.kernel.columns));
    });
    return {dstates, dweight.returned, {}, {}, {}, {}};
  }
};

}  // namespace

LogitTiling logit_tiling(int64_t tokens, int64_t vocab) {
  const int64_t rows = std::clamp<int64_t>(tokens, 1, 1024);
  return {rows, std::clamp<int64_t>(kLogitTile / rows, 1, std::max<int64_t>(1, vocab))};
}

at::Tensor detail::tiled_logprobs(const at::Tensor& states, const at::Tensor& weight, const at::Tensor& targets,
                                  double temperature, const LogitTiling& tiling) {
  const bool will_go_back = at::GradMode::is_enabled() && (states.requires_grad() || weight.requires_grad());
  return LogprobFunction::apply(states, weight, targets, temperature, tiling, will_go_back);
}

at::Tensor projected_logprobs(const at::Tensor& states, const at::Tensor& weight, const at::Tensor& targets,
                              double temperature) {
  const int64_t tokens = states.size(0);
  if (tokens > 0 && takes_kernels({states, weight}) && targets.is_contiguous())
    return detail::tiled_logprobs(states, weight, targets, temperature, logit_tiling(tokens, weight.size(0)));
  auto logits = at::linear(states, as_dtype_of(states, weight));
  if (logits.scalar_type() != at::kDouble) logits = logits.to(at::kFloat);
  if (temperature != 1.0) logits = logits / temperature;
  return at::log_softmax(logits, -1).gather(1, targets.unsqueeze(1)).squeeze(1);
}

}  // namespace hone::nn
