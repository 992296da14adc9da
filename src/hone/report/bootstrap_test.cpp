#include "hone/report/bootstrap.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

constexpr std::size_t kProblems = 400;

// Problems are equally hard in every run: an arm solves those easier than its skill, and a few by chance.
SeedOutcomes outcomes(uint64_t seed, double skill) {
  SeedOutcomes one{seed, {}};
  for (std::size_t p = 0; p < kProblems; ++p) {
    const double hardness = Rng(7).fork("hard", {p}).uniform(), luck = Rng(seed).fork("luck", {p}).uniform();
    one.arms["arm"]["right"].push_back(0.9 * hardness + 0.1 * luck < skill);
    one.arms["arm"]["all"].push_back(1);
  }
  return one;
}

std::vector<SeedOutcomes> run_of(uint64_t first, double skill) {
  return {outcomes(first, skill), outcomes(first + 1, skill), outcomes(first + 2, skill)};
}

const std::vector<std::vector<Term>> kRight = {{{"arm", "right", 1}}};

double width(const Interval& interval) { return interval.high - interval.low; }

TEST(Differences, TheMeanIsTheDifferenceOfMeans) {
  const auto left = run_of(1, 0.6), right = run_of(11, 0.5);
  const Interval difference = differences({left, kRight}, {right, kRight}, Pairing::by_problem, Rng(1)).at(0);
  const Interval one = estimate(left, kRight[0], Rng(1)), other = estimate(right, kRight[0], Rng(1));
  EXPECT_NEAR(difference.mean, one.mean - other.mean, 1e-12);
  EXPECT_LT(difference.low, difference.mean);
  EXPECT_GT(difference.high, difference.mean);
}

TEST(Differences, PairingTakesOutWhatIsHardForBoth) {
  const auto left = run_of(1, 0.6), right = run_of(11, 0.5);
  const Interval paired = differences({left, kRight}, {right, kRight}, Pairing::by_problem, Rng(1)).at(0);
  const Interval unpaired = differences({left, kRight}, {right, kRight}, Pairing::none, Rng(1)).at(0);
  EXPECT_EQ(paired.mean, unpaired.mean);
  EXPECT_LT(width(paired), 0.7 * width(unpaired));
  // Unpaired, both sides vary like shares near ½ of 400 problems: 2 · 1.96 · √(2 · 0.25 / 400) = 0.139.
  EXPECT_NEAR(width(unpaired), 0.139, 0.03);
}

TEST(Differences, ARunLessItselfIsNothing) {
  const std::vector<SeedOutcomes> run = {outcomes(1, 0.5)};
  const Interval none = differences({run, kRight}, {run, kRight}, Pairing::by_problem, Rng(1)).at(0);
  EXPECT_EQ(none.mean, 0);
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 0);
  const auto seeds = run_of(1, 0.5);  // seeds are drawn for each side on its own
  EXPECT_GT(width(differences({seeds, kRight}, {seeds, kRight}, Pairing::by_problem, Rng(1)).at(0)), 0);
}

TEST(Differences, ManySumsEqualEachAlone) {
  const auto left = run_of(1, 0.6), right = run_of(11, 0.5);
  const std::vector<std::vector<Term>> both = {kRight[0], {{"arm", "right", 1}, {"arm", "all", -1}}};
  const auto together = differences({left, both}, {right, both}, Pairing::by_problem, Rng(3));
  ASSERT_EQ(together.size(), 2u);
  const Interval alone = differences({left, kRight}, {right, kRight}, Pairing::by_problem, Rng(3)).at(0);
  EXPECT_EQ(together[0].low, alone.low);
  EXPECT_EQ(together[0].high, alone.high);
}

TEST(Differences, RefusesWhatIsMissing) {
  const auto run = run_of(1, 0.5);
  EXPECT_THROW(differences({{}, kRight}, {run, kRight}, Pairing::none, Rng(1)), Error);
  EXPECT_THROW(differences({run, kRight}, {run, {{{"arm", "gone", 1}}}}, Pairing::none, Rng(1)), Error);
  EXPECT_THROW(differences({run, kRight}, {run, {}}, Pairing::none, Rng(1)), Error);
  EXPECT_TRUE(differences({run, {}}, {run, {}}, Pairing::none, Rng(1)).empty());
}

TEST(Differences, SidesOfDifferentLengthAreDrawnApart) {
  const auto left = run_of(1, 0.6);
  auto right = run_of(11, 0.5);
  for (SeedOutcomes& seed : right) seed.arms["arm"]["right"].resize(100), seed.arms["arm"]["all"].resize(100);
  const Interval apart = differences({left, kRight}, {right, kRight}, Pairing::by_problem, Rng(1)).at(0);
  const Interval unpaired = differences({left, kRight}, {right, kRight}, Pairing::none, Rng(1)).at(0);
  EXPECT_EQ(apart.low, unpaired.low);
  EXPECT_EQ(apart.high, unpaired.high);
}

}  // namespace
}  // namespace hone::report
