#include "hone/train/step.h"

#include "hone/base/error.h"
#include "hone/kernels/elementwise.h"
#include "hone/models/scalar.h"
#include "hone/nn/fused.h"
#include "hone/nn/parallel.h"
#include "hone/train/device_batch.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace hone::train {
namespace {

constexpr int64_t kMaxSlots = 8;
constexpr int64_t kReduceChunk = int64_t{1} << 16;  // floats

// Points every parameter's gradient into one flat buffer, so that the reduction and the update are single passes.
void bind_gradients(models::Decoder& replica, const at::Tensor& flat) {
  int64_t offset = 0;
  replica.visit_trained([&](const std::string&, at::Tensor& t) {
    t.mutable_grad() = flat.narrow(0, offset, t.numel()).view(t.sizes().vec());
    offset += t.numel();
  });
}

// The masks of dropout of one micro-batch: they depend on the update and its place among the batches, not on the slot.
void choose_masks(models::Decoder& replica, const Rng& masks) {
  replica.visit_maps([&](const std::string& name, nn::Linear& map) {
    if (map.delta.dropout > 0) map.delta.mask_key = masks.fork(name).key();
  });
}

// What one slot's micro-batches added up to.
struct Sums {
  double sum = 0, count = 0;
  int64_t tokens = 0;
  std::map<std::string, double> metrics;

  void add(const tensor::Loss& loss, const tensor::Batch& batch) {
    sum += loss.sum.item<double>();
    count += loss.count;
    tokens += batch.ids_BT.numel();
    for (const auto& [name, value] : loss.metrics) metrics[name] += value;
  }
};

// What looks at the token before one finds it in the column before.
void require_own_rows(const MicroOptions& options) {
  require(options.rows == Rows::one_each, ErrorKind::internal, "values need one sequence a row");
}

StepReport report_of(const std::vector<Sums>& parts) {
  StepReport r;
  double sum = 0;
  for (const auto& part : parts) {  // ascending slot order: the same bits for any number of threads
    sum += part.sum;
    r.count += part.count;
    r.tokens += part.tokens;
    for (const auto& [name, value] : part.metrics) r.metrics[name] += value;
  }
  require(std::isfinite(sum), ErrorKind::numeric, "the loss is not finite ({})", sum);
  if (r.count <= 0) return r;
  r.loss = sum / r.count;
  for (auto& [name, value] : r.metrics) value /= r.count;
  return r;
}

}  // namespace

int64_t slot_count(int64_t parameters, int64_t gradient_bytes) {
  const int64_t bytes = std::max<int64_t>(1, parameters) * static_cast<int64_t>(sizeof(float));
  return std::clamp<int64_t>(gradient_bytes / bytes, 1, kMaxSlots);
}

Slots::Slots(models::Decoder& model, base::Pool& pool, int64_t gradient_bytes) : model_(model), pool_(pool) {
  const at::Tensor& trained = model.trained();
  // By the whole model's size: a large frozen base wants joined batches as much as a trained one.
  const int64_t count = on_cpu() ? slot_count(model.flat.numel(), gradient_bytes) : 1;
  for (int64_t i = 0; i < count; ++i) {
    slots_.push_back({models::replica(model), at::zeros_like(trained)});
    bind_gradients(slots_.back().replica, slots_.back().gradient);
  }
}

void Slots::for_slots(int64_t count, const std::function<void(int64_t slot)>& work) {
  if (slots_.size() > 1) return pool_.for_each(count, [&](int64_t slot, int) { work(slot); });
  const nn::ParallelScope inside_operations(pool_);
  work(0);
}

int64_t Slots::joined_tokens() const {
  if (!on_cpu()) return kDeviceTokens;
  return slots_.size() == 1 ? kOneSlotTokens : 0;
}

void Slots::clear(int64_t slot) {
  if (!on_cpu()) return slots_[slot].gradient.zero_(), void();
  float* gradient = slots_[slot].gradient.data_ptr<float>();
  nn::for_ranges(model_.trained().numel(), kReduceChunk,
                 [&](int64_t begin, int64_t end, int64_t) { std::fill(gradient + begin, gradient + end, 0.0f); });
}

void Slots::reduce(int64_t used) {
  const int64_t size = model_.trained().numel();
  pool_.for_each((size + kReduceChunk - 1) / kReduceChunk, [&](int64_t chunk, int) {
    const int64_t begin = chunk * kReduceChunk, count = std::min(size - begin, kReduceChunk);
    float* total = slots_[0].gradient.data_ptr<float>() + begin;
    for (int64_t s = 1; s < used; ++s) kernels::add(slots_[s].gradient.data_ptr<float>() + begin, count, total);
  });
}

StepReport Slots::step(std::span<const MicroBatch> given, const MicroLoss& loss, optim::AdamW& optimizer, double lr) {
  const JoinedBatches regrouped(given, model_.flat.device(), joined_tokens());
  const auto micros = regrouped.batches();
  // A slot without a micro-batch would only add zeros; the first holds the sum.
  const int64_t used = std::clamp<int64_t>(static_cast<int64_t>(micros.size()), 1, static_cast<int64_t>(slots_.size()));
  const Rng masks = model_.adapter.masks.fork("update", {static_cast<uint64_t>(optimizer.steps())});
  std::vector<Sums> parts(static_cast<std::size_t>(used));
  for_slots(used, [&](int64_t s) {
    clear(s);
    for (int64_t i = s; i < static_cast<int64_t>(micros.size()); i += used) {
      choose_masks(slots_[s].replica, masks.fork("micro-batch", {static_cast<uint64_t>(i)}));
      const auto value = loss(slots_[s].replica, micros[i].batch);
      if (value.sum.requires_grad()) {
        const nn::DirectGradients direct;
        torch::autograd::backward({value.sum}, {});
      }
      parts[s].add(value, micros[i].batch);
    }
  });
  StepReport r = report_of(parts);
  if (used > 1) reduce(used);
  if (r.count <= 0) return r;  // nothing carried loss
  const auto info = optimizer.step(slots_[0].gradient, 1.0 / r.count, lr, pool_);
  r.grad_norm = info.grad_norm;
  r.lr = info.lr;
  return r;
}

StepReport Slots::evaluate(std::span<const MicroBatch> given, const MicroLoss& loss) {
  const JoinedBatches regrouped(given, model_.flat.device());
  std::vector<Sums> parts(regrouped.batches().size());
  regrouped.for_each(pool_, [&](int64_t i, const MicroBatch& micro) {
    at::NoGradGuard no_grad;
    parts[i].add(loss(model_, micro.batch), micro.batch);
  });
  return report_of(parts);
}

std::vector<optim::Segment> decay_segments(const models::Decoder& model, double weight_decay) {
  std::vector<optim::Segment> segments;
  int64_t offset = 0;
  models::Decoder view = model;
  view.visit_trained([&](const std::string& name, at::Tensor& t) {
    const bool matrix = t.dim() == 2 || view.adapted();  // the B of a fused map lie one after the other in one row
    const double decay = matrix && name != "positions.weight" ? weight_decay : 0.0;
    segments.push_back({offset, offset + t.numel(), decay});
    offset += t.numel();
  });
  return segments;
}

optim::AdamW adamw_for(const models::Decoder& model, const optim::OptimOptions& options) {
  return {model.trained(), decay_segments(model, options.weight_decay), options};
}

MicroOptions own_rows(const models::Decoder& model, int64_t micro_tokens) {
  return {.micro_tokens = micro_tokens, .vocab = model.config.vocab, .context = model.config.context};
}

std::vector<std::vector<float>> per_token(const models::Decoder& model, std::span<const data::Example> examples,
                                          const MicroOptions& options, base::Pool& pool, const TokenNumbers& numbers) {
  require(options.rows != Rows::packed, ErrorKind::internal, "packed rows don't say where their sequences lie");
  const auto given = micro_batches(examples, options);
  const JoinedBatches regrouped(given, model.flat.device());
  std::vector<std::vector<float>> out(examples.size());
  regrouped.for_each(pool, [&](int64_t, const MicroBatch& micro) {
    at::NoGradGuard no_grad;
    const auto table = numbers(model, micro.batch).to(at::kFloat).cpu().contiguous();
    for (const auto& place : micro.places) {
      const auto index = static_cast<std::size_t>(place.example);
      const float* begin = table.data_ptr<float>() + place.row * table.size(1) + place.column;
      out[index].assign(static_cast<std::size_t>(place.from), 0.0f);
      out[index].insert(out[index].end(), begin, begin + static_cast<int64_t>(examples[index].ids.size()) - place.from);
    }
  });
  return out;
}

std::vector<std::vector<float>> score_examples(const models::Decoder& model, std::span<const data::Example> examples,
                                               const MicroOptions& options, base::Pool& pool, double temperature) {
  return per_token(model, examples, options, pool, [&](const models::Decoder& m, const tensor::Batch& batch) {
    return models::logprobs(m, batch, temperature);
  });
}

std::vector<std::vector<float>> value_examples(const models::Decoder& critic, std::span<const data::Example> examples,
                                               const MicroOptions& options, base::Pool& pool) {
  require_own_rows(options);
  return per_token(critic, examples, options, pool, [](const models::Decoder& m, const tensor::Batch& batch) {
    const auto before = models::values_before(models::values(m, batch));
    return at::where(batch.loss_mask_BT, before, at::zeros({}, before.options()));
  });
}

std::vector<double> final_values(const models::Decoder& model, std::span<const data::Example> examples,
                                 const MicroOptions& options, base::Pool& pool) {
  require_own_rows(options);
  const auto values = per_token(model, examples, options, pool, [](const models::Decoder& m, const tensor::Batch& batch) {
    return models::values(m, batch);
  });
  std::vector<double> last;
  for (const auto& row : values) last.push_back(row.back());
  return last;
}

}  // namespace hone::train
