#include "hone/nn/fused.h"

#include "hone/base/error.h"
#include "hone/nn/gradient_checks.h"
#include "hone/nn/linear.h"

#include <gtest/gtest.h>

namespace hone::nn {
namespace {

const at::Tensor kX = random_tensor({5, 3}, 1);

struct Bound {
  at::Tensor weight = random_tensor({4, 3}, 2).requires_grad_(), buffer = at::ones({4, 3});
  Bound() { weight.mutable_grad() = buffer; }
  at::Tensor loss() const { return apply({weight, {}}, kX).pow(2).sum(); }
};

at::Tensor expected() {
  const auto weight = Bound().weight.detach().requires_grad_();
  at::linear(kX, weight).pow(2).sum().backward();
  return weight.grad();
}

TEST(Fused, KernelsTakeContiguousFloatsOnTheCpu) {
  const WithMode fused(kernels::Mode::fused);
  EXPECT_TRUE(takes_kernels({kX, at::Tensor()}));
  EXPECT_FALSE(takes_kernels({kX, kX.to(at::kDouble)}));
  EXPECT_FALSE(takes_kernels({kX.t()}));
  const WithMode reference(kernels::Mode::reference);
  EXPECT_FALSE(takes_kernels({kX}));
}

TEST(DirectGradients, AddIntoTheBoundBuffer) {
  const Bound bound;
  {
    const DirectGradients direct;
    bound.loss().backward();
    bound.loss().backward();
  }
  EXPECT_EQ(bound.weight.grad().data_ptr(), bound.buffer.data_ptr());
  EXPECT_LT(largest_gap(bound.buffer, 1 + 2 * expected()), 1e-5);
}

TEST(DirectGradients, EqualLibtorchsAccumulation) {
  const Bound bound;
  bound.loss().backward();
  EXPECT_EQ(bound.weight.grad().data_ptr(), bound.buffer.data_ptr());
  EXPECT_LT(largest_gap(bound.buffer, 1 + expected()), 1e-5);
}

TEST(DirectGradients, GradLeavesTheBufferAlone) {
  const Bound bound;
  const auto grad = torch::autograd::grad({bound.loss()}, {bound.weight})[0];
  EXPECT_LT(largest_gap(grad, expected()), 1e-5);
  EXPECT_TRUE(at::equal(bound.buffer, at::ones({4, 3})));
}

// A weight that was computed, as with a low-rank delta, hands its gradient on; so does a parameter without a buffer.
TEST(DirectGradients, ComputedWeightsAndUnboundParameters) {
  const DirectGradients direct;
  const auto base = random_tensor({4, 3}, 2), a = random_tensor({4, 2}, 3).requires_grad_(),
             b = random_tensor({2, 3}, 4).requires_grad_();
  apply({base + at::mm(a, b), {}}, kX).sum().backward();
  const auto fused = a.grad().clone();
  a.mutable_grad().zero_();
  at::linear(kX, base + at::mm(a, b)).sum().backward();
  EXPECT_LT(largest_gap(fused, a.grad()), 1e-5);
  EXPECT_FALSE(base.grad().defined());

  const auto unbound = Bound().weight.detach().requires_grad_();
  apply({unbound, {}}, kX).pow(2).sum().backward();
  EXPECT_LT(largest_gap(unbound.grad(), expected()), 1e-5);
}

TEST(DirectGradients, FrozenWeightsGetNone) {
  const auto frozen = random_tensor({4, 3}, 2), x = kX.clone().requires_grad_();
  apply({frozen, {}}, x).sum().backward();
  EXPECT_FALSE(frozen.grad().defined());
  EXPECT_LT(largest_gap(x.grad(), frozen.sum(0).expand({5, 3})), 1e-5);
}

TEST(Fused, SecondDerivativesAreRefused) {
  const WithMode fused(kernels::Mode::fused);
  const Bound bound;
  try {
    torch::autograd::grad({bound.loss()}, {bound.weight}, {}, true, /*create_graph=*/true);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
  }
}

TEST(Fused, NothingIsKeptWithoutGradients) {
  const at::NoGradGuard no_grad;
  const Bound bound;
  const auto y = apply({bound.weight, {}}, kX);
  EXPECT_FALSE(y.requires_grad());
  EXPECT_FALSE(y.grad_fn());
}

}  // namespace
}  // namespace hone::nn
