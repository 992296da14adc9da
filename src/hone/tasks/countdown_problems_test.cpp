#include "hone/tasks/countdown.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace hone::tasks {
namespace {

using text::error_of;

std::vector<int64_t> sorted(std::vector<int64_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

TEST(MakeProblem, HasPromptNumbersAndAnIdWithoutOrder) {
  const Problem problem = make_problem(countdown_world("cd3"), {12, 3, 7}, 43);
  EXPECT_EQ(problem.prompt, "12 3 7 -> 43 :");
  EXPECT_EQ(problem.id, "countdown:3,7,12->43");
  EXPECT_EQ(problem.numbers, (std::vector<int64_t>{12, 3, 7}));
  EXPECT_EQ(problem.target, 43);
  EXPECT_EQ(error_of([] {
              make_problem(countdown_world("cd3"), {1, 2}, 3);
            }),
            "usage: cd3 problems have 3 numbers, found 2");
}

TEST(SplitOf, IgnoresOrderAndHoldsOutAFifth) {
  EXPECT_EQ(split_of({3, 7, 12}, 43), split_of({12, 3, 7}, 43));
  int held_out = 0, count = 0;
  for (int64_t a = 1; a <= 20; ++a) {
    for (int64_t b = a; b <= 20; ++b) {
      for (int64_t target = 10; target <= 60; ++target, ++count)
        held_out += split_of({a, b, 5}, target) == Split::held_out;
    }
  }
  EXPECT_NEAR(static_cast<double>(held_out) / count, 0.2, 0.02);
}

// Pins the split: a change here moves problems from one side to the other and invalidates every earlier result.
TEST(SplitOf, NeverChanges) {
  std::string sides;
  for (int64_t target = 10; target < 50; ++target) sides += split_of({3, 7, 12}, target) == Split::train ? 't' : 'H';
  EXPECT_EQ(sides, "tHtttttHtHttHttHtttttttttttttHttttHtHtHt");
}

TEST(DrawProblems, AreDistinctSolvableInRangeAndOfOneSide) {
  for (const std::string& name : countdown_world_names()) {
    const CountdownWorld& world = countdown_world(name);
    for (const Split split : {Split::train, Split::held_out}) {
      std::set<std::string> ids;
      for (const Problem& problem : draw_problems(world, split, 40, Rng(3))) {
        EXPECT_TRUE(ids.insert(problem.id).second) << problem.id;
        EXPECT_EQ(split_of(world, problem.numbers, problem.target), split);
        EXPECT_EQ(static_cast<int64_t>(problem.numbers.size()), world.count);
        EXPECT_TRUE(problem.target >= world.target_low && problem.target <= world.target_high);
        for (const int64_t number : problem.numbers) EXPECT_TRUE(number >= world.low && number <= world.high);
        EXPECT_FALSE(all_solutions(world, problem.numbers, problem.target).empty()) << problem.id;
      }
    }
  }
}

TEST(DrawProblems, AreRepeatableAndTheNumbersComeInAnyOrder) {
  const CountdownWorld& world = countdown_world("cd3");
  const auto a = draw_problems(world, Split::train, 200, Rng(3)), b = draw_problems(world, Split::train, 200, Rng(3));
  int unsorted = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].prompt, b[i].prompt);
    unsorted += a[i].numbers != sorted(a[i].numbers);
  }
  EXPECT_GT(unsorted, 120);
  EXPECT_NE(a[0].id, draw_problems(world, Split::train, 1, Rng(4))[0].id);
}

TEST(DrawProblems, ASmallWorldCanBeUsedUp) {
  const CountdownWorld& world = countdown_world("cd3-smoke");
  const int64_t train = solvable_pairs(world, Split::train), held_out = solvable_pairs(world, Split::held_out);
  EXPECT_EQ(train + held_out, solvable_pairs(world));
  EXPECT_EQ(static_cast<int64_t>(draw_problems(world, Split::train, train, Rng(1)).size()), train);
  EXPECT_EQ(
      error_of([&] { draw_problems(world, Split::held_out, held_out + 1, Rng(1)); }),
      fmt::format("usage: {} held-out problems of cd3-smoke asked, but the world holds {}", held_out + 1, held_out));
  EXPECT_TRUE(draw_problems(world, Split::train, 0, Rng(1)).empty());
}

TEST(DrawProblems, TwentyThousandTakeLessThanASecond) {
  const auto start = std::chrono::steady_clock::now();
  const auto problems = draw_problems(countdown_world("cd3"), Split::train, 20000, Rng(7));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(problems.size(), 20000u);
  RecordProperty("seconds", std::to_string(seconds.count()));
  EXPECT_LT(seconds.count(), 10);  // a second on a free machine; sanitizers and busy machines are slower
}

TEST(Game24, HasItsKnown1362Problems) {
  const auto all = all_game24();
  EXPECT_EQ(all.size(), 1362u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_EQ(all.front(), (std::vector<int64_t>{1, 1, 1, 8}));
  EXPECT_TRUE(std::binary_search(all.begin(), all.end(), std::vector<int64_t>{3, 3, 8, 8}));
  EXPECT_FALSE(std::binary_search(all.begin(), all.end(), std::vector<int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(solvable_pairs(countdown_world("game24")), 1362);
  EXPECT_EQ(solvable_pairs(countdown_world("game24"), Split::held_out), 681);
}

TEST(Game24, EverySecondProblemIsHeldOut) {
  const CountdownWorld& world = countdown_world("game24");
  const auto all = all_game24();
  EXPECT_EQ(split_of(world, all[0], 24), Split::train);
  EXPECT_EQ(split_of(world, {all[1][3], all[1][0], all[1][2], all[1][1]}, 24), Split::held_out);
  EXPECT_EQ(error_of([&] {
              split_of(world, {1, 1, 1, 1}, 24);
            }),
            "data: 1 1 1 1 -> 24 is not a solvable problem of game24");
  EXPECT_EQ(draw_problems(world, Split::held_out, 681, Rng(1)).size(), 681u);
  EXPECT_EQ(error_of([&] { draw_problems(world, Split::train, 682, Rng(1)); }),
            "usage: 682 training problems of game24 asked, but the world holds 681");
}

}  // namespace
}  // namespace hone::tasks
