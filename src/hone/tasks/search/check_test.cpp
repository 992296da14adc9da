#include "hone/tasks/search/check.h"

#include "hone/tasks/search/solvers.h"

#include <gtest/gtest.h>

namespace hone::tasks::search {
namespace {

// The official checker never takes a number away: 20 is used twice, 5 and 4 are gone but 90 and 91 never used.
TEST(Check, TheOfficialCheckerLetsNumbersBeUsedAgain) {
  const Trace trace = read_text(
      "Current State: 40:[4, 5, 90, 91], Operations: []\n"
      "Exploring Operation: 4*5=20, Resulting Numbers: [90, 91, 20]\n"
      "Generated Node #0,0: 40:[90, 91, 20] Operation: 4*5=20\n"
      "Moving to Node #0,0\n"
      "Current State: 40:[90, 91, 20], Operations: ['4*5=20']\n"
      "Exploring Operation: 20+20=40, Resulting Numbers: [40]\n"
      "40,40 equal: Goal Reached");
  EXPECT_EQ(check_lax(trace).reward, 1);
  // Its score: 3 nodes of 1152.
  EXPECT_NEAR(rating(trace, 4, check_lax(trace)), 0.997, 0.0005);
  const Verdict strict = check_strict(trace, {4, 5, 90, 91}, 40);
  EXPECT_EQ(strict.reward, 0);
  EXPECT_EQ(strict.reason, "20+20=40 uses 20, which is not there");
  EXPECT_EQ(rating(trace, 4, strict), 0);
}

TEST(Check, StrictNeedsEveryNumberOnceAndTrueSteps) {
  const auto strict = [](const char* words) { return check_strict(read_compact(words), {4, 9, 3}, 24).reason; };
  EXPECT_EQ(strict("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 =T"), "");
  EXPECT_EQ(strict("S 24 4 9 3 X 9 - 3 4 6 G S 24 4 6 X 4 * 6 24 =T"), "");
  EXPECT_EQ(strict("S 24 4 9 3 X 9 - 3 4 6 G 0"), "no goal reached");
  EXPECT_EQ(strict("S 24 4 9 3 X 9 - 3 24 =T"), "9-3=24 is not true");
  EXPECT_EQ(strict("S 24 4 9 3 X 9 - 3 4 6 =T"), "leaves 2 numbers");
  EXPECT_EQ(strict("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 + 6 10 =T"), "ends at 10, not 24");
  EXPECT_EQ(strict("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 6 * 9 54 =T"), "6*9=54 uses 9, which is not there");
  EXPECT_EQ(strict("S 24 4 9 3 X 9 / 2 4 4 =T"), "9/2=4 uses 2, which is not there");
  EXPECT_EQ(strict(""), "no goal reached");
  // Another problem's numbers in the trace's own state change nothing.
  EXPECT_EQ(strict("S 24 20 2 2 X 20 + 2 2 22 G 0 M 0 S 24 2 22 X 2 + 22 24 =T"),
            "20+2=22 uses 20, which is not there");
  // Only the first goal counts.
  EXPECT_EQ(strict("S 24 4 9 3 X 9 - 3 4 6 =T S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 =T"),
            "leaves 2 numbers");
}

TEST(Check, ExactArithmeticThatReportsOverflow) {
  const Trace trace =
      read_compact("S 24 999999999999999999 999999999999999999 X 999999999999999999 * 999999999999999999 24 =T");
  EXPECT_EQ(check_strict(trace, {999999999999999999, 999999999999999999}, 24).reward, 0);
  EXPECT_EQ(check_strict(read_compact("S 1 7 0 X 7 / 0 1 =T"), {7, 0}, 1).reason, "7/0=1 is not true");
}

TEST(Check, LaxFailsOnAnEmptyListAsTheOfficialCodeDoes) {
  EXPECT_EQ(check_lax(read_compact("S 5 2 3 X 2 + 3 5 =T")).reason, "the last state lists no operation");
  EXPECT_EQ(check_strict(read_compact("S 5 2 3 X 2 + 3 5 =T"), {2, 3}, 5).reason, "");
  EXPECT_EQ(check_lax(read_text("garbage")).reason, "does not begin with a state");
}

TEST(Check, RatingsAreShareOfTheWholeTree) {
  const Trace trace = read_compact("S 24 4 9 3 X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 =T");
  const Verdict right{1, ""};
  EXPECT_DOUBLE_EQ(rating(trace, 3, right), 1 - 3.0 / 48);
  EXPECT_DOUBLE_EQ(rating(trace, 2, right), 1 - 3.0 / 4);
  EXPECT_DOUBLE_EQ(rating(trace, 5, right), 1 - 3.0 / 46080);
  EXPECT_DOUBLE_EQ(rating(trace, 1, right), 0) << "never below 0";
}

TEST(Check, VerifierReadsWhatFollowsThePrompt) {
  Problem problem;
  problem.numbers = {4, 9, 3};
  problem.target = 24;
  EXPECT_EQ(verify_search(problem, "X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 =T").reward, 1);
  EXPECT_EQ(verify_search(problem, "X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6").reward, 0);
  EXPECT_EQ(verify_search(problem, "").reward, 0);
}

}  // namespace
}  // namespace hone::tasks::search
