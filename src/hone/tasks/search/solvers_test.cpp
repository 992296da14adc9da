#include "hone/tasks/search/solvers.h"

#include "hone/tasks/search/check.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace hone::tasks::search {
namespace {

TEST(Heuristics, AreThoseOfTheOfficialCode) {
  EXPECT_DOUBLE_EQ(heuristic_value(Heuristic::sum, {4, 9, 3}, 24), (20.0 + 15 + 21) / 3);
  EXPECT_DOUBLE_EQ(heuristic_value(Heuristic::sum, {20}, 24), 4);
  // Factors of 24 from 2 up: 2 3 4 6 8 12 24.
  EXPECT_DOUBLE_EQ(heuristic_value(Heuristic::mult, {4, 9, 3}, 24), 1);
  EXPECT_DOUBLE_EQ(heuristic_value(Heuristic::mult, {1, 17, 100}, 24), 1 + 5 + 76);
  EXPECT_DOUBLE_EQ(heuristic_value(Heuristic::mult, {10}, 7), 3);
  EXPECT_DOUBLE_EQ(heuristic_value(Heuristic::mult, {10}, 1), 9);
  EXPECT_DOUBLE_EQ(heuristic_value(Heuristic::sum, {}, 1), 0);
}

TEST(Expand, PairsInOrderAndOperationsInOrder) {
  std::string all;
  for (const Successor& next : expand(countdown_world("cd3-wide"), {4, 9, 3})) {
    all += to_text(next.operation) + fmt::format("[{}] ", fmt::join(next.numbers, ","));
  }
  EXPECT_EQ(all,
            "4+9=13[3,13] 4*9=36[3,36] 9-4=5[3,5] "
            "4+3=7[9,7] 4*3=12[9,12] 4-3=1[9,1] "
            "9+3=12[4,12] 9*3=27[4,27] 9-3=6[4,6] 9/3=3[4,3] ");
  // Twice the same number: both places, and 5/5; results above the cap are dropped.
  EXPECT_EQ(expand(countdown_world("cd3"), {5, 5}).size(), 4u);
  EXPECT_EQ(expand(countdown_world("cd3"), {30, 30}).size(), 3u);
  EXPECT_EQ(expand(countdown_world("cd3"), {0, 7}).size(), 3u) << "nothing is divided by 0";
}

TEST(Solvers, TwelveWithTheirNames) {
  std::set<std::string> names;
  for (const Solver& solver : all_solvers()) {
    names.insert(name_of(solver));
    EXPECT_EQ(find_solver(search_type(solver), heuristic_name(solver)), solver);
  }
  EXPECT_EQ(names.size(), 12u);
  EXPECT_TRUE(names.contains("dfs-mult") && names.contains("bfs-sum-5"));
  EXPECT_EQ(search_type({Heuristic::mult, 3}), "bfs_3");
  EXPECT_EQ(heuristic_name({Heuristic::mult, 3}), "mult_heuristic");
  EXPECT_FALSE(find_solver("bfs_6", "sum_heuristic").has_value());
}

TEST(Solvers, TheMixtureHasItsWeights) {
  std::map<std::string, int> drawn;
  for (uint64_t i = 0; i < 20000; ++i) ++drawn[name_of(draw_solver(Rng(1).fork("draw", {i})))];
  for (const auto& [name, count] : drawn)
    EXPECT_NEAR(count / 20000.0, name.starts_with("dfs") ? 0.25 : 0.05, 0.01) << name;
  EXPECT_EQ(drawn.size(), 12u);
}

// 2 2 2 → 8, by hand. Root: each of three pairs has 2+2=4 2*2=4 2-2=0 2/2=1, leaving {2, r}. Distances from 8, halved:
// {2,4}: (6+4)/2 = 5; {2,0}: 7; {2,1}: 6.5. The best is the first 2+2, and below it 2*4=8 (distance 0) comes first.
TEST(Solvers, DepthFirstByHand) {
  EXPECT_EQ(write_text(run_solver(countdown_world("cd3"), {Heuristic::sum, 0}, {2, 2, 2}, 8, Rng(1))),
            "Current State: 8:[2, 2, 2], Operations: []\n"
            "Exploring Operation: 2+2=4, Resulting Numbers: [2, 4]\n"
            "Generated Node #0,0: 8:[2, 4] Operation: 2+2=4\n"
            "Moving to Node #0,0\n"
            "Current State: 8:[2, 4], Operations: ['2+2=4']\n"
            "Exploring Operation: 2*4=8, Resulting Numbers: [8]\n"
            "8,8 equal: Goal Reached");
}

// 1 1 1 → 9: with a beam of 1 the best child is 1+1=2 ({1,2}: 7.5 from 9, against 8 and 8.5), below it 1+2=3.
TEST(Solvers, BreadthFirstByHand) {
  EXPECT_EQ(write_compact(run_solver(countdown_world("cd3"), {Heuristic::sum, 1}, {1, 1, 1}, 9, Rng(1))),
            "S 9 1 1 1 X 1 + 1 1 2 G 0 M 0 S 9 1 2 X 1 + 2 3 ≠ fail");
}

// Depth-first on 1 1 → 9 tries what lies within the target and goes back to the parent in between.
TEST(Solvers, DepthFirstGoesBackToTheParent) {
  EXPECT_EQ(write_compact(run_solver(countdown_world("cd3"), {Heuristic::sum, 0}, {1, 1}, 9, Rng(1))),
            "S 9 1 1 X 1 + 1 2 ≠ M S 9 1 1 X 1 * 1 1 ≠ M S 9 1 1 X 1 / 1 1 ≠ M S 9 1 1 X 1 - 1 0 ≠");
}

TEST(Solvers, BeamsBoundTheChildrenAndOrderIsSeeded) {
  const CountdownWorld& world = countdown_world("cd4-mini");
  const Solver solver{Heuristic::sum, 5};
  std::set<std::string> orders;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Trace trace = run_solver(world, solver, {3, 7, 11, 13}, 41, Rng(seed));
    EXPECT_EQ(trace, run_solver(world, solver, {3, 7, 11, 13}, 41, Rng(seed)));
    orders.insert(write_compact(trace));
    int64_t explored = 0;
    for (const Event& event : trace) {
      if (event.kind == EventKind::state) explored = 0;
      explored += event.kind == EventKind::explore;
      EXPECT_LE(explored, 5);
    }
  }
  EXPECT_GT(orders.size(), 1u);
}

// What is solved does not depend on the shuffled order, and every goal is a true one.
TEST(Solvers, GoalsAreStrictlyRight) {
  const CountdownWorld& world = countdown_world("cd4-mini");
  for (const Problem& problem : draw_problems(world, Split::train, 30, Rng(4))) {
    for (const Solver& solver : all_solvers()) {
      const Trace trace = run_solver(world, solver, problem.numbers, problem.target, Rng(1));
      EXPECT_EQ(is_solved(trace), check_strict(trace, problem.numbers, problem.target).reward > 0.5) << problem.id;
      EXPECT_EQ(is_solved(trace), is_solved(run_solver(world, solver, problem.numbers, problem.target, Rng(2))));
      EXPECT_EQ(is_solved(trace), check_lax(trace).reward > 0.5) << problem.id;
    }
  }
}

TEST(Solvers, OptimalPathsUseDuplicatesOneByOne) {
  const std::vector<Operation> solution = {{5, '+', 5, 10}, {10, '*', 2, 20}};
  const Trace trace = optimal_path({5, 5, 2}, 20, solution);
  EXPECT_EQ(write_compact(trace), "S 20 5 5 2 X 5 + 5 2 10 G S 20 2 10 X 10 * 2 20 =T");
  // Only one of the two 5s is used at first: the other stays.
  EXPECT_EQ(optimal_path({5, 5, 2}, 15, {{5, '*', 2, 10}, {5, '+', 10, 15}})[1].numbers, (Numbers{5, 10}));
  EXPECT_TRUE(text::says(text::error_of([&] { optimal_path({5, 3, 2}, 20, solution); }), "uses 5"));
  EXPECT_TRUE(text::says(text::error_of([&] { optimal_path({5, 5, 2}, 21, solution); }), "leaves 20, not 21"));
  EXPECT_TRUE(text::says(text::error_of([&] { optimal_path({5, 5, 2}, 21, {}); }), "leaves 5 5 2"));
}

TEST(Solvers, RefuseWhatTheyCannotWalk) {
  const CountdownWorld& world = countdown_world("cd3");
  EXPECT_TRUE(text::says(text::error_of([&] { run_solver(world, {}, {1, 2, 3, 4, 5, 6, 7}, 9, Rng(1)); }), "1 to 6"));
  EXPECT_TRUE(text::says(text::error_of([&] { run_solver(world, {}, {}, 9, Rng(1)); }), "1 to 6"));
  EXPECT_TRUE(text::says(text::error_of([&] { run_solver(world, {}, {1, 2}, 0, Rng(1)); }), "target"));
  EXPECT_TRUE(text::says(text::error_of([&] {
                           run_solver(countdown_world("game24"), {}, {1, 2}, 24, Rng(1));
                         }),
                         "fractions"));
  EXPECT_TRUE(text::says(text::error_of([&] { run_solver(world, {Heuristic::sum, -1}, {1, 2}, 9, Rng(1)); }), "beam"));
  EXPECT_EQ(run_solver(world, {}, {7}, 7, Rng(1)).size(), 1u) << "one number is not searched";
}

}  // namespace
}  // namespace hone::tasks::search
