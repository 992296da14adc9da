#include "hone/kernels/elementwise.h"

#include "hone/base/rng.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace hone::kernels {
namespace {

// CPU targets with fused multiply-add, which the promise of equal bits covers.
constexpr int64_t kFusedTargets = HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL | HWY_NEON;

constexpr int64_t kSizes[] = {1, 3, 7, 8, 16, 33, 127};
constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> random_floats(int64_t n, double scale, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values) v = static_cast<float>(scale * rng.normal());
  return values;
}

// Runs `test` under every form: the reference, then each CPU target.
template <class Test>
void under_every_form(const Test& test) {
  set_mode(Mode::reference);
  test();
  set_mode(Mode::fused);
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

double ulps(float value, double exact) {
  const float rounded = static_cast<float>(exact);
  const double unit = std::nextafter(std::fabs(rounded), kInf) - std::fabs(rounded);
  return std::fabs(value - exact) / unit;
}

TEST(Exponential, WithinTwoUlpOverTheWholeRange) {
  std::vector<float> x;
  for (double v = -87.3; v < 88.7; v += 0.00137) x.push_back(static_cast<float>(v));
  for (double v = 1e-30; v < 1; v *= 1.3) x.insert(x.end(), {static_cast<float>(v), static_cast<float>(-v)});
  std::vector<float> y(x.size());
  under_every_form([&] {
    exponential(x.data(), static_cast<int64_t>(x.size()), y.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, ulps(y[i], std::exp(static_cast<double>(x[i]))));
    EXPECT_LE(worst, 2.0);
  });
}

TEST(Exponential, EndsOfTheRange) {
  const float x[] = {0.0f, -0.0f, -kInf, kInf, -200.0f, -88.0f, 88.72f, 88.73f, 1e30f, -1e30f, NAN};
  under_every_form([&] {
    float y[11];
    exponential(x, 11, y);
    EXPECT_EQ(y[0], 1.0f);
    EXPECT_EQ(y[1], 1.0f);
    for (const int i : {2, 4, 5, 9}) EXPECT_EQ(y[i], 0.0f) << x[i];
    EXPECT_LE(ulps(y[6], std::exp(static_cast<double>(x[6]))), 2.0);
    for (const int i : {3, 7, 8}) EXPECT_EQ(y[i], kInf) << x[i];
    EXPECT_TRUE(std::isnan(y[10]));
  });
}

TEST(GeluTanh, EqualsTheFormula) {
  for (const int64_t n : kSizes) {
    const auto x = random_floats(n + 1, 3.0, 5);
    std::vector<float> y(static_cast<std::size_t>(n) + 2, 7.0f);
    under_every_form([&] {
      gelu_tanh(x.data() + 1, n, y.data() + 1);
      for (int64_t i = 0; i < n; ++i) {
        const double v = x[static_cast<std::size_t>(i) + 1];
        const double u = std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v);
        EXPECT_NEAR(y[static_cast<std::size_t>(i) + 1], 0.5 * v * (1 + std::tanh(u)), 4e-7 * (1 + std::fabs(v)));
      }
      EXPECT_EQ(y.front(), 7.0f);
      EXPECT_EQ(y.back(), 7.0f);
    });
  }
}

TEST(GeluTanh, ExtremeValues) {
  under_every_form([&] {
    const float x[] = {0.0f, 1e4f, -1e4f, 1e12f, -1e12f, NAN};
    float y[6];
    gelu_tanh(x, 6, y);
    EXPECT_EQ(y[0], 0.0f);
    EXPECT_EQ(y[1], 1e4f);
    EXPECT_EQ(y[2], 0.0f);
    EXPECT_EQ(y[3], 1e12f);
    EXPECT_EQ(y[4], 0.0f);
    EXPECT_TRUE(std::isnan(y[5]));
  });
}

TEST(Swiglu, EqualsTheFormulaAlsoInPlace) {
  for (const int64_t width : kSizes) {
    const int64_t rows = 3;
    const auto x = random_floats(rows * 2 * width, 4.0, 6);
    under_every_form([&] {
      auto y = x;
      swiglu(y.data(), {rows, width}, y.data());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < width; ++i) {
          const double gate = x[static_cast<std::size_t>(r * 2 * width + i)];
          const double up = x[static_cast<std::size_t>(r * 2 * width + width + i)];
          const double expected = gate / (1 + std::exp(-gate)) * up;
          EXPECT_NEAR(y[static_cast<std::size_t>(r * width + i)], expected, 1e-6 * (1 + std::fabs(expected)));
        }
      }
    });
  }
}

TEST(Add, AddsEveryElement) {
  for (const int64_t n : kSizes) {
    const auto x = random_floats(n, 1.0, 7), start = random_floats(n, 1.0, 8);
    under_every_form([&] {
      auto y = start;
      add(x.data(), n, y.data());
      for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], start[i] + x[i]);
    });
  }
}

TEST(Rope, RotatesHalfSplitPairsAndKeepsLengths) {
  for (const int64_t half : {1, 3, 8, 16, 33}) {
    const int64_t heads = 3;
    const auto x = random_floats(heads * 2 * half, 1.0, 9), angle = random_floats(half, 2.0, 10);
    std::vector<float> cos, sin;
    for (const float a : angle) cos.push_back(std::cos(a)), sin.push_back(std::sin(a));
    under_every_form([&] {
      auto y = x;
      rope(y.data(), {heads, 2 * half}, cos.data(), sin.data());
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t i = 0; i < half; ++i) {
          const auto a = static_cast<std::size_t>(h * 2 * half + i), b = a + static_cast<std::size_t>(half);
          const auto c = static_cast<std::size_t>(i);
          EXPECT_NEAR(y[a], x[a] * cos[c] - x[b] * sin[c], 1e-6);
          EXPECT_NEAR(y[b], x[b] * cos[c] + x[a] * sin[c], 1e-6);
          EXPECT_NEAR(std::hypot(y[a], y[b]), std::hypot(x[a], x[b]), 1e-5);
        }
      }
    });
  }
}

TEST(Elementwise, AllTargetsWithFusedMultiplyAddGiveTheSameBits) {
  const auto x = random_floats(1001, 3.0, 11);
  std::vector<std::vector<float>> results;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if ((target & kFusedTargets) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    std::vector<float> y(x.size());
    exponential(x.data(), 1001, y.data());
    gelu_tanh(y.data(), 1001, y.data());
    swiglu(y.data(), {1, 500}, y.data());
    results.push_back(y);
    EXPECT_EQ(std::memcmp(results.front().data(), y.data(), y.size() * sizeof(float)), 0) << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace
}  // namespace hone::kernels
