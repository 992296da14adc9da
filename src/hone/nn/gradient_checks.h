// What the tests of nn share: random tensors, and the check of a fused operation against libtorch's in double.
#pragma once

#include "hone/base/rng.h"
#include "hone/kernels/common.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace hone::nn {

inline at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed, double scale = 1, double shift = 0) {
  auto t = at::empty(shape, at::kFloat);
  Rng rng(seed);
  for (int64_t i = 0; i < t.numel(); ++i) t.data_ptr<float>()[i] = static_cast<float>(shift + scale * rng.normal());
  return t;
}

inline double largest_gap(const at::Tensor& a, const at::Tensor& b) {
  return a.numel() == 0 ? 0 : (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// Sets the form of the kernels for a scope.
struct WithMode {
  kernels::Mode before = kernels::mode();
  explicit WithMode(kernels::Mode mode) { kernels::set_mode(mode); }
  ~WithMode() { kernels::set_mode(before); }
};

using Operation = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

inline bool is_fused(const at::Tensor& y) {
  return y.grad_fn() && y.grad_fn()->name().find("hone") != std::string::npos;
}

struct Pass {
  at::Tensor y;
  std::vector<at::Tensor> grads;
};

/// y = operation(inputs) and the gradients of Σ mix·y.
inline Pass run_pass(const Operation& operation, std::vector<at::Tensor> inputs, at::ScalarType type) {
  for (auto& t : inputs) t = t.detach().to(type).clone().requires_grad_();
  const auto y = operation(inputs);
  (y * random_tensor(y.sizes(), 99).to(type)).sum().backward();
  Pass pass{y.detach(), {}};
  for (const auto& t : inputs) pass.grads.push_back(t.grad());
  EXPECT_EQ(is_fused(y), type == at::kFloat && kernels::mode() == kernels::Mode::fused);
  return pass;
}

/// Value and gradients of a fused operation against libtorch's in float64 and in reference mode, and the gradients
/// against central differences in float64 at every element of small inputs.
///   operation  takes float32 and float64 tensors
///   tolerance  of the largest element of each result
inline void expect_like_libtorch(const Operation& operation, const std::vector<at::Tensor>& inputs,
                                 double tolerance = 2e-6) {
  const Pass fused = run_pass(operation, inputs, at::kFloat), exact = run_pass(operation, inputs, at::kDouble);
  const Pass plain = [&] {
    const WithMode reference(kernels::Mode::reference);
    return run_pass(operation, inputs, at::kFloat);
  }();
  const auto expect_close = [&](const at::Tensor& a, const at::Tensor& b, double times, std::size_t input) {
    EXPECT_LE(largest_gap(a, b), times * tolerance * (1 + b.abs().max().item<double>())) << "input " << input;
  };
  expect_close(fused.y, exact.y, 1, 99);
  expect_close(plain.y, exact.y, 1, 99);
  const auto mix = random_tensor(exact.y.sizes(), 99).to(at::kDouble);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    expect_close(fused.grads[i], exact.grads[i], 1, i);
    expect_close(plain.grads[i], exact.grads[i], 1, i);
    if (inputs[i].numel() > 64) continue;
    for (int64_t k = 0; k < inputs[i].numel(); ++k) {
      const auto value_at = [&](double step) {
        std::vector<at::Tensor> moved;
        for (const auto& t : inputs) moved.push_back(t.to(at::kDouble).clone());
        moved[i].view(-1)[k] += step;
        return (operation(moved) * mix).sum().item<double>();
      };
      const double slope = (value_at(1e-5) - value_at(-1e-5)) / 2e-5;
      EXPECT_NEAR(fused.grads[i].view(-1)[k].item<double>(), slope, 5 * tolerance * (1 + std::abs(slope)))
          << "input " << i << " element " << k;
    }
  }
}

}  // namespace hone::nn
