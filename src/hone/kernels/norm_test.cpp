#include "hone/kernels/norm.h"

#include "hone/base/rng.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace hone::kernels {
namespace {

// CPU targets with fused multiply-add, which the promise of equal bits covers.
constexpr int64_t kFusedTargets = HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL | HWY_NEON;

std::vector<float> random_floats(int64_t n, double mean, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values) v = static_cast<float>(mean + rng.normal());
  return values;
}

TEST(LayerNorm, ByHand) {
  // mean 2, variance (1 + 0 + 1)/3 = 2/3; with eps 1/3 the divisor is 1
  const float x[] = {1, 2, 3}, weight[] = {2, 2, 2}, bias[] = {10, 20, 30};
  float y[3];
  layer_norm(x, {1, 3}, {weight, bias, 1.0f / 3.0f}, y);
  EXPECT_FLOAT_EQ(y[0], 8);
  EXPECT_FLOAT_EQ(y[1], 20);
  EXPECT_FLOAT_EQ(y[2], 32);
}

TEST(RmsNorm, ByHand) {
  // mean square (9 + 16)/2 = 12.5; with eps 12.5 the divisor is 5
  const float x[] = {3, 4}, weight[] = {1, 10};
  float y[2];
  rms_norm(x, {1, 2}, {weight, nullptr, 12.5f}, y);
  EXPECT_FLOAT_EQ(y[0], 0.6f);
  EXPECT_FLOAT_EQ(y[1], 8.0f);
}

TEST(Norms, EqualTheFormulaAtEverySizeAndOffset) {
  for (const Mode form : {Mode::reference, Mode::fused}) {
    set_mode(form);
    for (const int64_t n : {1, 2, 3, 7, 8, 15, 16, 33, 127, 768}) {
      const int64_t rows = 3;
      const auto x = random_floats(1 + rows * n, 5.0, 1), weight = random_floats(1 + n, 1.0, 2),
                 bias = random_floats(1 + n, 0.0, 3);
      const NormWeights norm{weight.data() + 1, bias.data() + 1, 1e-5f};
      std::vector<float> layer(x.size() + 1, 7.0f), rms(x.size() + 1, 7.0f);
      layer_norm(x.data() + 1, {rows, n}, norm, layer.data() + 1);
      rms_norm(x.data() + 1, {rows, n}, norm, rms.data() + 1);
      for (int64_t r = 0; r < rows; ++r) {
        const float* row = x.data() + 1 + r * n;
        double mean = 0, square = 0, variance = 0;
        for (int64_t i = 0; i < n; ++i) mean += row[i] / static_cast<double>(n);
        for (int64_t i = 0; i < n; ++i) square += row[i] * static_cast<double>(row[i]) / static_cast<double>(n);
        for (int64_t i = 0; i < n; ++i) variance += (row[i] - mean) * (row[i] - mean) / static_cast<double>(n);
        for (int64_t i = 0; i < n; ++i) {
          const auto at = static_cast<std::size_t>(1 + r * n + i);
          EXPECT_NEAR(layer[at], (row[i] - mean) / std::sqrt(variance + 1e-5) * norm.weight[i] + norm.bias[i], 1e-4);
          EXPECT_NEAR(rms[at], row[i] / std::sqrt(square + 1e-5) * norm.weight[i], 1e-5);
        }
      }
      for (const auto& y : {layer, rms}) EXPECT_TRUE(y.front() == 7.0f && y.back() == 7.0f);
    }
  }
}

TEST(Norms, ExtremeRows) {
  const float weight[] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, bias[] = {0, 0, 0, 0, 0, 0, 0, 0, 3};
  const float constant[] = {5, 5, 5, 5, 5, 5, 5, 5, 5};
  float y[9];
  layer_norm(constant, {1, 9}, {weight, bias, 1e-5f}, y);
  EXPECT_EQ(y[0], 0.0f);  // no variance: eps keeps it finite
  EXPECT_EQ(y[8], 3.0f);
  const float zeros[9] = {};
  rms_norm(zeros, {1, 9}, {weight, nullptr, 1e-5f}, y);
  EXPECT_EQ(y[4], 0.0f);
  float bad[] = {1, 2, NAN, 4, 5, 6, 7, 8, 9};
  layer_norm(bad, {1, 9}, {weight, bias, 1e-5f}, y);
  EXPECT_TRUE(std::isnan(y[0]));
}

TEST(Norms, RowsDoNotDependOnTheirNumberOrTheTarget) {
  const int64_t n = 45, rows = 9;
  const auto x = random_floats(rows * n, 1.0, 4), weight = random_floats(n, 1.0, 5), bias = random_floats(n, 0.0, 6);
  const NormWeights norm{weight.data(), bias.data(), 1e-5f};
  std::vector<float> first;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if ((target & kFusedTargets) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    std::vector<float> together(x.size()), alone(x.size());
    layer_norm(x.data(), {rows, n}, norm, together.data());
    for (int64_t r = 0; r < rows; ++r) layer_norm(x.data() + r * n, {1, n}, norm, alone.data() + r * n);
    EXPECT_EQ(std::memcmp(together.data(), alone.data(), x.size() * sizeof(float)), 0);
    if (first.empty()) first = together;
    EXPECT_EQ(std::memcmp(together.data(), first.data(), x.size() * sizeof(float)), 0) << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace
}  // namespace hone::kernels
