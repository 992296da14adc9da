#include "hone/nn/mlp.h"

#include "hone/nn/gradient_checks.h"

#include <gtest/gtest.h>

#include <array>

namespace hone::nn {
namespace {

TEST(Mlp, FusedIsLibtorchsAtOddSizes) {
  for (const auto& [rows, width, hidden] : {std::array<int64_t, 3>{1, 1, 1}, {2, 3, 5}, {37, 20, 43}}) {
    for (const bool has_bias : {true, false}) {
      std::vector<at::Tensor> inputs = {random_tensor({rows, width}, 1), random_tensor({hidden, width}, 2),
                                        random_tensor({width, hidden}, 3)};
      if (has_bias) inputs.insert(inputs.end(), {random_tensor({hidden}, 4), random_tensor({width}, 5)});
      expect_like_libtorch(
          [&](const std::vector<at::Tensor>& t) {
            return mlp({t[1], has_bias ? t[3] : at::Tensor()}, {t[2], has_bias ? t[4] : at::Tensor()},
                       Activation::gelu_tanh, t[0]);
          },
          inputs, 5e-6);
    }
    expect_like_libtorch(
        [](const std::vector<at::Tensor>& t) {
          return mlp({t[1], {}}, {t[2], {}}, Activation::swiglu, t[0]);
        },
        {random_tensor({rows, width}, 1), random_tensor({2 * hidden, width}, 2), random_tensor({width, hidden}, 3)},
        5e-6);
  }
}

TEST(Mlp, SwigluWithABiasTakesTheLongWay) {
  const Linear up{random_tensor({6, 2}, 1), random_tensor({6}, 2)}, down{random_tensor({2, 3}, 3), {}};
  const auto x = random_tensor({4, 2}, 4), pre = at::linear(x, up.weight, up.bias);
  const auto expected = at::linear(at::silu(pre.narrow(1, 0, 3)) * pre.narrow(1, 3, 3), down.weight);
  EXPECT_LT(largest_gap(mlp(up, down, Activation::swiglu, x), expected), 1e-5);
}

TEST(Mlp, BackwardTwiceGivesTheSame) {
  const Linear up{random_tensor({6, 2}, 1).requires_grad_(), {}}, down{random_tensor({2, 3}, 3).requires_grad_(), {}};
  const auto loss = mlp(up, down, Activation::swiglu, random_tensor({4, 2}, 4)).pow(2).sum();
  const auto first = torch::autograd::grad({loss}, {up.weight, down.weight}, {}, /*retain_graph=*/true);
  const auto second = torch::autograd::grad({loss}, {up.weight, down.weight});
  EXPECT_TRUE(at::equal(first[0], second[0]) && at::equal(first[1], second[1]));
}

}  // namespace
}  // namespace hone::nn
