#include "hone/tasks/helpful.h"

#include "hone/base/error.h"
#include "hone/text/tokenizer.h"

#include <gtest/gtest.h>

#include <set>

namespace hone::tasks {
namespace {

// apples beans bread butter candles
Problem first_five() {
  const std::vector<int64_t> items = {0, 1, 2, 3, 4};
  return make_helpful(items);
}

double gold(std::string_view response, text::Finish finish = text::Finish::stop) {
  return helpful_reward(helpful_parts(first_five(), response, finish));
}

TEST(Helpful, ByHand) {
  const auto p = first_five();
  EXPECT_EQ(p.id, "helpful:0,1,2,3,4");
  EXPECT_EQ(p.prompt, "please apples beans bread butter candles :");
  EXPECT_EQ(p.answer, "apples , beans , bread , butter , candles");
  EXPECT_DOUBLE_EQ(gold(p.answer), 5.5);                              // 5 + 0.5
  EXPECT_DOUBLE_EQ(gold("candles , apples"), 2.5);                    // any order: 2 + 0.5
  EXPECT_DOUBLE_EQ(gold("apples , tea"), 1.0);                        // 1 − 0.5 + 0.5
  EXPECT_DOUBLE_EQ(gold("apples , apples , apples"), 1 - 0.6 + 0.5);  // once, and twice repeated
  EXPECT_DOUBLE_EQ(gold("tea , tea"), -0.5 - 0.3 + 0.5);
}

TEST(Helpful, EndingAndLength) {
  EXPECT_DOUBLE_EQ(gold("apples ,"), 1.0);
  EXPECT_DOUBLE_EQ(gold("apples", text::Finish::length), 1.0);
  EXPECT_DOUBLE_EQ(gold("apples"), 1.5);
  EXPECT_DOUBLE_EQ(gold(""), 0);
  EXPECT_DOUBLE_EQ(gold("   "), 0);
  EXPECT_DOUBLE_EQ(gold(", , ,"), 0);
  // 13 words with 7 items, of which one is not requested and one is repeated: one word too many.
  const std::string long_one = "apples , beans , bread , butter , candles , tea , apples";
  EXPECT_EQ(helpful_parts(first_five(), long_one, text::Finish::stop).words, 13);
  EXPECT_NEAR(gold(long_one), 5 - 0.5 - 0.3 - 0.02 + 0.5, 1e-12);
}

TEST(Helpful, AnyTextIsAResponse) {
  const auto parts = helpful_parts(first_five(), "please Apples :\xff apples apples\ttea", text::Finish::stop);
  EXPECT_EQ(parts.requested, 1);
  EXPECT_EQ(parts.unrequested, 0) << "a tab does not part words";
  EXPECT_EQ(parts.words, 5);
  EXPECT_EQ(parts.ended, 0);
}

TEST(Helpful, RequestsAreOfFiveDifferentItems) {
  for (const std::vector<int64_t>& items : std::vector<std::vector<int64_t>>{
           {}, {0, 1, 2, 3}, {0, 1, 2, 3, 3}, {0, 1, 2, 3, 40}, {-1, 1, 2, 3, 4}, {0, 1, 2, 3, 4, 5}})
    EXPECT_THROW(make_helpful(items), Error);
  EXPECT_THROW(draw_helpful(HelpfulSplit::train, -1, Rng(1)), Error);
}

TEST(Helpful, HeldOutSetsOccurNowhereElseInAnyOrder) {
  std::set<std::set<int64_t>> held_out;
  for (const auto& p : draw_helpful(HelpfulSplit::held_out, 2000, Rng(1)))
    held_out.insert({p.numbers.begin(), p.numbers.end()});
  std::set<int64_t> firsts;
  for (const auto& p : draw_helpful(HelpfulSplit::train, 20000, Rng(2))) {
    EXPECT_FALSE(held_out.contains({p.numbers.begin(), p.numbers.end()})) << p.id;
    firsts.insert(p.numbers[0]);
  }
  EXPECT_EQ(firsts.size(), static_cast<std::size_t>(kHelpfulItems)) << "the order is random";
  EXPECT_EQ(draw_helpful(HelpfulSplit::train, 3, Rng(2))[2].id, draw_helpful(HelpfulSplit::train, 3, Rng(2))[2].id);
}

// Means over many responses: requested, unrequested and repeated items, and how many ended.
std::vector<double> means_of(const AnnotatorOptions& options) {
  std::vector<double> means(4);
  const auto problems = draw_helpful(HelpfulSplit::train, 4000, Rng(3));
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const auto text = annotated(problems[i], options, Rng(4).fork("a", {i}));
    const auto p = helpful_parts(problems[i], text, text::Finish::stop);
    EXPECT_LE(p.words, 16);
    const int64_t counts[] = {p.requested, p.unrequested, p.repeated, p.ended};
    for (std::size_t k = 0; k < 4; ++k) means[k] += static_cast<double>(counts[k]) / 4000;
  }
  return means;
}

TEST(Helpful, TheAnnotatorIsAsCarelessAsAsked) {
  const auto usual = means_of({});
  EXPECT_NEAR(usual[0], 5 * 0.6, 0.25) << "about 60 % of the items";
  EXPECT_GT(usual[1], 1);
  EXPECT_GT(usual[2], 0.1);
  EXPECT_NEAR(usual[3], 0.9, 0.02);
  EXPECT_GT(means_of({.care = 0.9})[0], usual[0] + 0.5);
  EXPECT_LT(means_of({.repeat = 0})[2], usual[2] - 0.1) << "an unrequested item may still come twice";
}

// Nothing but requested items: k of them with the chances of stopping after 1, 2, … of 5, 10, 25, 50 %.
TEST(Helpful, ACarefulAnnotatorStopsTheMoreReadilyTheMoreIsMet) {
  const AnnotatorOptions careful{.care = 1, .spread = 0, .repeat = 0, .unfinished = 0};
  std::vector<double> share(6);
  for (uint64_t i = 0; i < 4000; ++i) {
    const auto parts =
        helpful_parts(first_five(), annotated(first_five(), careful, Rng(5).fork("a", {i})), text::Finish::stop);
    share[static_cast<std::size_t>(parts.requested)] += 1.0 / 4000;
  }
  EXPECT_NEAR(share[1], 0.05, 0.02);
  EXPECT_NEAR(share[2], 0.95 * 0.1, 0.02);
  EXPECT_NEAR(share[3], 0.95 * 0.9 * 0.25, 0.03);
  EXPECT_NEAR(share[4], 0.95 * 0.9 * 0.75 * 0.5, 0.03);
  const auto parts =
      helpful_parts(first_five(), annotated(first_five(), {.care = 0, .spread = 0}, Rng(1)), text::Finish::stop);
  EXPECT_EQ(parts.requested, 0);
}

TEST(Helpful, TheVocabularyHasEveryWord) {
  const auto tokenizer = text::Tokenizer::symbols(text::standard_specials(), helpful_words());
  EXPECT_EQ(helpful_words().size(), static_cast<std::size_t>(kHelpfulItems) + 3);
  const auto text = annotated(first_five(), {.repeat = 0.5, .unfinished = 1}, Rng(7));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(first_five().prompt + " " + text)), first_five().prompt + " " + text);
}

TEST(Helpful, TheCoinFollowsTheDifference) {
  EXPECT_DOUBLE_EQ(chosen_probability(1, 1), 0.5);
  EXPECT_NEAR(chosen_probability(2, 1), 0.7310585786, 1e-9);
  EXPECT_NEAR(chosen_probability(1, 2) + chosen_probability(2, 1), 1, 1e-12);
  EXPECT_DOUBLE_EQ(chosen_probability(-1000, 1000), 0);
}

}  // namespace
}  // namespace hone::tasks
