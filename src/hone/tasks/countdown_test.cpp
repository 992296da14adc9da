#include "hone/tasks/countdown.h"

#include "hone/tasks/countdown_walk.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace hone::tasks {
namespace {

using text::error_of;
using text::says;

std::set<std::string> solution_texts(const char* world, const std::vector<int64_t>& numbers, int64_t target) {
  const std::vector<Derivation> solutions = all_solutions(countdown_world(world), numbers, target);
  std::set<std::string> texts;
  for (const Derivation& solution : solutions) texts.insert(write_derivation(solution, Notation::visible));
  EXPECT_EQ(texts.size(), solutions.size()) << "a text appears twice";
  return texts;
}

TEST(CountdownWorlds, EverySymbolWorldHasATokenForEveryNumber) {
  for (const std::string& name : countdown_world_names()) {
    const CountdownWorld& world = countdown_world(name);
    EXPECT_LE(world.low, world.high);
    EXPECT_LE(world.target_low, world.target_high);
    EXPECT_TRUE(!world.symbols || world.cap >= std::max(world.high, world.target_high)) << name;
  }
  EXPECT_EQ(error_of([] { countdown_world("cd3-wild"); }),
            "usage: no Countdown world \"cd3-wild\"; did you mean \"cd3-wide\"?");
}

TEST(Derivations, AreWrittenVisibleOrHidden) {
  const Derivation d = {{12, '*', 3, 36}, {36, '+', 7, 43}};
  EXPECT_EQ(write_derivation(d, Notation::visible), "12 * 3 = 36 ; 36 + 7 = 43");
  EXPECT_EQ(write_derivation(d, Notation::hidden), "( 12 * 3 ) + 7");
  const Derivation two = {{4, '+', 1, 5}, {6, '-', 2, 4}, {5, '*', 4, 20}};
  EXPECT_EQ(write_derivation(two, Notation::hidden), "( 4 + 1 ) * ( 6 - 2 )");
  const Derivation fractions = {{8, '/', 3, 8, 1, 1, 3}, {3, '-', 8, 1, 1, 3, 3}, {8, '/', 1, 24, 1, 3, 1}};
  EXPECT_EQ(write_derivation(fractions, Notation::visible), "8 / 3 = (8/3) ; 3 - (8/3) = (1/3) ; 8 / (1/3) = 24");
  EXPECT_EQ(write_derivation(fractions, Notation::hidden), "8 / ( 3 - ( 8 / 3 ) )");
  EXPECT_EQ(write_derivation({}, Notation::hidden), "");
}

TEST(Solutions, AreAllOfThemOnce) {
  EXPECT_EQ(solution_texts("cd3", {3, 7, 12}, 43), (std::set<std::string>{"12 * 3 = 36 ; 36 + 7 = 43"}));
  EXPECT_EQ(solution_texts("cd3", {2, 2, 4}, 16),
            (std::set<std::string>{"2 * 2 = 4 ; 4 * 4 = 16", "2 + 2 = 4 ; 4 * 4 = 16", "4 * 2 = 8 ; 8 * 2 = 16"}));
  EXPECT_TRUE(solution_texts("cd3", {1, 1, 1}, 60).empty());
  EXPECT_TRUE(solution_texts("cd3", {30, 30, 29}, 871).empty());  // 900 is above the cap
  EXPECT_FALSE(solution_texts("cd3-wide", {30, 30, 29}, 871).empty());
  EXPECT_TRUE(
      solution_texts("game24", {3, 3, 8, 8}, 24).contains("8 / 3 = (8/3) ; 3 - (8/3) = (1/3) ; 8 / (1/3) = 24"));
  EXPECT_TRUE(solution_texts("cd4-mini", {3, 3, 8, 8}, 24).empty());
}

TEST(Solutions, PassTheStrictVerifierInBothNotations) {
  Rng rng(1);
  for (const std::string& name : countdown_world_names()) {
    const CountdownWorld& world = countdown_world(name);
    for (const Problem& problem : draw_problems(world, Split::train, 5, rng)) {
      for (const Derivation& solution : all_solutions(world, problem.numbers, problem.target)) {
        for (const Notation notation : {Notation::visible, Notation::hidden}) {
          const std::string text = write_derivation(solution, notation);
          const Verdict verdict = verify_countdown(problem, text);
          ASSERT_EQ(verdict.reward, 1) << problem.id << ": " << text << ": " << verdict.reason;
        }
      }
    }
  }
}

// The walk against a plain search over ordered pairs that knows nothing of multisets: the same set of texts.
void brute(const CountdownWorld& world, const std::vector<Rational>& values, Derivation path,
           std::set<std::string>& texts) {
  if (values.size() == 1) {
    texts.insert(write_derivation(path, Notation::visible));
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < values.size(); ++j) {
      if (i == j) continue;
      for (const char op : {'+', '-', '*', '/'}) {
        if ((op == '+' || op == '*') && values[i] < values[j]) continue;
        const auto result = legal_result(world, values[i], op, values[j]);
        if (!result) continue;
        std::vector<Rational> next = {*result};
        for (std::size_t k = 0; k < values.size(); ++k) {
          if (k != i && k != j) next.push_back(values[k]);
        }
        Derivation longer = path;
        longer.push_back({values[i].num, op, values[j].num, result->num, values[i].den, values[j].den, result->den});
        brute(world, next, longer, texts);
      }
    }
  }
}

TEST(Solutions, TheWalkVisitsWhatABlindSearchFinds) {
  const std::vector<std::pair<const char*, std::vector<int64_t>>> cases = {{"cd3", {3, 7, 12}},
                                                                           {"cd3", {5, 5, 5}},
                                                                           {"cd3", {30, 1, 30}},
                                                                           {"cd4-mini", {2, 2, 2, 4}},
                                                                           {"game24", {1, 3, 3, 2}}};
  for (const auto& [name, numbers] : cases) {
    const CountdownWorld& world = countdown_world(name);
    std::set<std::string> expected, walked;
    std::vector<Rational> values;
    for (const int64_t number : numbers) values.push_back({number, 1});
    brute(world, values, {}, expected);
    int64_t count = 0;
    walk_all(world, numbers, [&](const Derivation& path, Rational) {
      ++count;
      walked.insert(write_derivation(path, Notation::visible));
      return Walk::go_on;
    });
    EXPECT_EQ(walked, expected) << name;
    EXPECT_EQ(count, static_cast<int64_t>(expected.size())) << name;
  }
}

TEST(RandomDerivation, IsUniformAndRepeatable) {
  const CountdownWorld& world = countdown_world("cd3-smoke");
  const std::vector<int64_t> numbers = {2, 3, 6};
  std::map<std::string, int> seen;
  const Rng rng(5);
  constexpr int kDraws = 20000;
  for (uint64_t i = 0; i < kDraws; ++i) {
    ++seen[write_derivation(random_derivation(world, numbers, rng.fork("draw", {i})), Notation::visible)];
  }
  int64_t count = 0;
  walk_all(world, numbers, [&](const Derivation&, Rational) { return ++count, Walk::go_on; });
  EXPECT_EQ(static_cast<int64_t>(seen.size()), count);
  const double expected = static_cast<double>(kDraws) / static_cast<double>(count);
  for (const auto& [text, times] : seen) EXPECT_NEAR(times, expected, 5 * std::sqrt(expected)) << text;
  EXPECT_EQ(random_derivation(world, numbers, rng), random_derivation(world, numbers, rng));
}

TEST(RandomDerivation, RandomSolutionIsOneOfAll) {
  const CountdownWorld& world = countdown_world("cd3");
  const std::set<std::string> all = solution_texts("cd3", {2, 2, 4}, 16);
  std::set<std::string> drawn;
  for (uint64_t i = 0; i < 100; ++i) {
    drawn.insert(write_derivation(random_solution(world, {4, 2, 2}, 16, Rng(i)), Notation::visible));
  }
  EXPECT_EQ(drawn, all);
  EXPECT_TRUE(random_solution(world, {1, 1, 1}, 60, Rng(1)).empty());
}

TEST(RandomDerivation, RefusesWhatCannotBeWalked) {
  const CountdownWorld& world = countdown_world("cd3");
  EXPECT_EQ(error_of([&] {
              random_derivation(world, {500, 7}, Rng(1));
            }),
            "data: the rules of cd3 allow no derivation from 500 7");
  EXPECT_TRUE(says(error_of([&] { all_solutions(world, {1, 2, 3, 4, 5, 6, 7}, 10); }), "from 1 to 6"));
  EXPECT_TRUE(says(error_of([&] { all_solutions(world, {}, 10); }), "from 1 to 6"));
  EXPECT_TRUE(all_solutions(countdown_world("cd3-wide"), {INT64_MAX, INT64_MAX, 2}, 10).empty());
}

}  // namespace
}  // namespace hone::tasks
