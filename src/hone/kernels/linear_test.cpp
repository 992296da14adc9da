#include "hone/kernels/linear.h"

#include "hone/base/rng.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace hone::kernels {
namespace {

// CPU targets with fused multiply-add, which the promise of equal bits covers.
constexpr int64_t kFusedTargets = HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL | HWY_NEON;

std::vector<float> random_floats(int64_t n, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values) v = static_cast<float>(rng.normal());
  return values;
}

// Makes the dispatcher choose `target`; 0 = the best one again.
void use_target(int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().DeInit();
}

// The definition, with the rounding the header promises.
float chain(const float* x, const float* w, int64_t in, float bias) {
  float sum = 0;
  for (int64_t k = 0; k < in; ++k) sum = std::fma(x[k], w[k], sum);
  return sum + bias;
}

const WeightFormat kFormats[] = {WeightFormat::fp32, WeightFormat::bf16, WeightFormat::int8};

// A weight matrix as the format keeps it, rounded here: values of the chain, and what its sum is multiplied by.
struct Rounded {
  std::vector<float> chain, scales;
};

Rounded rounded(const std::vector<float>& w, int64_t out, int64_t in, WeightFormat format) {
  Rounded r{w, std::vector<float>(static_cast<std::size_t>(out), 1.0f)};
  for (int64_t n = 0; n < out; ++n) {
    float* row = r.chain.data() + n * in;
    float most = 0;
    for (int64_t k = 0; k < in; ++k) most = std::max(most, std::fabs(row[k]));
    const float scale = most / 127.0f;
    if (format == WeightFormat::int8) r.scales[static_cast<std::size_t>(n)] = scale;
    for (int64_t k = 0; k < in; ++k) {
      int exponent = 0;
      const float fraction = std::frexp(row[k], &exponent);  // 8 bits of it stay
      if (format == WeightFormat::bf16) row[k] = std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8);
      if (format == WeightFormat::int8) row[k] = most > 0 ? std::nearbyint(row[k] / scale) : 0.0f;
    }
  }
  return r;
}

TEST(PackedLinear, ByHand) {
  const float w[] = {1, 2, 3, 4, 5, 6}, b[] = {10, 20, 30}, x[] = {1, -1, 2, 0};
  const PackedLinear packed(w, b, 3, 2);
  float y[6] = {};
  packed_linear(packed, x, 2, y);
  // row 0: 1−2+10, 3−4+20, 5−6+30; row 1: 2+10, 6+20, 10+30
  const float expected[] = {9, 19, 29, 12, 26, 40};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(y[i], expected[i]);
  packed_linear_add(packed, x, 2, y);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(y[i], 2 * expected[i]);
}

// Compares every output with its chain, and what lies around y with what was there.
void expect_chains(WeightFormat format, int64_t out, int64_t in) {
  const auto w = random_floats(out * in, 1), b = random_floats(out, 2);
  const auto [weights, scales] = rounded(w, out, in, format);
  const PackedLinear packed({w.data(), b.data(), out, in}, format);
  for (const int64_t rows : {1, 2, 3, 5, 6, 7, 8, 9, 16, 33, 150}) {
    const auto x = random_floats(1 + rows * in, 3);
    std::vector<float> y(static_cast<std::size_t>(rows * out + 2), 7.0f);
    packed_linear(packed, x.data() + 1, rows, y.data() + 1);
    EXPECT_EQ(y.front(), 7.0f);
    EXPECT_EQ(y.back(), 7.0f);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t n = 0; n < out; ++n) {
        const float sum = chain(x.data() + 1 + r * in, weights.data() + n * in, in, 0.0f);
        ASSERT_EQ(y[static_cast<std::size_t>(1 + r * out + n)],
                  std::fma(sum, scales[static_cast<std::size_t>(n)], b[static_cast<std::size_t>(n)]))
            << "format " << static_cast<int>(format) << " in " << in << " out " << out << " rows " << rows << " at "
            << r << "," << n;
      }
    }
  }
}

TEST(PackedLinear, EveryOutputIsOneChainForAnySizeAlignmentFormatAndTarget) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if ((target & kFusedTargets) == 0) continue;
    use_target(target);
    SCOPED_TRACE(hwy::TargetName(target));
    for (const WeightFormat format : kFormats) {
      for (const int64_t in : {1, 3, 33, 128}) {
        for (const int64_t out : {1, 7, 16, 33, 127, 130}) ASSERT_NO_FATAL_FAILURE(expect_chains(format, out, in));
      }
    }
  }
  use_target(0);
}

TEST(PackedLinear, AddsToWhatIsThere) {
  const int64_t in = 20, out = 37, rows = 11;
  const auto w = random_floats(out * in, 1), x = random_floats(rows * in, 2), start = random_floats(rows * out, 3);
  const PackedLinear packed(w.data(), nullptr, out, in);
  auto added = start;
  std::vector<float> plain(start.size());
  packed_linear(packed, x.data(), rows, plain.data());
  packed_linear_add(packed, x.data(), rows, added.data());
  for (std::size_t i = 0; i < start.size(); ++i) EXPECT_EQ(added[i], start[i] + plain[i]);
}

TEST(PackedLinear, ReferenceFormIsTheSameUpToRounding) {
  const int64_t in = 129, out = 65, rows = 7;
  const auto w = random_floats(out * in, 1), b = random_floats(out, 2), x = random_floats(rows * in, 3);
  for (const WeightFormat format : kFormats) {
    const PackedLinear packed({w.data(), b.data(), out, in}, format);
    std::vector<float> fused(rows * out), plain(rows * out);
    packed_linear(packed, x.data(), rows, fused.data());
    set_mode(Mode::reference);
    packed_linear(packed, x.data(), rows, plain.data());
    set_mode(Mode::fused);
    for (std::size_t i = 0; i < fused.size(); ++i) EXPECT_NEAR(fused[i], plain[i], 2e-5);
  }
}

TEST(PackedLinear, WeightsStayWithinTheirFormatsBound) {
  const int64_t in = 200, out = 70;
  auto w = random_floats(out * in, 5);
  for (std::size_t i = 0; i < w.size(); i += 3) w[i] *= 1e-3f;  // far from the largest of their row
  for (int64_t k = 0; k < in; ++k) w[static_cast<std::size_t>(k)] = 0.0f;
  std::vector<float> row(static_cast<std::size_t>(in));
  double worst_bf16 = 0, worst_int8 = 0;
  for (const WeightFormat format : kFormats) {
    const PackedLinear packed({w.data(), nullptr, out, in}, format);
    for (int64_t n = 0; n < out; ++n) {
      const float* exact = w.data() + n * in;
      packed.row(n, row.data());
      const float most =
          std::fabs(*std::max_element(exact, exact + in, [](float a, float b) { return std::fabs(a) < std::fabs(b); }));
      for (int64_t k = 0; k < in; ++k) {
        const double error = std::fabs(static_cast<double>(row[static_cast<std::size_t>(k)]) - exact[k]);
        if (format == WeightFormat::fp32) {
          EXPECT_EQ(error, 0);
        } else if (format == WeightFormat::bf16) {
          EXPECT_LE(error, std::ldexp(std::fabs(exact[k]), -8));
          if (error > 0) worst_bf16 = std::max(worst_bf16, error / std::fabs(exact[k]));
        } else {
          EXPECT_LE(error, most / 127.0 / 2 * (1 + 1e-5));
          if (error > 0) worst_int8 = std::max(worst_int8, error / most);
        }
      }
    }
  }
  EXPECT_GT(worst_bf16, 0.9 / 256);  // the bounds are reached: nothing is kept in more bits than it should
  EXPECT_GT(worst_int8, 0.9 / 254);
}

TEST(PackedLinear, FormatsByHand) {
  // bf16 keeps 8 bits: 1 + 2⁻⁸ lies between 1 and 1 + 2⁻⁷ and goes to the even one, 1; 1 + 3·2⁻⁸ goes to 1 + 2⁻⁶.
  const float w[] = {1 + 1 / 256.0f, 1 + 3 / 256.0f, -254.0f, 1.0f, 3.0f, 0.9f};
  float row[3];
  const PackedLinear bf16({w, nullptr, 2, 3}, WeightFormat::bf16);
  bf16.row(0, row);
  EXPECT_EQ(row[0], 1.0f);
  EXPECT_EQ(row[1], 1 + 1 / 64.0f);
  EXPECT_EQ(row[2], -254.0f);
  // int8: the scale of row 0 is 254/127 = 2, q = round(0.50195) = 1, round(0.5059) = 1, −127.
  const PackedLinear int8({w, nullptr, 2, 3}, WeightFormat::int8);
  int8.row(0, row);
  EXPECT_EQ(row[0], 2.0f);
  EXPECT_EQ(row[1], 2.0f);
  EXPECT_EQ(row[2], -254.0f);
}

TEST(PackedLinear, NonFiniteWeightsStayVisibleInEveryFormat) {
  for (const WeightFormat format : kFormats) {
    for (const float bad : {NAN, -NAN, INFINITY, std::bit_cast<float>(0x7FFFFFFFu)}) {
      std::vector<float> w(40 * 4, 0.5f), y(40);
      w[18 * 4 + 2] = bad;
      const PackedLinear packed({w.data(), nullptr, 40, 4}, format);
      const float x[] = {1, 1, 1, 1};
      packed_linear(packed, x, 1, y.data());
      for (std::size_t n = 0; n < 40; ++n) EXPECT_EQ(std::isfinite(y[n]), n != 18) << n;
    }
  }
}

TEST(PackedLinear, NonFiniteInputsStayInTheirRow) {
  const auto w = random_floats(16 * 4, 1);
  const PackedLinear packed(w.data(), nullptr, 16, 4);
  std::vector<float> x(3 * 4, 1.0f), y(3 * 16);
  x[4] = NAN;
  packed_linear(packed, x.data(), 3, y.data());
  for (int n = 0; n < 16; ++n) {
    EXPECT_TRUE(std::isfinite(y[n]) && std::isfinite(y[32 + n]));
    EXPECT_TRUE(std::isnan(y[16 + n]));
  }
}

TEST(PackedLinear, ReturnsItsRows) {
  const auto w = random_floats(37 * 5, 1);
  for (const WeightFormat format : kFormats) {
    const PackedLinear packed({w.data(), nullptr, 37, 5}, format);
    const auto [chain, scales] = rounded(w, 37, 5, format);
    float row[5];
    for (int64_t n : {0, 15, 16, 31, 36}) {
      packed.row(n, row);
      for (int64_t k = 0; k < 5; ++k)
        EXPECT_EQ(row[k], chain[static_cast<std::size_t>(n * 5 + k)] * scales[static_cast<std::size_t>(n)]);
    }
  }
}

}  // namespace
}  // namespace hone::kernels
