#include "hone/tasks/search/measures.h"

#include "hone/tasks/search/problems.h"

#include <gtest/gtest.h>

namespace hone::tasks::search {
namespace {

const char* const kSolved =
    "S 24 4 9 3 X 9 - 4 3 5 G 0 M 0 S 24 3 5 X 3 + 5 8 ≠ M S 24 4 9 3 X 9 - 3 4 6 G 1 M 1 S 24 4 6 X 4 * 6 24 =T";

Measured measured(const char* words, Compare compare = Compare::with_solvers) {
  return measure(countdown_world("cd3"), {4, 9, 3}, 24, read_compact(words), compare);
}

TEST(Measure, OneTrace) {
  const Measured one = measured(kSolved);
  EXPECT_EQ(one.strict.reward, 1);
  EXPECT_EQ(one.lax.reward, 1);
  EXPECT_EQ(one.explored, 4);
  EXPECT_EQ(one.states, 5);
  EXPECT_TRUE(one.says_goal);
  ASSERT_TRUE(one.likeness.has_value());
  EXPECT_FALSE(measured(kSolved, Compare::alone).likeness.has_value());
}

TEST(Measure, ASolversTraceIsLikeItselfOnly) {
  const CountdownWorld& world = countdown_world("cd3");
  int like_others = 0;
  for (const Problem& problem : draw_search_problems(world, SearchSplit::val, 40, Rng(1))) {
    // Depth-first does nothing at random, so its trace is the one that it is compared with.
    const Trace trace = run_solver(world, {Heuristic::sum, 0}, problem.numbers, problem.target, Rng(7));
    const Measured one = measure(world, problem.numbers, problem.target, trace, Compare::with_solvers);
    EXPECT_DOUBLE_EQ(one.likeness->states[0], 1);
    EXPECT_EQ(one.likeness->solved[0], one.strict.reward > 0.5);
    for (std::size_t i = 1; i < kSolvers; ++i) like_others += one.likeness->states[i] == 1;
  }
  EXPECT_LT(like_others, 40 * 11 / 2);
}

TEST(Measure, WhatSolversCannotWalkIsNotCompared) {
  const Trace trace = read_compact("S 24 4 9 3");
  const CountdownWorld& world = countdown_world("cd3");
  EXPECT_FALSE(measure(world, {1, 2, 3, 4, 5, 6}, 24, trace, Compare::with_solvers).likeness.has_value());
  EXPECT_FALSE(measure(world, {1, 2}, 0, trace, Compare::with_solvers).likeness.has_value());
  EXPECT_FALSE(measure(world, {1, 2}, INT64_MAX, trace, Compare::with_solvers).likeness.has_value());
  EXPECT_FALSE(measure(world, {}, 24, trace, Compare::with_solvers).likeness.has_value());
  EXPECT_FALSE(measure(countdown_world("game24"), {4, 9, 3}, 24, trace, Compare::with_solvers).likeness.has_value());
  const Numbers huge = {999999999999999999, 999999999999999998, 1};
  EXPECT_TRUE(measure(countdown_world("cd3-wide"), huge, 24, trace, Compare::with_solvers).likeness.has_value());
}

TEST(SearchTable, SharesAndMeans) {
  SearchTable table;
  table.add(measured(kSolved), Solver{});
  table.add(measured("S 24 4 9 3 X 9 - 4 3 6 G 0 M 9"), Solver{});
  const Json json = table.to_json();
  EXPECT_EQ(json["traces"], 2);
  EXPECT_EQ(json["accuracy"]["strict"], 0.5);
  EXPECT_EQ(json["denied_goal"], 0);
  EXPECT_EQ(json["faults"]["arithmetic"], 0.5);
  EXPECT_EQ(json["faults"]["exploration"], 0.5);
  EXPECT_EQ(json["explored"]["all"], 2.5);
  EXPECT_EQ(json["explored"]["solved"], 4);
  EXPECT_EQ(json["solvers"].size(), 12u);
  EXPECT_EQ(json["difficult"]["problems"], 0);
  EXPECT_TRUE(json["difficult"]["solved"].is_null());
}

TEST(SearchTable, UnsolvedAndDifficult) {
  const CountdownWorld& world = countdown_world("cd3");
  // 1 1 1 → 60 is out of everyone's reach; a trace that claims it is wrong too.
  const Trace trace = read_compact("S 60 1 1 1 X 1 + 1 1 2 G 0 M 0 S 60 1 2 X 1 + 2 60 =T");
  SearchTable table;
  table.add(measure(world, {1, 1, 1}, 60, trace, Compare::with_solvers), Solver{Heuristic::mult, 3});
  table.add(measure(world, {1, 1, 1}, 60, trace, Compare::with_solvers), {});
  const Json json = table.to_json();
  EXPECT_EQ(json["unsolved"]["problems"], 1) << "the second names no solver";
  EXPECT_EQ(json["difficult"]["problems"], 2);
  EXPECT_EQ(json["difficult"]["solved"], 0);
  EXPECT_TRUE(SearchTable().to_json()["accuracy"]["strict"].is_null());
}

TEST(TreeJson, NodesWithTheWayToTheGoal) {
  const Json json = tree_json(build_tree(read_compact(kSolved), {4, 9, 3}, 24), 100);
  ASSERT_EQ(json["nodes"].size(), 5u);
  EXPECT_EQ(json["nodes"][0]["parent"], -1);
  EXPECT_EQ(json["nodes"][2]["end"], "dead_end");
  EXPECT_EQ(json["nodes"][3]["by"], "9-3=6");
  EXPECT_EQ(json["nodes"][3]["on_path"], true);
  EXPECT_EQ(json["nodes"][1]["on_path"], false);
  EXPECT_EQ(json["left_out"], 0);
}

TEST(TreeJson, LeavesOutWhatIsTooMuchButNotTheWayToTheGoal) {
  const Json json = tree_json(build_tree(read_compact(kSolved), {4, 9, 3}, 24), 2);
  ASSERT_EQ(json["nodes"].size(), 4u);
  EXPECT_EQ(json["nodes"][3]["end"], "goal");
  EXPECT_EQ(json["nodes"][3]["parent"], 2);
  EXPECT_EQ(json["left_out"], 1);
}

}  // namespace
}  // namespace hone::tasks::search
