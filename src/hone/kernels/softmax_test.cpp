#include "hone/kernels/softmax.h"

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

// What fold_logits knows after slices of `width` columns.
std::vector<LogitSums> folded(const std::vector<float>& logits, int64_t vocab, int64_t width, float scale,
                              const std::vector<int64_t>& targets) {
  const auto rows = static_cast<int64_t>(targets.size());
  std::vector<LogitSums> sums(targets.size());
  for (int64_t first = 0; first < vocab; first += width) {
    const int64_t columns = std::min(width, vocab - first);
    std::vector<float> slice;
    for (int64_t r = 0; r < rows; ++r) {
      const auto begin = logits.begin() + r * vocab + first;
      slice.insert(slice.end(), begin, begin + columns);
    }
    fold_logits({slice.data(), rows, columns, first, scale}, targets.data(), sums.data());
  }
  return sums;
}

TEST(CrossEntropy, SlicesAddUpToTheLogProbability) {
  constexpr int64_t kVocab = 131;
  const std::vector<int64_t> targets = {0, 130, 64, 7};
  const auto logits = random_floats(4 * kVocab, 8.0, 1);
  under_every_form([&] {
    for (const float scale : {1.0f, 0.5f, 3.0f}) {
      for (const int64_t width : {1, 7, 64, 131}) {
        const auto sums = folded(logits, kVocab, width, scale, targets);
        for (std::size_t r = 0; r < targets.size(); ++r) {
          const float* row = logits.data() + static_cast<int64_t>(r) * kVocab;
          double total = 0;
          for (int64_t i = 0; i < kVocab; ++i) total += std::exp(static_cast<double>(row[i]) * scale);
          EXPECT_NEAR(sums[r].log_sum_exp(), std::log(total), 2e-6 * (1 + std::log(total)));
          EXPECT_EQ(sums[r].chosen, row[targets[r]] * scale);
        }
      }
    }
  });
}

TEST(CrossEntropy, GradientIsOnehotMinusSoftmax) {
  under_every_form([] {
    for (const int64_t n : {1, 2, 7, 16, 33, 100}) {
      const std::vector<int64_t> targets = {10 + n - 1, 3};  // the second lies in another slice
      const float scale = 0.7f, dlogp[] = {1.5f, -2.0f}, lse[] = {3.0f, 2.5f};
      const auto logits = random_floats(1 + 2 * n, 2.0, 2);
      auto tile = logits;
      tile.push_back(7);
      logit_gradient({tile.data() + 1, 2, n, 10, scale}, targets.data(), lse, dlogp);
      for (int64_t r = 0; r < 2; ++r) {
        for (int64_t i = 0; i < n; ++i) {
          const auto at = static_cast<std::size_t>(1 + r * n + i);
          const double p = std::exp(static_cast<double>(logits[at]) * scale - lse[r]);
          const double onehot = targets[static_cast<std::size_t>(r)] == 10 + i;
          EXPECT_NEAR(tile[at], dlogp[r] * scale * (onehot - p), 1e-5 * (1 + p));
        }
      }
      EXPECT_EQ(tile.back(), 7);
      EXPECT_EQ(tile.front(), logits.front());
    }
  });
}

TEST(CrossEntropy, ExtremeLogits) {
  constexpr float kInf = INFINITY;
  under_every_form([&] {
    const std::vector<int64_t> target = {2};
    // e^1000 overflows; the log-sum-exp does not: 1000 + log 2 (the other two add nothing)
    EXPECT_NEAR(folded({-1000, 1000, 1000, -kInf}, 4, 2, 1, target)[0].log_sum_exp(), 1000 + std::log(2.0), 1e-9);
    // a slice of −inf alone adds nothing, wherever it stands
    EXPECT_NEAR(folded({-kInf, -kInf, 1, 1}, 4, 2, 1, target)[0].log_sum_exp(), 1 + std::log(2.0), 1e-6);
    EXPECT_NEAR(folded({1, 1, -kInf, -kInf}, 4, 2, 1, target)[0].log_sum_exp(), 1 + std::log(2.0), 1e-6);
    for (const float bad : {NAN, kInf}) {
      for (const int64_t width : {1, 2, 4})
        EXPECT_FALSE(std::isfinite(folded({1, bad, 2, 3}, 4, width, 1, target)[0].log_sum_exp()));
    }
    // a row whose gradient is 0 is 0, whatever it held
    std::vector<float> tile = {NAN, kInf, 1, 2};
    const float zero = 0, lse = NAN;
    logit_gradient({tile.data(), 1, 4, 0, 1}, target.data(), &lse, &zero);
    EXPECT_EQ(tile, std::vector<float>(4, 0.0f));
  });
}

TEST(CrossEntropy, SameBitsOnEveryTarget) {
  const auto logits = random_floats(2 * 77, 4.0, 3);
  const std::vector<int64_t> targets = {5, 70};
  expect_equal_bits_on_every_target([&] {
    auto tile = logits;
    const auto sums = folded(logits, 77, 40, 0.9f, targets);
    const float lse[] = {static_cast<float>(sums[0].log_sum_exp()), static_cast<float>(sums[1].log_sum_exp())};
    const float dlogp[] = {1, -1};
    logit_gradient({tile.data(), 2, 77, 0, 0.9f}, targets.data(), lse, dlogp);
    tile.insert(tile.end(), lse, lse + 2);
    return tile;
  });
}

}  // namespace
}  // namespace hone::kernels
