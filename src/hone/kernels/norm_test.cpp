#include "hone/kernels/norm.h"

#include "hone/kernels/test_forms.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace hone::kernels {
namespace {

// CPU targets with fused multiply-add, which the promise of equal bits covers.
constexpr int64_t kFusedTargets = HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL | HWY_NEON;

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
      const auto x = random_floats(1 + rows * n, 1.0, 1, 5.0), weight = random_floats(1 + n, 1.0, 2, 1.0),
                 bias = random_floats(1 + n, 1.0, 3, 0.0);
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
  const auto x = random_floats(rows * n, 1.0, 4, 1.0), weight = random_floats(n, 1.0, 5, 1.0),
             bias = random_floats(n, 1.0, 6, 0.0);
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

// Σ dy·norm(x) in double, whose gradients norm_backward computes.
double weighed(const std::vector<double>& x, const std::vector<float>& dy, const NormWeights& norm) {
  const double n = static_cast<double>(x.size());
  double mean = 0, squares = 0, sum = 0;
  if (norm.bias)
    for (const double v : x) mean += v / n;
  for (const double v : x) squares += (v - mean) * (v - mean) / n;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += dy[i] * ((x[i] - mean) / std::sqrt(squares + norm.eps) * norm.weight[i] + (norm.bias ? norm.bias[i] : 0));
  return sum;
}

// One row after the other: gradients of x by central differences, those of the parameters by their formulas.
void expect_gradients(int64_t n, bool has_bias) {
  constexpr int64_t kRows = 3;
  const auto x = random_floats(1 + kRows * n, 1.0, 1, 2.0), dy = random_floats(1 + kRows * n, 1.0, 2),
             weight = random_floats(1 + n, 1.0, 3, 1.0), bias = random_floats(1 + n, 1.0, 4),
             dsum = random_floats(1 + kRows * n, 1.0, 5);
  const NormWeights norm{weight.data() + 1, has_bias ? bias.data() + 1 : nullptr, 1e-3f};
  std::vector<float> y(x.size()), mean(kRows), rstd(kRows), dx(x.size() + 1, 7);
  std::vector<float> dweight(static_cast<std::size_t>(n) + 2, 7), dbias = dweight;
  norm_forward({.x = x.data() + 1, .y = y.data() + 1, .mean = mean.data(), .rstd = rstd.data()}, {kRows, n}, norm);
  norm_backward({x.data() + 1, mean.data(), rstd.data(), dy.data() + 1, dsum.data() + 1, dx.data() + 1,
                 dweight.data() + 1, has_bias ? dbias.data() + 1 : nullptr},
                {kRows, n}, norm);
  std::vector<double> dw(static_cast<std::size_t>(n), 7), db = dw;
  for (int64_t r = 0; r < kRows; ++r) {
    const std::vector<double> row(x.begin() + 1 + r * n, x.begin() + 1 + (r + 1) * n);
    const std::vector<float> up(dy.begin() + 1 + r * n, dy.begin() + 1 + (r + 1) * n);
    for (std::size_t i = 0; i < row.size(); ++i) {
      auto above = row, below = row;
      above[i] += 1e-5;
      below[i] -= 1e-5;
      const double slope = (weighed(above, up, norm) - weighed(below, up, norm)) / 2e-5;
      const auto at = static_cast<std::size_t>(1 + r * n) + i;
      EXPECT_NEAR(dx[at], slope + dsum[at], 1e-4 * (1 + std::fabs(slope))) << n << " " << i;
      dw[i] += up[i] * (row[i] - mean[static_cast<std::size_t>(r)]) * rstd[static_cast<std::size_t>(r)];
      db[i] += up[i];
    }
  }
  for (std::size_t i = 0; i < dw.size(); ++i) {
    EXPECT_NEAR(dweight[i + 1], dw[i], 1e-5 * (1 + std::fabs(dw[i])));
    EXPECT_NEAR(dbias[i + 1], has_bias ? db[i] : 7, 1e-5);
  }
  for (const auto& v : {dx, dweight, dbias}) EXPECT_TRUE(v.front() == 7 && v.back() == 7);
}

TEST(Norms, GradientsAtEverySizeAndOffset) {
  under_every_form([] {
    for (const int64_t n : {1, 2, 3, 7, 8, 15, 16, 33, 127}) {
      expect_gradients(n, true);
      expect_gradients(n, false);
    }
  });
}

TEST(Norms, ForwardIsTheNormOfTheSum) {
  const int64_t n = 37, rows = 4;
  const auto x = random_floats(rows * n, 1.0, 1), delta = random_floats(rows * n, 1.0, 2),
             weight = random_floats(n, 1.0, 3), bias = random_floats(n, 1.0, 4);
  under_every_form([&] {
    for (const bool has_bias : {true, false}) {
      const NormWeights norm{weight.data(), has_bias ? bias.data() : nullptr, 1e-5f};
      auto sum = delta;
      std::vector<float> y(x.size()), expected(x.size());
      norm_forward({.x = x.data(), .delta = sum.data(), .sum = sum.data(), .y = y.data()}, {rows, n}, norm);
      for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(sum[i], x[i] + delta[i]);
      has_bias ? layer_norm(sum.data(), {rows, n}, norm, expected.data())
               : rms_norm(sum.data(), {rows, n}, norm, expected.data());
      EXPECT_EQ(y, expected);
    }
  });
}

TEST(Norms, BackwardOverwritesItsInputAndSkipsWhatIsNotWanted) {
  const int64_t n = 21, rows = 2;
  const auto x = random_floats(rows * n, 1.0, 1), dy = random_floats(rows * n, 1.0, 2),
             weight = random_floats(n, 1.0, 3);
  const NormWeights norm{weight.data(), weight.data(), 1e-5f};
  under_every_form([&] {
    const std::vector<float> mean = {0.1f, 0.2f}, rstd = {1.0f, 2.0f};
    std::vector<float> apart(x.size()), over = dy;
    norm_backward({x.data(), mean.data(), rstd.data(), dy.data(), nullptr, apart.data()}, {rows, n}, norm);
    norm_backward({x.data(), mean.data(), rstd.data(), over.data(), nullptr, over.data()}, {rows, n}, norm);
    EXPECT_EQ(over, apart);
  });
}

TEST(Norms, BackwardIsTheSameBitsOnEveryTarget) {
  const int64_t n = 45, rows = 5;
  const auto x = random_floats(rows * n, 1.0, 1), dy = random_floats(rows * n, 1.0, 2),
             weight = random_floats(n, 1.0, 3);
  const NormWeights norm{weight.data(), weight.data(), 1e-5f};
  expect_equal_bits_on_every_target([&] {
    std::vector<float> y(x.size()), stats(2 * rows), dx(x.size()), sums(2 * n);
    norm_forward({.x = x.data(), .y = y.data(), .mean = stats.data(), .rstd = stats.data() + rows}, {rows, n}, norm);
    norm_backward(
        {x.data(), stats.data(), stats.data() + rows, dy.data(), y.data(), dx.data(), sums.data(), sums.data() + n},
        {rows, n}, norm);
    dx.insert(dx.end(), sums.begin(), sums.end());
    return dx;
  });
}

TEST(AddColumns, AddsRowsToWhatIsThere) {
  under_every_form([] {
    for (const int64_t n : {1, 5, 16, 63, 64, 200}) {
      const int64_t rows = 11;
      const auto x = random_floats(1 + rows * n, 1.0, 1);
      std::vector<float> y(static_cast<std::size_t>(n) + 2, 7);
      add_columns(x.data() + 1, {rows, n}, y.data() + 1);
      for (int64_t i = 0; i < n; ++i) {
        float sum = 7;
        for (int64_t r = 0; r < rows; ++r) sum += x[static_cast<std::size_t>(1 + r * n + i)];
        EXPECT_EQ(y[static_cast<std::size_t>(1 + i)], sum);
      }
      EXPECT_TRUE(y.front() == 7 && y.back() == 7);
    }
  });
}

}  // namespace
}  // namespace hone::kernels
