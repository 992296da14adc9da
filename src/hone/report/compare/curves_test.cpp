#include "hone/report/compare/curves.h"

#include "hone/report/compare/test_runs.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

RunFolder seed_with(const std::vector<Curve>& curves) {
  RunFolder seed;
  seed.curves = curves;
  for (const Curve& curve : curves) {
    if (seed.phases.empty() || seed.phases.back().name != curve.phase) seed.phases.push_back({curve.phase, 0, 0, 0, 0});
  }
  return seed;
}

TEST(ArmCurve, PhasesFollowOneAnother) {
  const RunFolder seed = seed_with({{"reward", "score.stage1", {0, 1, 2}, {1, 2, 3}},
                                    {"reward", "score.stage2", {0, 1}, {4, 5}},
                                    {"reward", "score_plus.stage1", {0}, {9}}});
  const auto phases = phases_of_arm(seed, {"score", "score_plus"}, "score");
  EXPECT_EQ(phases, (std::vector<std::string>{"score.stage1", "score.stage2"}));
  const Line line = arm_curve(seed, phases, "reward", Axis::steps);
  EXPECT_EQ(line.x, (std::vector<double>{0, 1, 2, 3, 4}));
  EXPECT_EQ(line.y, (std::vector<double>{1, 2, 3, 4, 5}));
}

// Steps 0 and 1 sample 10 and 20 tokens: 10, 30 so far. Steps 3 and 5 stand for two steps each: 30 + 2·5 = 40,
// 40 + 2·6 = 52.
TEST(ArmCurve, TokensAddUpOverStepsThatWereNotLogged) {
  const RunFolder seed = seed_with({{"reward", "a", {0, 1}, {0.1, 0.2}},
                                    {"sampled_tokens", "a", {0, 1}, {10, 20}},
                                    {"reward", "a.two", {1, 3}, {0.3, 0.4}},
                                    {"sampled_tokens", "a.two", {1, 3}, {5, 6}}});
  const Line line = arm_curve(seed, {"a", "a.two"}, "reward", Axis::tokens);
  EXPECT_EQ(line.x, (std::vector<double>{10, 30, 40, 52}));
  EXPECT_TRUE(arm_curve(seed_with({{"reward", "a", {0}, {1}}}), {"a"}, "reward", Axis::tokens).x.empty());
}

TEST(ArmCurve, TheLongestArmOwnsAPhase) {
  const RunFolder seed = seed_with({{"loss", "star.1", {0}, {1}}, {"loss", "star.plus.1", {0}, {1}}});
  EXPECT_EQ(phases_of_arm(seed, {"star", "star.plus"}, "star"), std::vector<std::string>{"star.1"});
  EXPECT_EQ(phases_of_arm(seed, {"star", "star.plus"}, "star.plus"), std::vector<std::string>{"star.plus.1"});
}

TEST(ArmCurve, StepsThatGoBackAreLeftOut) {
  const RunFolder seed = seed_with({{"reward", "a", {0, 1, 1, 0, 2}, {1, 2, 3, 4, 5}}});
  EXPECT_EQ(arm_curve(seed, {"a"}, "reward", Axis::steps).y, (std::vector<double>{1, 2, 5}));
}

TEST(LearningCurves, WhatRunsShareComesFirst) {
  const TwoRuns runs;
  for (const auto& [run, own] : {std::pair{runs.first, "own_a"}, {runs.second, "own_b"}}) {
    for (const char* seed : {"seed-1", "seed-2", "seed-3"}) {
      std::string lines;
      for (int step = 0; step < 20; ++step) {
        lines += base::dump(Json{{"phase", "score.stage1"},
                                 {"step", step},
                                 {own, step},
                                 {"lr", 1},
                                 {"kl", 2 + step},
                                 {"reward", step},
                                 {"sampled_tokens", 100}}) +
                 "\n";
        lines += base::dump(Json{{"phase", "base"}, {"step", step}, {"loss", step}}) + "\n";
      }
      base::write_file_atomic(run / seed / "metrics.jsonl", lines);
    }
  }
  const LearningCurves curves = learning_curves(compare(runs.both()));
  std::vector<std::string> names;
  for (const CurveFigure& figure : curves.figures) names.push_back(figure.metric + figure.scope);
  EXPECT_EQ(names, (std::vector<std::string>{"reward", "kl", "own_aA", "own_bB"}))
      << "no lr, nothing of the base model";
  const CurveFigure& reward = curves.figures[0];
  ASSERT_EQ(reward.by_step.series.size(), 2u);
  EXPECT_EQ(reward.by_step.series[0].seeds.size(), 3u);
  EXPECT_NE(reward.by_step.series[0].style, reward.by_step.series[1].style);
  EXPECT_EQ(reward.by_tokens.series[0].mean.x.front(), 100);
  EXPECT_EQ(reward.by_tokens.series[0].mean.x.back(), 2000);
}

}  // namespace
}  // namespace hone::report
