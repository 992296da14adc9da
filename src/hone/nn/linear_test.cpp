#include "hone/nn/linear.h"

#include "hone/nn/gradient_checks.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>

namespace hone::nn {
namespace {

const at::Tensor kWeight = at::tensor({1.0f, 2.0f, 3.0f, -1.0f, 0.0f, 4.0f}).view({2, 3});
const at::Tensor kBias = at::tensor({10.0f, 20.0f});

TEST(Linear, ByHand) {
  const auto x = at::tensor({1.0f, 1.0f, 2.0f, 0.0f, 3.0f, -1.0f}).view({2, 3});
  // [1 1 2]: 1+2+6 = 9, -1+0+8 = 7; [0 3 -1]: 0+6-3 = 3, 0+0-4 = -4
  EXPECT_TRUE(at::equal(apply({kWeight, {}}, x), at::tensor({9.0f, 7.0f, 3.0f, -4.0f}).view({2, 2})));
  EXPECT_TRUE(at::equal(apply({kWeight, kBias}, x), at::tensor({19.0f, 27.0f, 13.0f, 16.0f}).view({2, 2})));
}

TEST(Linear, KeepsLeadingDimensions) {
  const auto x = at::arange(24, at::kFloat).view({2, 2, 2, 3});
  const auto y = apply({kWeight, kBias}, x);
  EXPECT_EQ(y.sizes().vec(), (std::vector<int64_t>{2, 2, 2, 2}));
  EXPECT_TRUE(at::equal(y.view({8, 2}), apply({kWeight, kBias}, x.view({8, 3}))));
  EXPECT_EQ(apply({kWeight, kBias}, at::zeros({4, 0, 3})).sizes().vec(), (std::vector<int64_t>{4, 0, 2}));
}

TEST(Linear, GradientByHand) {
  const auto weight = kWeight.clone().requires_grad_(), bias = kBias.clone().requires_grad_();
  const auto x = at::tensor({1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}).view({2, 3}).requires_grad_();
  apply({weight, bias}, x).sum().backward();
  // ∂Σy/∂W[o, i] = Σ_rows x[., i]; ∂/∂b = 2 rows; ∂/∂x[., i] = Σ_o W[o, i]
  EXPECT_TRUE(at::equal(weight.grad(), at::tensor({5.0f, 7.0f, 9.0f, 5.0f, 7.0f, 9.0f}).view({2, 3})));
  EXPECT_TRUE(at::equal(bias.grad(), at::tensor({2.0f, 2.0f})));
  EXPECT_TRUE(at::equal(x.grad(), at::tensor({0.0f, 2.0f, 7.0f, 0.0f, 2.0f, 7.0f}).view({2, 3})));
}

TEST(Linear, FusedIsLibtorchsAtOddSizes) {
  for (const bool has_bias : {true, false}) {
    for (const auto& [rows, in, out] : {std::array<int64_t, 3>{1, 1, 1}, {3, 5, 7}, {33, 17, 65}}) {
      std::vector<at::Tensor> inputs = {random_tensor({rows, in}, 1), random_tensor({out, in}, 2)};
      if (has_bias) inputs.push_back(random_tensor({out}, 3));
      expect_like_libtorch(
          [&](const std::vector<at::Tensor>& t) {
            return apply({t[1], has_bias ? t[2] : at::Tensor()}, t[0]);
          },
          inputs);
    }
  }
}

TEST(Linear, TakesInputsThatAreNotContiguous) {
  const auto x = random_tensor({4, 6}, 1).t(), weight = random_tensor({3, 4}, 2);
  EXPECT_LT(largest_gap(apply({weight, {}}, x), at::linear(x, weight)), 1e-6);
  const auto wide = random_tensor({3, 8}, 3).narrow(1, 2, 4);  // a weight that is a view
  EXPECT_LT(largest_gap(apply({wide, {}}, x), at::linear(x, wide)), 1e-6);
}

TEST(Linear, UpstreamGradientMayBeExpanded) {
  const auto weight = random_tensor({3, 4}, 1).requires_grad_();
  apply({weight, {}}, at::ones({2, 5, 4})).sum().backward();  // sum's gradient is one number, expanded
  EXPECT_TRUE(at::equal(weight.grad(), at::full({3, 4}, 10.0f)));
}

}  // namespace
}  // namespace hone::nn
