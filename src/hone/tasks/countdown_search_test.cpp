#include "hone/tasks/countdown_search.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <map>

namespace hone::tasks {
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

TEST(Search, CountsOperationsInOrder) {
  const CountdownWorld& world = countdown_world("cd3-wide");
  // Best child first: 12 * 3 = 36 leaves {7, 36}, whose mean distance to 43 is the least but for 12 * 7.
  const SearchResult found = solve_dfs(world, {3, 7, 12}, 43, Heuristic::sum);
  EXPECT_TRUE(found.solved);
  EXPECT_EQ(write_derivation(found.solution, Notation::visible), "12 * 3 = 36 ; 36 + 7 = 43");
  EXPECT_GE(found.explored, 2);
  const SearchResult none = solve_bfs(world, {1, 1, 1}, 60, Heuristic::sum, 5);
  EXPECT_FALSE(none.solved);
  EXPECT_TRUE(none.solution.empty());
  EXPECT_GT(none.explored, 0);
}

TEST(Search, OneNumberIsNotSearched) {
  EXPECT_EQ(solve_dfs(countdown_world("cd3"), {7}, 7, Heuristic::sum).explored, 0);
}

TEST(Search, RefusesWhatItCannotWalk) {
  const CountdownWorld& world = countdown_world("cd3");
  EXPECT_EQ(text::error_of([&] {
              solve_bfs(world, {1, 2, 3}, 9, Heuristic::sum, 0);
            }),
            "usage: beam is 0; allowed: 1 or more");
  EXPECT_TRUE(text::says(text::error_of([&] {
                           solve_dfs(world, {1, 2, 3, 4, 5, 6, 7}, 9, Heuristic::sum);
                         }),
                         "1 to 6"));
}

// Solved shares of 500 problems of cd3, by solver; every solution is checked by the strict verifier.
TEST(Search, SolvesTheKnownSharesOfCd3) {
  const CountdownWorld& world = countdown_world("cd3");
  const auto problems = draw_problems(world, Split::train, 500, Rng(11));
  std::map<std::string, int> solved;
  int any = 0;
  for (const Problem& problem : problems) {
    bool one = false;
    const auto note = [&](const std::string& solver, const SearchResult& result) {
      if (!result.solved) return;
      one = true;
      ++solved[solver];
      const std::string text = write_derivation(result.solution, Notation::visible);
      EXPECT_EQ(verify_countdown(problem, text).reason, "") << problem.id << ": " << text;
    };
    for (const Heuristic heuristic : {Heuristic::sum, Heuristic::mult}) {
      const std::string suffix = heuristic == Heuristic::sum ? "-sum" : "-mult";
      note("dfs" + suffix, solve_dfs(world, problem.numbers, problem.target, heuristic));
      for (int beam = 1; beam <= 5; ++beam) {
        note("bfs" + std::to_string(beam) + suffix, solve_bfs(world, problem.numbers, problem.target, heuristic, beam));
      }
    }
    any += one;
  }
  for (const auto& [solver, count] : solved) RecordProperty(solver, count);
  RecordProperty("any", any);
  EXPECT_EQ(solved.size(), 12u);
  EXPECT_GE(any, 485);
  EXPECT_GE(solved["dfs-sum"], 400);
  for (const char* suffix : {"-sum", "-mult"}) {
    EXPECT_LT(solved[std::string("bfs1") + suffix], solved[std::string("bfs5") + suffix]);
  }
}

}  // namespace
}  // namespace hone::tasks
