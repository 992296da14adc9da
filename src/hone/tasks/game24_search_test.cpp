#include "hone/tasks/game24_search.h"

#include "hone/base/error.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace hone::tasks {
namespace {

std::string joined(const MarkedWords& text) { return fmt::format("{}", fmt::join(text.words, " ")); }

TEST(Game24Search, EverySolvablePuzzleIsSolvedByItsText) {
  std::size_t longest = 0;
  const std::set<std::string> known = [] {
    const auto words = game24_words();
    return std::set<std::string>(words.begin(), words.end());
  }();
  const auto puzzles = all_game24();
  ASSERT_EQ(puzzles.size(), 1362u);
  for (std::size_t i = 0; i < puzzles.size(); i += 7) {
    const auto text = game24_search(puzzles[i], 0, Rng(1));
    const Problem problem = game24_search_problem(puzzles[i]);
    EXPECT_EQ(verify_game24(problem, joined(text)).reason, "") << problem.id;
    for (const auto& word : text.words) ASSERT_TRUE(known.count(word)) << word;
    EXPECT_EQ(std::count(text.learned.begin(), text.learned.end(), 0), 0);
    longest = std::max(longest, text.words.size());
    const auto direct = game24_derivation(puzzles[i], Rng(i));
    EXPECT_EQ(verify_game24(problem, joined(direct)).reason, "") << problem.id;
  }
  EXPECT_LT(longest, 440u);
}

TEST(Game24Search, AnExampleReadsAsInTheHeader) {
  EXPECT_EQ(joined(game24_search({6, 6, 6, 6}, 0, Rng(1))).substr(0, 29), "6 + 6 = 12 : 6 6 12 yes : 6 +");
  EXPECT_EQ(game24_search_prompt({8, 4, 7, 8}), "8 4 7 8 -> 24 : search");
  EXPECT_EQ(game24_search({4, 8, 8, 7}, 0, Rng(1)).words, game24_search({8, 7, 4, 8}, 0, Rng(2)).words);
}

TEST(Game24Search, ATextWithoutSolutionEndsInBack) {
  const auto text = game24_search({1, 1, 1, 1}, 0, Rng(1));
  EXPECT_EQ(text.words.back(), "back");
  EXPECT_EQ(std::count(text.words.begin(), text.words.end(), "yes"), 0);
  EXPECT_EQ(game24_derivation({1, 1, 1, 1}, Rng(1)).words.size(), 0u);
}

TEST(Game24Search, DoubtsAreWrittenAndNotLearned) {
  const auto sure = game24_search({3, 3, 8, 8}, 0, Rng(1)), doubting = game24_search({3, 3, 8, 8}, 0.5, Rng(1));
  EXPECT_GT(doubting.words.size(), sure.words.size());
  EXPECT_GT(std::count(doubting.words.begin(), doubting.words.end(), "back"), 0);
  int64_t doubts = 0;
  for (std::size_t i = 0; i < doubting.words.size(); ++i) {
    if (doubting.learned[i] != 0) continue;
    EXPECT_EQ(doubting.words[i], "yes");
    ++doubts;
  }
  EXPECT_GT(doubts, 0);
  EXPECT_EQ(verify_game24(game24_search_problem({3, 3, 8, 8}), joined(doubting)).reason, "");
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
  EXPECT_GT(good, 0);
  EXPECT_LT(good, 50);
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
