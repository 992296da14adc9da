#include "hone/bench/bench.h"
#include "hone/bench/roof.h"
#include "hone/kernels/adamw.h"
#include "hone/kernels/linear.h"
#include "hone/kernels/norm.h"
#include "hone/kernels/softmax.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>

namespace hone::bench {
namespace {

// A call on a thread's own memory.
using Call = std::function<void()>;

// What a kernel is called, and what one call of it does in the unit of its row.
struct Kernel {
  std::string name;
  const char* unit;      // "GFLOP/s" or "GB/s"
  double work_per_call;  // in 10⁹ of it
  std::function<Call()> make;
};

std::shared_ptr<kernels::Floats> floats(int64_t count, float value) {
  auto memory = std::make_shared<kernels::Floats>(count);
  std::fill_n(memory->data(), count, value);
  return memory;
}

Kernel linear_kernel(const Product& p, const char* name, kernels::WeightFormat format) {
  return {
      fmt::format("packed_linear {} {}x{}x{}", name, p.rows, p.in, p.out), "GFLOP/s", p.flops() / 1e9, [=]() -> Call {
        const auto weight = floats(p.out * p.in, 0.25f), x = floats(p.rows * p.in, 0.5f), y = floats(p.rows * p.out, 0);
        const kernels::DenseLinear dense{weight->data(), nullptr, p.out, p.in};
        const auto packed = std::make_shared<kernels::PackedLinear>(dense, format);
        return [=] { kernels::packed_linear(*packed, x->data(), p.rows, y->data()); };
      }};
}

Kernel norm_kernel(int64_t rows, int64_t width) {
  const double bytes = 8.0 * static_cast<double>(rows * width);
  return {fmt::format("layer_norm {}x{}", rows, width), "GB/s", bytes / 1e9, [=]() -> Call {
            const auto x = floats(rows * width, 0.5f), y = floats(rows * width, 0);
            const auto weight = floats(width, 1), bias = floats(width, 0);
            return [=] {
              kernels::layer_norm(x->data(), {rows, width}, {weight->data(), bias->data(), 1e-5f}, y->data());
            };
          }};
}

Kernel softmax_kernel(int64_t width) {
  return {fmt::format("softmax {}", width), "GB/s", 8.0 * static_cast<double>(width) / 1e9, [=]() -> Call {
            const auto x = floats(width, 0.5f), y = floats(width, 0);
            return [=] { kernels::softmax(x->data(), width, y->data()); };
          }};
}

Kernel adamw_kernel(int64_t count) {
  return {fmt::format("adamw {}", count), "GB/s", 28.0 * static_cast<double>(count) / 1e9, [=]() -> Call {
            const auto p = floats(count, 0.1f), m = floats(count, 0), v = floats(count, 0), g = floats(count, 0.01f);
            return [=] {
              kernels::adamw({p->data(), m->data(), v->data(), g->data(), count}, {.grad_scale = 1,
                                                                                   .one_minus_beta1 = 0.1f,
                                                                                   .one_minus_beta2 = 0.05f,
                                                                                   .step_size = 1e-6f,
                                                                                   .root_scale = 1,
                                                                                   .eps = 1e-8f,
                                                                                   .decay = 0});
            };
          }};
}

std::vector<Kernel> known_kernels() {
  using kernels::WeightFormat;
  return {linear_kernel({1, 128, 384}, "fp32", WeightFormat::fp32),
          linear_kernel({16, 128, 384}, "fp32", WeightFormat::fp32),
          linear_kernel({32, 256, 1024}, "fp32", WeightFormat::fp32),
          linear_kernel({1, 128, 384}, "int8", WeightFormat::int8),
          linear_kernel({16, 128, 384}, "int8", WeightFormat::int8),
          norm_kernel(1024, 128),
          norm_kernel(1024, 256),
          softmax_kernel(64),
          softmax_kernel(50257),
          adamw_kernel(1 << 20)};
}

// All threads call it at the same time, each on its own memory.
Json kernel_row(const Kernel& kernel, const Plan& plan, base::Pool& pool) {
  std::vector<Call> calls(static_cast<std::size_t>(pool.threads()));
  for (Call& call : calls) call = kernel.make();
  constexpr double kWork = 0.02;  // 10⁹ of the unit: milliseconds, against microseconds of the pool's hand-out
  const auto times = std::max<int64_t>(1, static_cast<int64_t>(kWork / kernel.work_per_call));
  const Json row = {{"name", kernel.name}, {"bench", "kernels"}, {"unit", kernel.unit}};
  return measured(row, plan.pace, [&] {
    pool.for_each(pool.threads(), [&](int64_t i, int) {
      for (int64_t n = 0; n < times; ++n) calls[static_cast<std::size_t>(i)]();
    });
    return kernel.work_per_call * static_cast<double>(times * pool.threads());
  });
}

// roof.h measures by its own rule (the best of a few tries); `pace` decides how often it is asked.
Json asked_row(const std::string& name, const char* unit, const Plan& plan, const std::function<double()>& ask) {
  std::vector<double> samples;
  for (int64_t i = 0; i < plan.pace.repeats; ++i) samples.push_back(ask() / 1e9);
  return with_samples({{"name", name}, {"bench", "kernels"}, {"unit", unit}}, samples);
}

}  // namespace

Json kernel_rows(const Plan& plan, base::Pool& pool) {
  Json rows = Json::array();
  for (const Kernel& kernel : known_kernels()) rows.push_back(kernel_row(kernel, plan, pool));
  for (const Product& p : {Product{1, 128, 384}, Product{16, 128, 384}, Product{32, 256, 1024}, Product{1024, 128, 512},
                           Product{1024, 256, 1024}}) {
    rows.push_back(asked_row(fmt::format("sgemm {}x{}x{}", p.rows, p.in, p.out), "GFLOP/s", plan,
                             [&] { return sgemm_rate(p, Pass::forward, pool); }));
  }
  rows.push_back(asked_row("memory copy, read + write", "GB/s", plan, [&] { return copy_rate(pool); }));
  return rows;
}

}  // namespace hone::bench
