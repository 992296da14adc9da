#include "hone/kernels/linear.h"

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

TEST(PackedLinear, EveryOutputIsOneChainForAnySizeAlignmentAndTarget) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if ((target & kFusedTargets) == 0) continue;
    use_target(target);
    for (const int64_t in : {1, 3, 33, 128}) {
      for (const int64_t out : {1, 7, 16, 33, 127, 130}) {
        const auto w = random_floats(out * in, 1), b = random_floats(out, 2);
        const PackedLinear packed(w.data(), b.data(), out, in);
        for (const int64_t rows : {1, 2, 3, 5, 6, 7, 8, 9, 16, 33, 150}) {
          const auto x = random_floats(1 + rows * in, 3);
          std::vector<float> y(static_cast<std::size_t>(rows * out + 2), 7.0f);
          packed_linear(packed, x.data() + 1, rows, y.data() + 1);
          EXPECT_EQ(y.front(), 7.0f);
          EXPECT_EQ(y.back(), 7.0f);
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t n = 0; n < out; ++n) {
              ASSERT_EQ(y[static_cast<std::size_t>(1 + r * out + n)],
                        chain(x.data() + 1 + r * in, w.data() + n * in, in, b[static_cast<std::size_t>(n)]))
                  << hwy::TargetName(target) << " in " << in << " out " << out << " rows " << rows << " at " << r << ","
                  << n;
            }
          }
        }
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
  const PackedLinear packed(w.data(), b.data(), out, in);
  std::vector<float> fused(rows * out), plain(rows * out);
  packed_linear(packed, x.data(), rows, fused.data());
  set_mode(Mode::reference);
  packed_linear(packed, x.data(), rows, plain.data());
  set_mode(Mode::fused);
  for (std::size_t i = 0; i < fused.size(); ++i) EXPECT_NEAR(fused[i], plain[i], 2e-5);
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
  const PackedLinear packed(w.data(), nullptr, 37, 5);
  float row[5];
  for (int64_t n : {0, 15, 16, 31, 36}) {
    packed.row(n, row);
    EXPECT_EQ(std::memcmp(row, w.data() + n * 5, sizeof row), 0);
  }
}

}  // namespace
}  // namespace hone::kernels
