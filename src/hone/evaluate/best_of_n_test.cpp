#include "hone/evaluate/best_of_n.h"

#include "hone/base/error.h"
#include "hone/base/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace hone::evaluate {
namespace {

using Numbers = std::vector<double>;

// Over every subset of n, the best one's value; ties by their mean.
double by_enumeration(const Numbers& score, const Numbers& value, int n) {
  double total = 0, subsets = 0;
  for (unsigned mask = 0; mask < (1u << score.size()); ++mask) {
    if (__builtin_popcount(mask) != n) continue;
    double best = -std::numeric_limits<double>::infinity(), sum = 0, count = 0;
    for (std::size_t i = 0; i < score.size(); ++i)
      if ((mask >> i & 1u) != 0) best = std::max(best, score[i]);
    for (std::size_t i = 0; i < score.size(); ++i) {
      if ((mask >> i & 1u) == 0 || score[i] != best) continue;
      sum += value[i];
      ++count;
    }
    total += sum / count;
    ++subsets;
  }
  return total / subsets;
}

TEST(BestOfN, ByHand) {
  // Subsets of two of scores 3, 2, 1: the first is in two of three, the second the best of one.
  EXPECT_NEAR(best_of_n(Numbers{3, 1, 2}, Numbers{10, 30, 20}, 2), (2 * 10 + 20) / 3.0, 1e-12);
  EXPECT_NEAR(best_of_n(Numbers{3, 1, 2}, Numbers{10, 30, 20}, 1), 20, 1e-12);
  EXPECT_EQ(best_of_n(Numbers{3, 1, 2}, Numbers{10, 30, 20}, 3), 10);
  EXPECT_EQ(best_of_n(Numbers{5, 5}, Numbers{1, 3}, 2), 2) << "equal scores share";
}

TEST(BestOfN, IsTheMeanOverAllSubsets) {
  Rng rng(3);
  for (int round = 0; round < 20; ++round) {
    Numbers score, value;
    for (int i = 0; i < 9; ++i) {
      score.push_back(round % 2 == 0 ? rng.normal() : static_cast<double>(rng.below(9)));
      value.push_back(rng.normal());
    }
    // Where equal scores meet in a subset of which only some of the tied are drawn, the drawn ones' mean is, on average
    // over subsets, that of all tied.
    for (int n = 1; n <= 9; ++n)
      EXPECT_NEAR(best_of_n(score, value, n), by_enumeration(score, value, n), 1e-12) << round << " " << n;
  }
}

TEST(BestOfN, TheScoreOfTheBestRisesWithN) {
  Rng rng(5);
  Numbers score;
  for (int i = 0; i < 64; ++i) score.push_back(rng.normal());
  double before = -10;
  for (int64_t n = 1; n <= 64; ++n) {
    const double now = best_of_n(score, score, n);
    EXPECT_GT(now, before);
    before = now;
  }
  EXPECT_EQ(before, *std::max_element(score.begin(), score.end()));
}

TEST(BestOfN, RefusesWhatItCannotDraw) {
  EXPECT_THROW(best_of_n(Numbers{1, 2}, Numbers{1}, 1), Error);
  EXPECT_THROW(best_of_n(Numbers{1, 2}, Numbers{1, 2}, 3), Error);
  EXPECT_THROW(best_of_n(Numbers{1, 2}, Numbers{1, 2}, 0), Error);
  EXPECT_THROW(best_of_n(Numbers{}, Numbers{}, 1), Error);
}

TEST(BestOfN, Divergence) {
  EXPECT_EQ(best_of_n_kl(1), 0);
  EXPECT_NEAR(best_of_n_kl(2), std::log(2.0) - 0.5, 1e-12);
  EXPECT_NEAR(best_of_n_kl(16), 2.7725887222 - 0.9375, 1e-9);
  EXPECT_THROW(best_of_n_kl(0), Error);
}

}  // namespace
}  // namespace hone::evaluate
