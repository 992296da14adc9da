#include "hone/report/compare/verdict.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::report {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// A run of `seeds` seeds, of whose 200 problems one arm solves the first `solved`.
ComparedRun run_of(const char* letter, std::size_t solved, std::size_t seeds) {
  ComparedRun run;
  run.letter = letter;
  run.improved = "arm";
  run.metrics = {mean_metric("right", "solved", "%")};
  for (std::size_t s = 0; s < seeds; ++s) {
    SeedOutcomes one{s, {}};
    for (std::size_t p = 0; p < 200; ++p) one.arms["arm"]["right"].push_back(p < solved);
    run.seeds.push_back(std::move(one));
  }
  run.folder.run = {{"recipe", "same"}};
  run.folder.options = Json::array({{{"path", "world"}, {"value", "x"}}});
  return run;
}

Comparison comparison_of(std::vector<ComparedRun> runs) {
  Comparison all;
  all.runs = std::move(runs);
  all.metrics = {{"right", "solved", "%", "right|%|1 right"}};
  for (std::size_t r = 0; r < all.runs.size(); ++r) {
    const Interval value = estimate(all.runs[r].seeds, {{"arm", "right", 1}}, interval_rng());
    all.arms.push_back({r, "arm", "arm", "improved", {{value, {NAN, NAN, NAN}, {}}}});
  }
  return all;
}

TEST(Headline, SaysWhoLeadsAndWhetherThatIsCertain) {
  // 120 of 200 against 100: +10 points, on 20 problems that only B solves.
  const std::string text = headline_of(comparison_of({run_of("A", 100, 3), run_of("B", 120, 3)}));
  EXPECT_TRUE(has(text, "solved: B arm leads with 60.0 %; A arm has 50.0 %, a difference of +10.0 pts [+")) << text;
  EXPECT_TRUE(has(text, "the lead is certain at the 95 % level")) << text;
  EXPECT_TRUE(has(headline_of(comparison_of({run_of("A", 100, 3), run_of("B", 101, 3)})), "this may be chance"));
  EXPECT_TRUE(has(headline_of(comparison_of({run_of("A", 100, 3), run_of("B", 120, 2)})), "not certain"));
  EXPECT_TRUE(has(headline_of(comparison_of({run_of("A", 100, 3), run_of("B", 100, 3)})), "are level at 50.0 %"));
}

TEST(Headline, TheBestTwoOfMany) {
  const std::string text = headline_of(comparison_of({run_of("A", 20, 3), run_of("B", 150, 3), run_of("C", 180, 3)}));
  EXPECT_TRUE(has(text, "C arm leads with 90.0 %; B arm has 75.0 %")) << text;
}

TEST(Direction, ByName) {
  EXPECT_EQ(direction_of("acc_t2"), 1);
  EXPECT_EQ(direction_of("loss"), -1);
  EXPECT_EQ(direction_of("right_to_wrong"), -1);
  EXPECT_EQ(direction_of("wrong_to_right"), 1);
  EXPECT_EQ(direction_of("length"), 0);
}

TEST(DifferenceText, HasSignAndUnit) {
  EXPECT_EQ(difference_text({0.031, 0.005, 0.057}, "%"), "+3.1 pts [+0.5, +5.7]");
  EXPECT_EQ(difference_text({-0.031, -0.05, 0}, "pts"), "−3.1 pts [−5.0, 0.0]");
  EXPECT_EQ(difference_text({1.5, -2, 3}, ""), "+1.5 [−2, +3]");
  EXPECT_EQ(difference_text({2, NAN, NAN}, ""), "+2");
  EXPECT_EQ(difference_text({NAN, NAN, NAN}, "%"), "");
}

}  // namespace
}  // namespace hone::report
