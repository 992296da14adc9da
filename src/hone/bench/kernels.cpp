#include "hone/bench/bench.h"
#include "hone/bench/roof.h"
#include "hone/kernels/adamw.h"
#include "hone/kernels/linear.h"
#include "hone/kernels/matmul.h"
#include "hone/kernels/norm.h"
#include "hone/kernels/softmax.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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
  const auto make = [=]() -> Call {
    const auto weight = floats(p.out * p.in, 0.25f), x = floats(p.rows * p.in, 0.5f), y = floats(p.rows * p.out, 0);
    const kernels::DenseLinear dense{weight->data(), nullptr, p.out, p.in};
    const auto packed = std::make_shared<kernels::PackedLinear>(dense, format);
    return [=] { kernels::packed_linear(*packed, x->data(), p.rows, y->data()); };
  };
  return {fmt::format("packed_linear {} {}x{}x{}", name, p.rows, p.in, p.out), "GFLOP/s", p.flops() / 1e9, make};
}

struct NamedPass {
  Pass pass;
  const char* name;
};
constexpr std::array kPasses{NamedPass{Pass::forward, "forward"}, NamedPass{Pass::input_gradient, "dx"},
                             NamedPass{Pass::weight_gradient, "dW"}};

void multiply(const Product& p, Pass pass, float* w, float* x, float* y) {
  const kernels::Factor of_w{w, p.out, p.in, p.in, 1}, of_x{x, p.rows, p.in, p.in, 1}, of_y{y, p.rows, p.out, p.out, 1};
  if (pass == Pass::forward) kernels::matmul(of_x, of_w.transposed(), kernels::Into::store, y, p.out);
  if (pass == Pass::input_gradient) kernels::matmul(of_y, of_w, kernels::Into::store, x, p.in);
  if (pass == Pass::weight_gradient) kernels::matmul(of_y.transposed(), of_x, kernels::Into::add, w, p.in);
}

Kernel matmul_kernel(const Product& p, const NamedPass& pass) {
  const auto make = [=]() -> Call {
    const auto w = floats(p.out * p.in, 0.25f), x = floats(p.rows * p.in, 0.5f), y = floats(p.rows * p.out, 0);
    return [=] { multiply(p, pass.pass, w->data(), x->data(), y->data()); };
  };
  return {fmt::format("matmul {} {}x{}x{}", pass.name, p.rows, p.in, p.out), "GFLOP/s", p.flops() / 1e9, make};
}

Kernel norm_kernel(int64_t rows, int64_t width) {
  const auto make = [=]() -> Call {
    const auto x = floats(rows * width, 0.5f), y = floats(rows * width, 0);
    const auto weight = floats(width, 1), bias = floats(width, 0);
    return [=] { kernels::layer_norm(x->data(), {rows, width}, {weight->data(), bias->data(), 1e-5f}, y->data()); };
  };
  return {fmt::format("layer_norm {}x{}", rows, width), "GB/s", 8.0 * static_cast<double>(rows * width) / 1e9, make};
}

Kernel softmax_kernel(int64_t width) {
  const auto make = [=]() -> Call {
    const auto x = floats(width, 0.5f), y = floats(width, 0);
    return [=] { kernels::softmax(x->data(), width, y->data()); };
  };
  return {fmt::format("softmax {}", width), "GB/s", 8.0 * static_cast<double>(width) / 1e9, make};
}

Kernel adamw_kernel(int64_t count) {
  const kernels::AdamwCoefficients step{.grad_scale = 1,
                                        .one_minus_beta1 = 0.1f,
                                        .one_minus_beta2 = 0.05f,
                                        .step_size = 1e-6f,
                                        .root_scale = 1,
                                        .eps = 1e-8f,
                                        .decay = 0};
  const auto make = [=]() -> Call {
    const auto p = floats(count, 0.1f), m = floats(count, 0), v = floats(count, 0), g = floats(count, 0.01f);
    return [=] { kernels::adamw({p->data(), m->data(), v->data(), g->data(), count}, step); };
  };
  return {fmt::format("adamw {}", count), "GB/s", 28.0 * static_cast<double>(count) / 1e9, make};
}

// Products of training, each measured beside sgemm.
const Product kTrained[] = {{1024, 128, 512}, {256, 256, 1024}, {512, 768, 768}};

std::vector<Kernel> known_kernels() {
  using kernels::WeightFormat;
  std::vector<Kernel> known = {linear_kernel({1, 128, 384}, "fp32", WeightFormat::fp32),
                               linear_kernel({16, 128, 384}, "fp32", WeightFormat::fp32),
                               linear_kernel({32, 256, 1024}, "fp32", WeightFormat::fp32),
                               linear_kernel({1, 128, 384}, "int8", WeightFormat::int8),
                               linear_kernel({16, 128, 384}, "int8", WeightFormat::int8),
                               norm_kernel(1024, 128),
                               norm_kernel(1024, 256),
                               softmax_kernel(64),
                               softmax_kernel(50257),
                               adamw_kernel(1 << 20)};
  for (const Product& p : kTrained)
    for (const NamedPass& pass : kPasses) known.push_back(matmul_kernel(p, pass));
  return known;
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
  const auto add_sgemm = [&](const Product& p, const NamedPass& pass) {
    rows.push_back(asked_row(fmt::format("sgemm {} {}x{}x{}", pass.name, p.rows, p.in, p.out), "GFLOP/s", plan,
                             [&] { return sgemm_rate(p, pass.pass, pool); }));
  };
  for (const Product& p : {Product{1, 128, 384}, Product{16, 128, 384}, Product{32, 256, 1024}})
    add_sgemm(p, kPasses[0]);
  for (const Product& p : kTrained)
    for (const NamedPass& pass : kPasses) add_sgemm(p, pass);
  rows.push_back(asked_row("memory copy, read + write", "GB/s", plan, [&] { return copy_rate(pool); }));
  return rows;
}

}  // namespace hone::bench
