#include "hone/tasks/search/problems.h"

#include "hone/tasks/search/check.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hone::tasks::search {
namespace {

Numbers sorted(Numbers numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

TEST(SearchProblems, ATenthOfTheTargetsIsHeldOut) {
  EXPECT_EQ(held_out_targets(countdown_world("cd3")).size(), 5u);        // of 51
  EXPECT_EQ(held_out_targets(countdown_world("cd3-wide")).size(), 9u);   // of 91
  EXPECT_EQ(held_out_targets(countdown_world("cd3-smoke")).size(), 1u);  // of 16
  EXPECT_EQ(held_out_targets(countdown_world("cd3")), held_out_targets(countdown_world("cd3")));
  EXPECT_TRUE(text::says(text::error_of([] { held_out_targets(countdown_world("game24")); }), "needs 2"));
}

TEST(SearchProblems, SplitsShareNothing) {
  const CountdownWorld& world = countdown_world("cd3-demo");
  const std::vector<int64_t> held_out = held_out_targets(world);
  const auto is_held_out = [&](int64_t target) { return std::binary_search(held_out.begin(), held_out.end(), target); };
  std::set<std::pair<Numbers, int64_t>> trained;
  for (const Problem& problem : draw_search_problems(world, SearchSplit::train, 3000, Rng(1))) {
    EXPECT_FALSE(is_held_out(problem.target));
    trained.insert({sorted(problem.numbers), problem.target});
  }
  std::set<std::string> ids;
  for (const Problem& problem : draw_search_problems(world, SearchSplit::val, 500, Rng(2))) {
    EXPECT_FALSE(is_held_out(problem.target));
    EXPECT_FALSE(trained.contains({sorted(problem.numbers), problem.target})) << problem.id;
    EXPECT_EQ(problem.prompt, compact_prompt(problem.numbers, problem.target));
    EXPECT_TRUE(ids.insert(problem.id).second) << problem.id;
  }
  for (const Problem& problem : draw_search_problems(world, SearchSplit::val_target, 500, Rng(3))) {
    EXPECT_TRUE(is_held_out(problem.target));
  }
}

TEST(SearchProblems, ASmallWorldRunsOut) {
  const CountdownWorld& world = countdown_world("cd2-smoke");
  // Many of its targets are out of reach of two numbers; the others are found.
  EXPECT_EQ(draw_search_problems(world, SearchSplit::train, 300, Rng(1)).size(), 300u);
  EXPECT_TRUE(text::says(text::error_of([&] { draw_search_problems(world, SearchSplit::val_target, 5000, Rng(1)); }),
                         "hold only"));
  EXPECT_EQ(text::error_of([] { search_split("vall"); }), "usage: no split called \"vall\"; did you mean \"val\"?");
}

// The figures of the reproduction notes, which were measured on 500 problems of another generator: what the mixture of
// solvers solves, what any solver solves, how long its traces are in compact words, and how often a random derivation
// is right. 2,000 problems here, 600 of cd4-mini. Tolerances are two standard errors of both samples together; lengths
// of cd4-mini have a long tail (a deviation of about 1,500 words).
TEST(SearchProblems, WorldsHaveTheKnownFigures) {
  struct Figures {
    const char* world;
    double mixture, any, words, words_tolerance, random;
  };
  for (const Figures& known :
       {Figures{"cd3", 0.807, 0.994, 89, 5, 0.122}, Figures{"cd3-wide", 0.837, 0.968, 69, 5, 0.089},
        Figures{"cd4-mini", 0.619, 0.990, 791, 180, 0.024}}) {
    const CountdownWorld& world = countdown_world(known.world);
    const int64_t count = world.count == 3 ? 2000 : 600;
    double solved = 0, any = 0, words = 0, lucky = 0;
    uint64_t i = 0;
    for (const Problem& problem : draw_search_problems(world, SearchSplit::train, count, Rng(1))) {
      const SearchRow row = make_search_row(world, problem, Rng(2).fork("row", {i}));
      solved += is_solved(row.search);
      any += std::any_of(all_solvers().begin(), all_solvers().end(), [&](const Solver& solver) {
        return is_solved(run_solver(world, solver, problem.numbers, problem.target, Rng(1)));
      });
      const std::string compact = write_compact(row.search);
      words += 1 + static_cast<double>(std::count(compact.begin(), compact.end(), ' '));
      lucky += random_derivation(world, problem.numbers, Rng(3).fork("random", {i++})).back().result == problem.target;
    }
    const auto n = static_cast<double>(count);
    const double tolerance = count == 2000 ? 0.04 : 0.06;
    EXPECT_NEAR(solved / n, known.mixture, tolerance) << known.world;
    EXPECT_NEAR(any / n, known.any, 0.015) << known.world;
    EXPECT_NEAR(lucky / n, known.random, 0.03) << known.world;
    EXPECT_NEAR(words / n, known.words, known.words_tolerance) << known.world;
  }
}

TEST(SearchRow, HasBothPathsAndARating) {
  const CountdownWorld& world = countdown_world("cd3");
  uint64_t i = 0;
  for (const Problem& problem : draw_search_problems(world, SearchSplit::train, 200, Rng(5))) {
    const SearchRow row = make_search_row(world, problem, Rng(6).fork("row", {i++}));
    EXPECT_EQ(check_strict(row.optimal, row.numbers, row.target).reason, "");
    EXPECT_EQ(check_strict(row.search, row.numbers, row.target).reward, is_solved(row.search) ? 1 : 0);
    EXPECT_TRUE(row.rating == 0 || is_solved(row.search));
    EXPECT_LT(row.rating, 1);
  }
}

std::vector<TraceRow> rows_of(const std::string& content) {
  std::vector<TraceRow> rows;
  for_each_trace(content, "t.jsonl", [&](const TraceRow& row) { rows.push_back(row); });
  return rows;
}

TEST(TraceRows, WhatIsWrittenIsRead) {
  const CountdownWorld& world = countdown_world("cd3");
  const auto problems = draw_search_problems(world, SearchSplit::train, 5, Rng(5));
  std::string content;
  for (const Problem& problem : problems)
    content += base::dump(to_json(make_search_row(world, problem, Rng(1)))) + "\n";
  const auto rows = rows_of(content);
  ASSERT_EQ(rows.size(), 5u);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SearchRow made = make_search_row(world, problems[i], Rng(1));
    EXPECT_EQ(rows[i].numbers, made.numbers);
    EXPECT_EQ(rows[i].target, made.target);
    EXPECT_EQ(rows[i].trace, made.search);
    EXPECT_EQ(rows[i].solver, made.solver);
  }
}

TEST(TraceRows, ManyNamesAndTheProblemFromTheTrace) {
  const std::string words = "X 9 - 3 4 6 G 0 M 0 S 24 4 6 X 4 * 6 24 =T";
  for (const std::string& row :
       {R"({"nums":[4,9,3],"target":24,"trajectory":"S 24 4 9 3 )" + words + "\"}",
        R"({"numbers":[4,9,3],"target":24,"prompt":"S 24 4 9 3","completion":")" + words + "\"}",
        R"({"text":"S 24 4 9 3 )" + words + "\"}"}) {
    const auto rows = rows_of(row);
    ASSERT_EQ(rows.size(), 1u) << row;
    EXPECT_EQ(rows[0].place, "t.jsonl:1");
    EXPECT_EQ(check_strict(rows[0].trace, rows[0].numbers, rows[0].target).reason, "") << row;
    EXPECT_FALSE(rows[0].solver.has_value());
  }
}

TEST(TraceRows, RefuseWhatCannotBeJudged) {
  for (const auto& [row, message] : {std::pair{R"({"nums":[1,2]})", "t.jsonl:1: no trace"},
                                     {R"({"text":"hello"})", "does not begin with a state"},
                                     {R"({"text":3})", "not a text"},
                                     {R"({"text":"","nums":[],"target":3})", "1 to 64 numbers"},
                                     {R"({"text":"","nums":[1.5],"target":3})", "not a whole number"},
                                     {R"({"text":"","nums":[1],"target":"3"})", "not a whole number"},
                                     {"", "holds no row"}}) {
    EXPECT_TRUE(text::says(text::error_of([&, row = row] { rows_of(row); }), message)) << row;
  }
}

}  // namespace
}  // namespace hone::tasks::search
