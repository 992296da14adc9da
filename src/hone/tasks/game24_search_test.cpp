#include "hone/tasks/game24_search.h"

#include "hone/base/error.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hone::tasks {
namespace {

std::string joined(const MarkedWords& text) { return fmt::format("{}", fmt::join(text.words, " ")); }

// How many of a text's words are `word`.
int64_t count(const MarkedWords& text, const std::string& word) {
  return std::count(text.words.begin(), text.words.end(), word);
}

TEST(Game24Search, EverySolvablePuzzleIsSolvedByItsText) {
  const std::set<std::string> known = [] {
    const auto words = game24_words();
    return std::set<std::string>(words.begin(), words.end());
  }();
  const auto puzzles = all_game24();
  ASSERT_EQ(puzzles.size(), 1362u);
  for (std::size_t i = 0; i < puzzles.size(); i += 7) {
    const auto text = game24_search(puzzles[i], 0, Rng(i));
    const Problem problem = game24_search_problem(puzzles[i]);
    EXPECT_EQ(verify_game24(problem, joined(text)).reason, "") << problem.id;
    for (const auto& word : text.words) ASSERT_TRUE(known.count(word)) << word;
    EXPECT_EQ(count(text, "back"), 0);
    EXPECT_LT(text.words.size(), 600u) << "longer than the recipe's completions";
    const auto direct = game24_derivation(puzzles[i], Rng(i));
    EXPECT_EQ(verify_game24(problem, joined(direct)).reason, "") << problem.id;
  }
}

TEST(Game24Search, AnExampleReadsAsInTheHeader) {
  const std::string example =
      ": 4 7 8 8 : 8 + 4 = 12 : 7 8 12 no 8 * 4 = 32 : 7 8 32 yes : 8 * 7 = 56 yes : 32 56 : "
      "56 - 32 = 24 yes answer 8 * 4 = 32 ; 8 * 7 = 56 ; 56 - 32 = 24";
  bool written = false;
  for (uint64_t seed = 0; seed < 4000 && !written; ++seed)
    written = joined(game24_search({8, 4, 7, 8}, 0, Rng(seed))) == example;
  EXPECT_TRUE(written);
  EXPECT_EQ(game24_search_prompt({8, 4, 7, 8}), "8 4 7 8 -> 24 : search");
  EXPECT_EQ(game24_search({4, 8, 8, 7}, 0, Rng(1)).words, game24_search({8, 7, 4, 8}, 0, Rng(1)).words);
}

TEST(Game24Search, ATextWithoutSolutionTriesEveryMoveOnceAndEndsInBack) {
  const auto text = game24_search({1, 1, 1, 1}, 0, Rng(1));
  EXPECT_EQ(joined(text).substr(0, 11), ": 1 1 1 1 :");
  EXPECT_EQ(text.words.back(), "back");
  EXPECT_EQ(count(text, "yes"), 0);
  EXPECT_EQ(count(text, "no"), 3);  // 1 + 1, 1 - 1 and 1 * 1; 1 / 1 has the result of 1 * 1
  EXPECT_EQ(game24_derivation({1, 1, 1, 1}, Rng(1)).words.size(), 0u);
}

// What is not learned is the choice of a first move: the words after the ":" that ends a position.
TEST(Game24Search, AFirstMoveIsLearnedWhereItIsGoodAndAllOthersAreLearned) {
  int64_t good = 0, anywhere = 0;
  for (uint64_t seed = 1; seed < 40; ++seed) {
    const auto text = game24_search({4, 7, 8, 8}, 0, Rng(seed));
    std::vector<std::size_t> unlearned;
    for (std::size_t i = 0; i < text.words.size(); ++i)
      if (text.learned[i] == 0) unlearned.push_back(i);
    // A search without coming back goes through three positions.
    good += 3;
    for (std::size_t k = 0; k < unlearned.size(); ++k) {
      const bool first = k == 0 || unlearned[k] != unlearned[k - 1] + 1;
      if (!first) continue;
      EXPECT_EQ(text.words[unlearned[k] - 1], ":") << joined(text);
      ++anywhere, --good;
    }
  }
  EXPECT_GT(good, 30);
  EXPECT_GT(anywhere, 30);
}

TEST(Game24Search, TheMovesGoRoundAndRoundInOneOrder) {
  const auto moves = [](uint64_t seed) {
    const auto text = game24_search({1, 1, 1, 2}, 0, Rng(seed));  // no solution: every first move is there
    std::vector<std::string> tried;
    for (std::size_t i = 3; i < text.words.size(); ++i)
      if (text.words[i] == "=") tried.push_back(text.words[i - 3] + text.words[i - 2] + text.words[i - 1]);
    return tried;
  };
  const auto one = moves(1);
  const std::set<std::string> distinct(one.begin(), one.end());
  EXPECT_EQ(distinct.size(), one.size());
  bool elsewhere = false;
  for (uint64_t seed = 2; seed < 10; ++seed) {
    auto other = moves(seed);
    elsewhere = elsewhere || other != one;
    const auto start = std::find(other.begin(), other.end(), one.front());
    ASSERT_NE(start, other.end());
    std::rotate(other.begin(), start, other.end());
    EXPECT_EQ(other, one);
  }
  EXPECT_TRUE(elsewhere);
}

TEST(Game24Search, DoubtsAreWrittenAndNotLearned) {
  int64_t doubts = 0;
  for (uint64_t seed = 1; seed < 20; ++seed) {
    const auto text = game24_search({3, 3, 8, 8}, 0.5, Rng(seed));
    for (std::size_t i = 0; i < text.words.size(); ++i)
      if (text.words[i] == "yes" && text.learned[i] == 0) ++doubts;
    EXPECT_EQ(verify_game24(game24_search_problem({3, 3, 8, 8}), joined(text)).reason, "");
    EXPECT_EQ(count(text, "yes") - 3, count(text, "back")) << joined(text);
  }
  EXPECT_GT(doubts, 19);
}

TEST(Game24Search, ChecksCarryTheirVerdictsOnly) {
  const std::vector<std::vector<int64_t>> puzzles = {{1, 2, 3, 4}, {3, 3, 8, 8}, {1, 1, 1, 1}};
  const auto text = game24_checks(puzzles, 50, Rng(3));
  int64_t verdicts = 0, good = 0;
  for (std::size_t i = 0; i < text.words.size(); ++i) {
    const bool verdict = text.words[i] == "yes" || text.words[i] == "no";
    EXPECT_EQ(text.learned[i] != 0, verdict);
    verdicts += verdict, good += text.words[i] == "yes";
  }
  EXPECT_EQ(verdicts, 50);
  EXPECT_GT(good, 10);  // half of the time a good one of those of 1 2 3 4 and 3 3 8 8, who are two thirds
  EXPECT_LT(good, 40);
}

TEST(Game24Search, TheHeldOutHalfIsNotTrainedOn) {
  const auto training = game24_training_multisets();
  EXPECT_EQ(training.size(), 1820u - 681u);
  const std::set<std::vector<int64_t>> seen(training.begin(), training.end());
  const auto puzzles = all_game24();
  for (std::size_t i = 0; i < puzzles.size(); ++i) EXPECT_EQ(seen.count(puzzles[i]) == 1, i % 2 == 0);
}

TEST(Game24Search, TheJudgeReadsWhatFollowsTheLastAnswer) {
  const Problem problem = game24_search_problem({4, 6, 1, 1});
  const std::string right = "6 * 4 = 24 ; 24 * 1 = 24 ; 24 * 1 = 24";
  EXPECT_EQ(verify_game24(problem, right).reason, "");
  EXPECT_EQ(verify_game24(problem, "6 + 4 = 10 no back answer 1 answer " + right).reason, "");
  EXPECT_NE(verify_game24(problem, right + " answer").reason, "");
  EXPECT_NE(verify_game24(problem, "answer 6 * 4 = 24").reason, "");
  EXPECT_NE(verify_game24(problem, "").reason, "");
}

}  // namespace
}  // namespace hone::tasks
