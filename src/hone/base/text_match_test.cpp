#include "hone/base/text_match.h"

#include <gtest/gtest.h>

namespace hone::base {
namespace {

using Names = std::vector<std::string>;

TEST(EditDistance, CountsInsertionsDeletionsChangesAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("hihg", "high"), 1);
  EXPECT_EQ(edit_distance("leraning_rate", "learning_rate"), 1);
  EXPECT_EQ(edit_distance("ca", "abc"), 3);  // optimal string alignment: a swapped pair is not edited again
}

TEST(EditDistance, IsSymmetricAndCutsLongInputs) {
  for (const std::string a : {"abcd", "badc", "", "aaaa", "dcba"}) {
    for (const std::string b : {"abcd", "badc", "x", "aaab"}) EXPECT_EQ(edit_distance(a, b), edit_distance(b, a));
  }
  EXPECT_EQ(edit_distance(std::string(1000, 'a'), std::string(64, 'a')), 0);
  EXPECT_EQ(edit_distance(std::string(1000, 'a'), std::string(1000, 'b')), 64);
}

TEST(Nearest, TakesTheFirstOfTheNearestOrNone) {
  const Names names = {"learning_rate", "steps", "seed", "clip"};
  EXPECT_EQ(nearest("leraning_rate", names), "learning_rate");
  EXPECT_EQ(nearest("step", names), "steps");
  EXPECT_EQ(nearest("temperature", names), "");
  EXPECT_EQ(nearest("bat", Names{"cat", "hat"}), "cat");
  EXPECT_EQ(nearest("lr", Names{"kl", "low"}), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest("x", Names{}), "");
  EXPECT_EQ(nearest("grpo", Names{"grpo"}), "grpo");
}

TEST(Suggestion, NamesTheNearestOrListsWhatIsKnown) {
  EXPECT_EQ(suggestion("gpro", Names{"sft", "grpo"}), "; did you mean \"grpo\"?");
  EXPECT_EQ(suggestion("quantum", Names{"sft", "grpo"}), "; known: sft, grpo");
  EXPECT_EQ(suggestion("x", Names{}), "");
  Names many;
  for (int i = 0; i < 13; ++i) many.push_back("name" + std::to_string(100 + i));
  EXPECT_EQ(suggestion("q", many).substr(0, 25), "; known: name100, name101");
  EXPECT_TRUE(suggestion("q", many).ends_with(", name111, …"));
}

}  // namespace
}  // namespace hone::base
