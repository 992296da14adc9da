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

TEST(Helpful, TheAnnotatorIsAsCarelessAsAsked) {
  double requested = 0, unrequested = 0, repeated = 0, ended = 0;
  const auto problems = draw_helpful(HelpfulSplit::train, 4000, Rng(3));
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const auto text = annotated(problems[i], {}, Rng(4).fork("a", {i}));
    const auto parts = helpful_parts(problems[i], text, text::Finish::stop);
    requested += static_cast<double>(parts.requested);
    unrequested += static_cast<double>(parts.unrequested);
    repeated += static_cast<double>(parts.repeated);
    ended += static_cast<double>(parts.ended);
  }
  const auto count = static_cast<double>(problems.size());
  EXPECT_NEAR(requested / count, 5 * 0.6, 0.06);
  EXPECT_NEAR(unrequested / count, 5 * 0.4 * 0.75 + 2 * 0.2, 0.1);  // few of them twice
  EXPECT_NEAR(repeated / count, 0.15, 0.06);
  EXPECT_NEAR(ended / count, 0.9, 0.02);
}

// What a response begins with says how it goes on: the second half of those whose first item is right is better.
TEST(Helpful, AnnotatorsDifferInCare) {
  const auto share_of_rest = [](double spread) {
    const AnnotatorOptions options{.spread = spread, .mistaken = 1, .stray = 0, .repeat = 0, .unfinished = 0};
    double right[2] = {}, count[2] = {};
    for (uint64_t i = 0; i < 4000; ++i) {
      // One item a request, in its place: the first comma parts the first from the rest.
      const auto text = annotated(first_five(), options, Rng(9).fork("a", {i}));
      const auto comma = text.find(" ,");
      const auto first = helpful_parts(first_five(), text.substr(0, comma), text::Finish::stop).requested;
      right[first] += static_cast<double>(helpful_parts(first_five(), text, text::Finish::stop).requested - first);
      count[first] += 4;
    }
    return right[1] / count[1] - right[0] / count[0];
  };
  EXPECT_NEAR(share_of_rest(0), 0, 0.03);
  // Variance of the chance 0.8² / 12, over 0.6 · 0.4: what one item says of another's chance.
  EXPECT_NEAR(share_of_rest(0.4), 0.64 / 12 / 0.24, 0.04);
}

TEST(Helpful, ACarefulAnnotatorGivesTheBestResponse) {
  const AnnotatorOptions careful{.share = 1, .spread = 0, .mistaken = 0, .stray = 0, .repeat = 0, .unfinished = 0};
  for (const auto& p : draw_helpful(HelpfulSplit::train, 20, Rng(3)))
    EXPECT_EQ(annotated(p, careful, Rng(1)), p.answer);
  EXPECT_EQ(annotated(first_five(), {.share = 0, .spread = 0, .mistaken = 0, .stray = 0}, Rng(1)), "");
}

TEST(Helpful, TheVocabularyHasEveryWord) {
  const auto tokenizer = text::Tokenizer::symbols(text::standard_specials(), helpful_words());
  EXPECT_EQ(helpful_words().size(), static_cast<std::size_t>(kHelpfulItems) + 3);
  const auto text = annotated(first_five(), {.share = 1, .stray = 1, .repeat = 1, .unfinished = 1}, Rng(7));
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
