#include "hone/kernels/softmax.h"

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

std::vector<float> random_floats(int64_t n, double scale, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values) v = static_cast<float>(scale * rng.normal());
  return values;
}

TEST(Softmax, EqualsTheFormulaAtEverySizeAndOffset) {
  for (const Mode form : {Mode::reference, Mode::fused}) {
    set_mode(form);
    for (const int64_t n : {1, 2, 3, 7, 8, 16, 33, 127, 5000}) {
      const auto x = random_floats(n + 1, 6.0, 1);
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[static_cast<std::size_t>(i) + 1]));
      std::vector<float> y(static_cast<std::size_t>(n) + 2, 7.0f);
      const float lse = softmax(x.data() + 1, n, y.data() + 1);
      EXPECT_NEAR(lse, std::log(sum), 2e-6 * (1 + std::fabs(lse)));
      for (std::size_t i = 1; i <= static_cast<std::size_t>(n); ++i)
        EXPECT_NEAR(y[i], std::exp(static_cast<double>(x[i])) / sum, 1e-5);
      EXPECT_TRUE(y.front() == 7.0f && y.back() == 7.0f);
      EXPECT_EQ(log_sum_exp(x.data() + 1, n, y.data() + 1), lse);
    }
  }
}

TEST(Softmax, ExtremeValues) {
  for (const Mode form : {Mode::reference, Mode::fused}) {
    set_mode(form);
    float y[3];
    const float huge[] = {1e30f, 1e30f, -1e30f};
    EXPECT_FLOAT_EQ(softmax(huge, 3, y), 1e30f);
    EXPECT_FLOAT_EQ(y[0], 0.5f);
    EXPECT_EQ(y[2], 0.0f);
    const float masked[] = {-INFINITY, 2.0f, -INFINITY};
    EXPECT_FLOAT_EQ(softmax(masked, 3, y), 2.0f);
    EXPECT_EQ(y[1], 1.0f);
    const float bad[] = {1.0f, NAN, 0.0f}, infinite[] = {1.0f, INFINITY, 0.0f};
    EXPECT_TRUE(std::isnan(log_sum_exp(bad, 3, y)));
    EXPECT_TRUE(std::isnan(log_sum_exp(infinite, 3, y)));
  }
  set_mode(Mode::fused);
}

TEST(AllFinite, FindsOneBadElementAnywhere) {
  for (const Mode form : {Mode::reference, Mode::fused}) {
    set_mode(form);
    for (const int64_t n : {1, 7, 16, 33}) {
      auto x = random_floats(n, 1e38, 2);
      for (float& v : x) v = std::isfinite(v) ? v : 3e38f;
      EXPECT_TRUE(all_finite(x.data(), n));
      for (std::size_t i = 0; i < x.size(); ++i) {
        for (const float bad : {NAN, INFINITY, -INFINITY}) {
          auto y = x;
          y[i] = bad;
          EXPECT_FALSE(all_finite(y.data(), n)) << i << " of " << n;
        }
      }
    }
  }
  set_mode(Mode::fused);
}

TEST(Argmax, TakesTheFirstOfEqualElements) {
  for (const Mode form : {Mode::reference, Mode::fused}) {
    set_mode(form);
    for (const int64_t n : {1, 5, 16, 40}) {
      std::vector<float> x(static_cast<std::size_t>(n), -3.0f);
      EXPECT_EQ(argmax(x.data(), n), 0);
      x.back() = -2.0f;
      EXPECT_EQ(argmax(x.data(), n), n - 1);
    }
  }
  set_mode(Mode::fused);
}

TEST(Softmax, AllTargetsWithFusedMultiplyAddGiveTheSameBits) {
  const auto x = random_floats(1001, 5.0, 3);
  std::vector<float> first;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if ((target & kFusedTargets) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    std::vector<float> y(x.size());
    softmax(x.data(), 1001, y.data());
    if (first.empty()) first = y;
    EXPECT_EQ(std::memcmp(first.data(), y.data(), y.size() * sizeof(float)), 0) << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace
}  // namespace hone::kernels
