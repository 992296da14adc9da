#include "hone/bench/roof.h"

#include "hone/nn/attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>

namespace hone::bench {
namespace {

constexpr int kTries = 3;
constexpr double kTrySeconds = 0.01;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Seconds of one call when every thread makes calls of its own at the same time, divided by the number of threads.
// `make` gives every thread its call.
double shared_seconds(base::Pool& pool, const std::function<std::function<void()>()>& make) {
  std::vector<std::function<void()>> calls(static_cast<std::size_t>(pool.threads()));
  pool.for_each(pool.threads(), [&](int64_t i, int) {
    calls[static_cast<std::size_t>(i)] = make();
    calls[static_cast<std::size_t>(i)]();
  });
  const auto round = [&](int64_t times) {
    return seconds_of([&] {
      pool.for_each(pool.threads(), [&](int64_t i, int) {
        for (int64_t n = 0; n < times; ++n) calls[static_cast<std::size_t>(i)]();
      });
    });
  };
  const auto times = std::max<int64_t>(1, static_cast<int64_t>(kTrySeconds / std::max(1e-7, round(1))));
  double best = round(times);
  for (int i = 1; i < kTries; ++i) best = std::min(best, round(times));
  return best / static_cast<double>(times * pool.threads());
}

std::function<void()> product_call(const Product& p, Pass pass) {
  auto x = at::full({p.rows, p.in}, 0.5f), w = at::full({p.out, p.in}, 0.25f), y = at::full({p.rows, p.out}, 0.125f);
  return [=]() mutable {
    at::NoGradGuard off;
    if (pass == Pass::forward) at::mm_out(y, x, w.t());
    if (pass == Pass::input_gradient) at::mm_out(x, y, w);
    if (pass == Pass::weight_gradient) at::mm_out(w, y.t(), x);
  };
}

double product_seconds(const Product& p, Pass pass, base::Pool& pool) {
  return shared_seconds(pool, [&] { return product_call(p, pass); });
}

std::function<void()> attention_call(const models::DecoderConfig& c, const MicroShape& m) {
  const nn::AttentionShape shape{c.heads, c.kv_heads, c.head_dim};
  const auto qkv = at::full({m.rows, m.tokens, (c.heads + 2 * c.kv_heads) * c.head_dim}, 0.1f).requires_grad_(true);
  const auto gradient = at::full({m.rows, m.tokens, c.heads * c.head_dim}, 0.01f);
  nn::Rope rope;
  if (c.family == models::Family::llama) {
    const auto positions = at::arange(m.tokens, at::kLong).expand({m.rows, m.tokens}).contiguous();
    rope = nn::make_rope(positions, c.head_dim, c.rope_theta);
  }
  return [=] {
    at::AutoGradMode on(true);
    const bool rotated = c.family == models::Family::llama;
    const auto y = nn::attention(qkv, shape, {}, rotated ? &rope : nullptr);
    torch::autograd::backward({y}, {gradient});
    qkv.mutable_grad() = at::Tensor();
  };
}

}  // namespace

double sgemm_rate(const Product& product, Pass pass, base::Pool& pool) {
  return product.flops() / product_seconds(product, pass, pool);
}

double copy_rate(base::Pool& pool) {
  constexpr int64_t kBytes = int64_t{64} << 20;
  const double seconds = shared_seconds(pool, [] {
    const auto from = at::full({kBytes / 4}, 1.0f), to = at::zeros({kBytes / 4});
    return [=] { std::memcpy(to.data_ptr(), from.data_ptr(), kBytes); };
  });
  return 2.0 * kBytes / seconds;
}

std::vector<Occurrence> linear_maps(const models::DecoderConfig& c, int64_t rows, int64_t head_rows) {
  const int64_t up = c.family == models::Family::gpt2 ? c.mlp : 2 * c.mlp;
  return {{{rows, c.width, (c.heads + 2 * c.kv_heads) * c.head_dim}, c.layers},
          {{rows, c.heads * c.head_dim, c.width}, c.layers},
          {{rows, c.width, up}, c.layers},
          {{rows, c.mlp, c.width}, c.layers},
          {{head_rows, c.width, c.vocab}, 1}};
}

TrainRoof train_roof(const models::DecoderConfig& config, const MicroShape& micro, base::Pool& pool) {
  TrainRoof roof;
  for (const auto& [product, count] : linear_maps(config, micro.rows * micro.tokens, micro.head_rows)) {
    for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient})
      roof.products += static_cast<double>(count) * product_seconds(product, pass, pool);
  }
  roof.attention =
      static_cast<double>(config.layers) * shared_seconds(pool, [&] { return attention_call(config, micro); });
  return roof;
}

double decode_roof(const models::DecoderConfig& config, int64_t rows, base::Pool& pool) {
  double seconds = 0;
  for (const auto& [product, count] : linear_maps(config, rows, rows))
    seconds += static_cast<double>(count) * product_seconds(product, Pass::forward, pool);
  return seconds / static_cast<double>(rows);
}

}  // namespace hone::bench
