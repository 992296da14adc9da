#include "hone/tasks/addition.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace hone::tasks {
namespace {

TEST(Addition, ByHand) {
  const auto p = make_addition(624, 259);
  EXPECT_EQ(p.id, "addition:624+259");
  EXPECT_EQ(p.prompt, "6 2 4 + 2 5 9 :");
  EXPECT_EQ(p.answer, "8 8 3");
  EXPECT_EQ(p.target, 883);
  // 4 + 9 = 13: 3, carry 1; 2 + 5 + 1 = 8; 6 + 2 = 8.
  EXPECT_EQ(addition_scratchpad(p),
            "6 2 4 + 2 5 9 , C 0 ; 6 2 + 2 5 , 3 C 1 ; 6 + 2 , 8 3 C 0 ; + , 8 8 3 C 0 -> 8 8 3");
  EXPECT_EQ(addition_answer(p), "-> 8 8 3");
  EXPECT_EQ(addition_hint(p), "6 2 4 + 2 5 9 ? 8 8 3 :");
}

TEST(Addition, CarriesOutAndUnequalLengths) {
  EXPECT_EQ(addition_scratchpad(make_addition(9, 8)), "9 + 8 , C 0 ; + , 7 C 1 -> 1 7");
  EXPECT_EQ(addition_scratchpad(make_addition(0, 0)), "0 + 0 , C 0 ; + , 0 C 0 -> 0");
  EXPECT_EQ(addition_scratchpad(make_addition(95, 7)), "9 5 + 0 7 , C 0 ; 9 + 0 , 2 C 1 ; + , 0 2 C 1 -> 1 0 2");
}

TEST(Addition, EveryProblemVerifiesItself) {
  Rng rng(4);
  for (int64_t digits = 1; digits <= kMostDigits; ++digits) {
    for (const auto& p :
         draw_additions(AdditionSplit::train, digits, 20, rng.fork("d", {static_cast<uint64_t>(digits)}))) {
      EXPECT_EQ(verify_addition(p, addition_scratchpad(p)).reward, 1) << p.id;
      EXPECT_EQ(verify_addition(p, addition_answer(p)).reward, 1) << p.id;
      EXPECT_TRUE(valid_scratchpad(p, addition_scratchpad(p)));
      EXPECT_FALSE(valid_scratchpad(p, addition_answer(p)));
      EXPECT_EQ(std::to_string(p.numbers[0]).size(), static_cast<std::size_t>(digits));
      EXPECT_EQ(std::to_string(p.numbers[1]).size(), static_cast<std::size_t>(digits));
    }
  }
}

TEST(Addition, WrongAndOddAnswers) {
  const auto p = make_addition(12, 34);
  for (const char* wrong :
       {"", "4 6", "-> 4 7", "-> 46", "-> 4 6 6", "-> 4 6 -> 4 7", "->", "-> 4  6", "4 6 ->", "-> 0 4 6", "\xff->"})
    EXPECT_EQ(verify_addition(p, wrong).reward, 0) << wrong;
  // Right for a wrong reason: the verifier pays, and the check of the scratchpad sees it.
  const char* lucky = "1 2 + 3 4 , C 0 ; 1 + 3 , 9 C 0 -> 4 6";
  EXPECT_EQ(verify_addition(p, lucky).reward, 1);
  EXPECT_FALSE(valid_scratchpad(p, lucky));
}

TEST(Addition, SplitsShareNoPairInAnyOrder) {
  std::set<std::pair<int64_t, int64_t>> train;
  for (int64_t digits = 1; digits <= 2; ++digits) {
    for (const auto& p : draw_additions(AdditionSplit::train, digits, 4000, Rng(1))) {
      train.insert({p.numbers[0], p.numbers[1]});
      train.insert({p.numbers[1], p.numbers[0]});
    }
  }
  for (int64_t digits = 1; digits <= 2; ++digits)
    for (const auto& p : draw_additions(AdditionSplit::held_out, digits, 500, Rng(2)))
      EXPECT_FALSE(train.contains({p.numbers[0], p.numbers[1]})) << p.id;
}

TEST(Addition, DrawingIsDeterministicAndChecked) {
  const auto ids = [](uint64_t seed) {
    std::string all;
    for (const auto& p : draw_additions(AdditionSplit::train, 4, 20, Rng(seed))) all += p.id;
    return all;
  };
  EXPECT_EQ(ids(1), ids(1));
  EXPECT_NE(ids(1), ids(2));
  EXPECT_THROW(draw_additions(AdditionSplit::train, 0, 1, Rng(1)), Error);
  EXPECT_THROW(draw_additions(AdditionSplit::train, kMostDigits + 1, 1, Rng(1)), Error);
  EXPECT_THROW(draw_additions(AdditionSplit::train, 1, -1, Rng(1)), Error);
  EXPECT_THROW(make_addition(-1, 2), Error);
  EXPECT_THROW(addition_scratchpad(Problem{}), Error);
}

TEST(Addition, EveryWordIsInTheVocabulary) {
  const auto words = addition_words();
  const std::set<std::string> known(words.begin(), words.end());
  EXPECT_EQ(known.size(), words.size());
  const auto p = make_addition(90817263, 45);
  for (const auto& text : {p.prompt, addition_scratchpad(p), addition_hint(p)}) {
    std::istringstream parts(text);
    for (std::string word; parts >> word;) EXPECT_TRUE(known.contains(word)) << word;
  }
}

}  // namespace
}  // namespace hone::tasks
