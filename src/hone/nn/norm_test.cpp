#include "hone/nn/norm.h"

#include "hone/base/rng.h"
#include "hone/nn/gradient_checks.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace hone::nn {
namespace {

const at::Tensor kWeight = at::tensor({1.0f, 2.0f, 3.0f, 4.0f});
const at::Tensor kBias = at::tensor({10.0f, 20.0f, 30.0f, 40.0f});

at::Tensor random(at::IntArrayRef shape, uint64_t seed, double scale, double shift) {
  auto t = at::empty(shape, at::kFloat);
  Rng rng(seed);
  for (int64_t i = 0; i < t.numel(); ++i) t.data_ptr<float>()[i] = static_cast<float>(shift + scale * rng.normal());
  return t;
}

// The textbook formulas, term by term in double.
at::Tensor expected(const Norm& norm, const at::Tensor& x, double eps) {
  const int64_t width = x.size(-1);
  auto y = at::empty(x.sizes(), at::kDouble);
  for (int64_t row = 0; row < x.numel() / width; ++row) {
    const float* p = x.data_ptr<float>() + row * width;
    double mean = 0, square = 0;
    if (norm.bias.defined())
      for (int64_t i = 0; i < width; ++i) mean += p[i] / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) square += (p[i] - mean) * (p[i] - mean) / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) {
      const double shift = norm.bias.defined() ? norm.bias.data_ptr<float>()[i] : 0;
      y.data_ptr<double>()[row * width + i] =
          (p[i] - mean) / std::sqrt(square + eps) * norm.weight.data_ptr<float>()[i] + shift;
    }
  }
  return y;
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

TEST(Norm, LayerNormByHand) {
  const auto x = at::tensor({1.0f, 2.0f, 3.0f, 6.0f});
  // mean 3, differences -2 -1 0 3, variance (4+1+0+9)/4 = 3.5; with eps 0.5 the root is 2: -1 -0.5 0 1.5
  EXPECT_LT(distance(apply({kWeight, kBias}, x, 0.5), at::tensor({9.0, 19.0, 30.0, 46.0})), 1e-5);
}

TEST(Norm, RmsNormByHand) {
  const auto x = at::tensor({1.0f, 3.0f, -5.0f, 1.0f});
  // mean square (1+9+25+1)/4 = 9; with eps 7 the root is 4: 0.25 0.75 -1.25 0.25
  EXPECT_LT(distance(apply({kWeight, {}}, x, 7), at::tensor({0.25, 1.5, -3.75, 1.0})), 1e-6);
}

TEST(Norm, EqualsTheFormulasInDouble) {
  for (const double scale : {1e-3, 1.0, 100.0}) {
    const auto x = random({3, 5, 48}, 1, scale, 0.5 * scale);
    const Norm layer{random({48}, 2, 0.3, 1), random({48}, 3, 0.3, 0)}, rms{layer.weight, {}};
    EXPECT_LT(distance(apply(layer, x, 1e-5), expected(layer, x, 1e-5)), 2e-5) << scale;
    EXPECT_LT(distance(apply(rms, x, 1e-5), expected(rms, x, 1e-5)), 2e-5) << scale;
  }
}

TEST(Norm, RowsOfZerosStayFinite) {
  const auto x = at::zeros({2, 4});
  EXPECT_TRUE(at::equal(apply({kWeight, {}}, x, 1e-6), x));
  EXPECT_TRUE(at::equal(apply({kWeight, kBias}, x, 1e-5), kBias.expand({2, 4})));
}

TEST(Norm, GradientAgreesWithFiniteDifferences) {
  for (const bool has_bias : {true, false}) {
    const auto x = random({2, 4}, 4, 1, 0.2).to(at::kDouble), mix = random({2, 4}, 5, 1, 0).to(at::kDouble);
    const Norm norm{kWeight.to(at::kDouble), has_bias ? kBias.to(at::kDouble) : at::Tensor()};
    const auto loss = [&](const at::Tensor& input) { return (apply(norm, input, 1e-3) * mix).sum(); };
    const auto leaf = x.clone().requires_grad_();
    loss(leaf).backward();
    for (int64_t i = 0; i < x.numel(); ++i) {
      constexpr double kStep = 1e-5;
      auto above = x.clone(), below = x.clone();
      above.view(-1)[i] += kStep;
      below.view(-1)[i] -= kStep;
      const double slope = (loss(above) - loss(below)).item<double>() / (2 * kStep);
      EXPECT_NEAR(leaf.grad().view(-1)[i].item<double>(), slope, 1e-6) << has_bias << " " << i;
    }
  }
}

TEST(Norm, FusedIsLibtorchsAtOddSizes) {
  for (const bool has_bias : {true, false}) {
    for (const int64_t width : {2, 3, 8, 17, 45}) {
      std::vector<at::Tensor> inputs = {random_tensor({3, width}, 1, 1, 2), random_tensor({width}, 2)};
      if (has_bias) inputs.push_back(random_tensor({width}, 3));
      expect_like_libtorch(
          [&](const std::vector<at::Tensor>& t) {
            return apply({t[1], has_bias ? t[2] : at::Tensor()}, t[0], 1e-2);
          },
          inputs, 5e-6);
    }
  }
}

TEST(Norm, SumAndNormTogether) {
  for (const bool has_bias : {true, false}) {
    std::vector<at::Tensor> inputs = {random_tensor({3, 7}, 1), random_tensor({3, 7}, 2), random_tensor({7}, 3)};
    if (has_bias) inputs.push_back(random_tensor({7}, 4));
    const auto both = [&](const std::vector<at::Tensor>& t) {
      return add_apply({t[2], has_bias ? t[3] : at::Tensor()}, t[0], t[1], 1e-2);
    };
    // Each result alone, and both: the gradient of one that nobody used does not exist.
    expect_like_libtorch([&](const auto& t) { return both(t).normed; }, inputs, 5e-6);
    const auto leaf = random_tensor({3, 7}, 1).requires_grad_();
    const auto s = both({leaf, inputs[1], inputs[2], has_bias ? inputs[3] : at::Tensor()});
    EXPECT_TRUE(at::equal(s.x, leaf + inputs[1]));
    s.x.sum().backward({}, /*retain_graph=*/true);
    EXPECT_TRUE(at::equal(leaf.grad(), at::ones({3, 7})));
    const auto alone = torch::autograd::grad({s.normed.pow(2).sum()}, {leaf}, {}, true)[0];
    (s.x.sum() + s.normed.pow(2).sum()).backward();
    EXPECT_LT(largest_gap(leaf.grad(), alone + 2), 1e-5);
  }
}

}  // namespace
}  // namespace hone::nn
