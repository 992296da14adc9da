#include "hone/kernels/elementwise.h"

#include "hone/base/rng.h"
#include "hone/kernels/test_forms.h"

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

// gelu_tanh in double, and its slope by central differences.
double gelu(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}
double gelu_slope(double x) { return (gelu(x + 1e-5) - gelu(x - 1e-5)) / 2e-5; }
double silu(double x) { return x / (1 + std::exp(-x)); }
double silu_slope(double x) { return (silu(x + 1e-5) - silu(x - 1e-5)) / 2e-5; }

TEST(BiasGelu, ForwardAndBackwardAtEverySizeAndOffset) {
  under_every_form([] {
    for (const int64_t n : kSizes) {
      const int64_t rows = 3;
      const auto pre = random_floats(1 + rows * n, 3.0, 1), bias = random_floats(1 + n, 1.0, 2),
                 dy = random_floats(1 + rows * n, 1.0, 3);
      for (const bool has_bias : {true, false}) {
        const float* b = has_bias ? bias.data() + 1 : nullptr;
        std::vector<float> y(pre.size() + 1, 7), again = y, grad(dy), dbias(static_cast<std::size_t>(n) + 2, 7);
        grad.push_back(7);
        bias_gelu(pre.data() + 1, {rows, n}, b, y.data() + 1);
        bias_gelu_backward({pre.data() + 1, b, grad.data() + 1, again.data() + 1, dbias.data() + 1}, {rows, n});
        std::vector<double> sums(static_cast<std::size_t>(n), 7);
        for (int64_t k = 0; k < rows * n; ++k) {
          const auto at = static_cast<std::size_t>(1 + k);
          const double x = static_cast<double>(pre[at]) + (has_bias ? bias[static_cast<std::size_t>(1 + k % n)] : 0.0f);
          EXPECT_NEAR(y[at], gelu(x), 2e-6 * (1 + std::fabs(x)));
          EXPECT_NEAR(again[at], gelu(x), 2e-6 * (1 + std::fabs(x)));
          EXPECT_NEAR(grad[at], dy[at] * gelu_slope(x), 1e-5);
          sums[static_cast<std::size_t>(k % n)] += grad[at];
        }
        for (int64_t i = 0; i < n; ++i)
          EXPECT_NEAR(dbias[static_cast<std::size_t>(1 + i)], sums[static_cast<std::size_t>(i)], 1e-5);
        for (const auto& v : {y, again, dbias}) EXPECT_TRUE(v.front() == 7 && v.back() == 7);
        EXPECT_EQ(grad.back(), 7);
      }
    }
  });
}

TEST(BiasGelu, SlopeAtTheEnds) {
  under_every_form([] {
    const float pre[] = {-1e37f, -40, 0, 40, 1e37f, NAN};
    float grad[] = {1, 1, 1, 1, 1, 1}, y[6];
    bias_gelu_backward({pre, nullptr, grad, y, nullptr}, {1, 6});
    const float expected[] = {0, 0, 0.5, 1, 1};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(grad[i], expected[i]) << i;
    EXPECT_TRUE(std::isnan(grad[5]) && std::isnan(y[5]));
    EXPECT_EQ(y[3], 40);
  });
}

TEST(SwigluBackward, EqualsTheSlopesAtEverySizeAndOffset) {
  under_every_form([] {
    for (const int64_t n : kSizes) {
      const int64_t rows = 2;
      const auto in = random_floats(1 + 2 * rows * n, 3.0, 4), dy = random_floats(1 + rows * n, 1.0, 5);
      std::vector<float> grad(in.size() + 1, 7), y(dy.size() + 1, 7), forward(dy.size());
      swiglu_backward({in.data() + 1, dy.data() + 1, grad.data() + 1, y.data() + 1}, {rows, n});
      swiglu(in.data() + 1, {rows, n}, forward.data());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < n; ++i) {
          const auto gate_at = static_cast<std::size_t>(1 + 2 * r * n + i),
                     at = static_cast<std::size_t>(1 + r * n + i);
          const auto up_at = gate_at + static_cast<std::size_t>(n);
          const double gate = in[gate_at], up = in[up_at];
          EXPECT_NEAR(grad[gate_at], dy[at] * up * silu_slope(gate), 2e-5);
          EXPECT_NEAR(grad[up_at], dy[at] * silu(gate), 1e-5);
          EXPECT_NEAR(y[at], forward[at - 1], 1e-5);
        }
      }
      EXPECT_TRUE(grad.front() == 7 && grad.back() == 7 && y.front() == 7 && y.back() == 7);
    }
  });
}

TEST(SwigluBackward, ExtremeGatesStayFinite) {
  under_every_form([] {
    const float in[] = {-1e30f, -100, 0, 100, 1e30f, 1, 1, 1, 1, 1}, dy[] = {1, 1, 1, 1, 1};
    float grad[10];
    swiglu_backward({in, dy, grad, nullptr}, {1, 5});
    const float gate[] = {0, 0, 0.5, 1, 1}, up[] = {0, 0, 0, 100, 1e30f};
    for (int i = 0; i < 5; ++i) {
      EXPECT_FLOAT_EQ(grad[i] + 0.0f, gate[i]) << i;
      EXPECT_NEAR(grad[5 + i], up[i], 1e-30 + 1e-6 * up[i]) << i;
    }
  });
}

TEST(Activations, GradientsAreTheSameBitsOnEveryTarget) {
  const auto in = random_floats(2 * 3 * 45, 3.0, 6), dy = random_floats(3 * 45, 1.0, 7);
  expect_equal_bits_on_every_target([&] {
    auto all = dy;
    std::vector<float> y(dy.size()), dbias(45), grad(in.size());
    bias_gelu_backward({in.data(), in.data() + 200, all.data(), y.data(), dbias.data()}, {3, 45});
    swiglu_backward({in.data(), dy.data(), grad.data(), nullptr}, {3, 45});
    for (const auto& more : {y, dbias, grad}) all.insert(all.end(), more.begin(), more.end());
    return all;
  });
}

TEST(Dropout, DrawsAreTheStreamsOwnAndDoNotDependOnTheRange) {
  const Rng stream = Rng(5).fork("dropout", {1, 2});
  const auto x = random_floats(1000, 1.0, 8);
  Rng draws = stream;
  std::vector<float> expected;
  for (const float v : x) expected.push_back(draws.u32() >= 0x40000000u ? v * static_cast<float>(1 / 0.75) : 0.0f);
  under_every_form([&] {
    std::vector<float> y(x.size());
    dropout(x.data(), 1000, {stream.key(), 0, 0.25}, y.data());
    EXPECT_EQ(y, expected);
    std::fill(y.begin(), y.end(), 0.0f);
    dropout(x.data(), 332, {stream.key(), 0, 0.25}, y.data());
    dropout(x.data() + 332, 668, {stream.key(), 332, 0.25}, y.data() + 332);
    EXPECT_EQ(y, expected);
  });
}

TEST(Dropout, KeepsItsShareAndCountsBeyond32Bits) {
  const std::vector<float> ones(40000, 1.0f);
  std::vector<float> y(ones.size()), far;
  under_every_form([&] {
    dropout(ones.data(), 40000, {9, 0, 0.1}, y.data());
    double kept = 0;
    for (const float v : y) kept += v > 0;
    EXPECT_NEAR(kept / 40000, 0.9, 4 * std::sqrt(0.9 * 0.1 / 40000));  // four standard deviations
    dropout(ones.data(), 40000, {9, 0, 0}, y.data());
    EXPECT_EQ(y, ones);
    // Element 2³⁴ starts block 2³²: the counter's second word.
    dropout(ones.data(), 40000, {9, (uint64_t{1} << 34) - 400, 0.1}, y.data());
    if (far.empty()) far = y;
    EXPECT_EQ(y, far);
    dropout(ones.data(), 40000, {9, 0, 1 - 1e-12}, y.data());
    kept = 0;
    for (const float v : y) kept += v > 0;
    EXPECT_LE(kept, 1);
  });
}

TEST(TableRows, PicksRowsAndAddsThemBack) {
  const std::vector<float> table = {1, 2, 3, 10, 20, 30, 100, 200, 300};
  const std::vector<int64_t> index = {2, 0, 2, 2};
  under_every_form([&] {
    std::vector<float> y(12);
    gather_rows(table.data(), index.data(), {4, 3}, y.data());
    EXPECT_EQ(y, (std::vector<float>{100, 200, 300, 1, 2, 3, 100, 200, 300, 100, 200, 300}));
    std::vector<float> sums = {1, 1, 1, 2, 2, 2, 3, 3, 3};
    scatter_add_rows(y.data(), index.data(), {4, 3}, sums.data());
    EXPECT_EQ(sums, (std::vector<float>{2, 3, 4, 2, 2, 2, 303, 603, 903}));
    gather_rows(table.data(), index.data(), {0, 3}, y.data());  // nothing asked
    scatter_add_rows(y.data(), index.data(), {0, 3}, sums.data());
    EXPECT_EQ(sums[6], 303);
  });
}

TEST(TableRows, AddsInTheOrderOfTheIndex) {
  // 1e8 + 1 − 1e8 is 0 in float from left to right, and 1 in the order 1e8, −1e8, 1.
  const std::vector<float> first = {1e8f, 1, -1e8f}, second = {1e8f, -1e8f, 1};
  const std::vector<int64_t> index = {0, 0, 0};
  under_every_form([&] {
    float sum = 0, other = 0;
    scatter_add_rows(first.data(), index.data(), {3, 1}, &sum);
    scatter_add_rows(second.data(), index.data(), {3, 1}, &other);
    EXPECT_EQ(sum, 0);
    EXPECT_EQ(other, 1);
  });
}

}  // namespace
}  // namespace hone::kernels
