#include "hone/data/pair_rows.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::data {
namespace {

using text::error_of;

const text::Tokenizer& words() {
  static const text::Tokenizer kTokenizer = [] {
    const std::vector<std::string> list = {"a", "b", "c", "d", "e"};
    return text::Tokenizer::symbols(text::standard_specials(), list);
  }();
  return kTokenizer;
}

PairSet pairs_of(std::string_view content, int64_t most = 100, TooLong cut = TooLong::refuse) {
  return tokenize_pairs(parse_pair_rows(content, "p.jsonl"), words(), most, cut);
}

std::string refusal(std::string_view content) {
  return error_of([&] { parse_pair_rows(content, "p.jsonl"); });
}

testing::AssertionResult says(const std::string& message, std::initializer_list<std::string_view> parts) {
  for (const auto part : parts)
    if (const auto found = text::says(message, part); !found) return found;
  return testing::AssertionSuccess();
}

// Tokens as text, those with loss between brackets.
std::string shown(const Example& example) {
  std::string text;
  for (std::size_t i = 0; i < example.ids.size(); ++i) {
    const std::string& token = words().token(example.ids[i]);
    text += example.loss_mask[i] != 0 ? "[" + token + "]" : token;
  }
  return text;
}

std::string shown(const PairSet& set, std::size_t i = 0) {
  return shown(set.pairs[i].chosen) + " over " + shown(set.pairs[i].rejected);
}

TEST(PairRows, TextsFollowTheirPrompt) {
  EXPECT_EQ(shown(pairs_of(R"({"prompt": "a b", "chosen": "c", "rejected": "d e", "score": 3})")),
            "<bos>ab[c][<end>] over <bos>ab[d][e][<end>]");
  EXPECT_EQ(shown(pairs_of(R"({"prompt": "a", "chosen": "", "rejected": "b"})")),
            "<bos>a[<end>] over <bos>a[b][<end>]");
  EXPECT_EQ(shown(pairs_of(R"({"prompt": "", "chosen": "a", "rejected": ""})")), "<bos>[a][<end>] over <bos>[<end>]");
}

TEST(PairRows, Conversations) {
  const std::string expected = "<bos><user>a<end><assistant>[b][<end>] over <bos><user>a<end><assistant>[c][<end>]";
  EXPECT_EQ(shown(pairs_of(R"({"prompt": [{"role": "user", "content": "a"}], )"
                           R"("chosen": [{"role": "assistant", "content": "b"}], )"
                           R"("rejected": [{"role": "assistant", "content": "c"}]})")),
            expected);
  // Without a prompt: what both begin with is it.
  EXPECT_EQ(
      shown(pairs_of(R"({"chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], )"
                     R"("rejected": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "c"}]})")),
      expected);
}

TEST(PairRows, ACommonBeginningLeavesACompletionToEachSide) {
  const auto row =
      parse_pair_rows(R"({"chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], )"
                      R"("rejected": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, )"
                      R"({"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]})",
                      "p.jsonl")[0];
  EXPECT_EQ(row.chosen.prompt_messages, 1);
  EXPECT_EQ(row.rejected.prompt_messages, 1);
}

TEST(PairRows, PromptsAreNumberedByContent) {
  const auto set = pairs_of(
      "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n{\"prompt\": \"b\", \"chosen\": \"a\", "
      "\"rejected\": \"c\"}\n{\"prompt\": \"a\", \"chosen\": \"c\", \"rejected\": \"d\"}\n");
  EXPECT_EQ(set.prompts, (std::vector<std::size_t>{0, 1, 0}));
  EXPECT_EQ(set.equal, 0);
}

TEST(PairRows, EqualSidesAreLeftOutAndCounted) {
  const std::string equal = "{\"prompt\": \"a\", \"chosen\": \"b  c\", \"rejected\": \"b c\"}\n",
                    other = "{\"prompt\": \"a\", \"chosen\": \"b c d\", \"rejected\": \"b c e\"}\n";
  const auto set = pairs_of(equal + other);
  EXPECT_EQ(set.pairs.size(), 1u);
  EXPECT_EQ(set.equal, 1);
  EXPECT_TRUE(
      says(error_of([&] { pairs_of(equal); }), {"p.jsonl:1", "no pair of two different completions", "1 rows"}));
  // <bos> a b c: what tells the two apart is cut off.
  EXPECT_TRUE(says(error_of([&] { pairs_of(other, 4, TooLong::truncate); }), {"no pair"}));
  EXPECT_EQ(shown(pairs_of(other, 5, TooLong::truncate)), "<bos>a[b][c][d] over <bos>a[b][c][e]");
  EXPECT_TRUE(says(error_of([&] { pairs_of(other, 5); }), {"p.jsonl:1", "6 tokens", "at most 5"}));
}

TEST(PairRows, AreRecognisedByTheFirst) {
  EXPECT_TRUE(are_pair_rows("\n \n{\"chosen\": \"a\"}\nnonsense"));
  for (const char* other : {"", "\n", "{\"text\": \"chosen\"}", "[\"chosen\"]", "{\"chosen\": ", "chosen"})
    EXPECT_FALSE(are_pair_rows(other)) << other;
}

TEST(PairRows, WhatIsWrongIsNamed) {
  EXPECT_TRUE(says(refusal(R"({"prompt": "a", "chosen": "b"})"), {"p.jsonl:1", "no \"rejected\""}));
  EXPECT_TRUE(says(refusal(R"({"prompt": "a", "completion": "b"})"), {"p.jsonl:1", "no \"chosen\"", "lists of"}));
  EXPECT_TRUE(says(refusal(R"({"chosen": "b", "rejected": "c"})"), {"p.jsonl:1", "different shapes"}));
  EXPECT_TRUE(says(refusal(R"({"prompt": "a", "chosen": "b", "rejected": [{"role": "assistant", "content": "c"}]})"),
                   {"different shapes"}));
  EXPECT_TRUE(says(refusal(R"({"prompt": "a", "chosen": [{"role": "assistant", "content": "b"}], )"
                           R"("rejected": [{"role": "assistant", "content": "c"}]})"),
                   {"different shapes"}));
  EXPECT_TRUE(says(refusal(R"({"prompt": "a", "chosen": 3, "rejected": "c"})"), {"p.jsonl:1", "chosen"}));
  EXPECT_TRUE(says(refusal(R"({"prompt": null, "chosen": "b", "rejected": "c"})"), {"different shapes"}));
  EXPECT_TRUE(says(refusal(R"({"chosen": [], "rejected": []})"), {"p.jsonl:1", "chosen"}));
  EXPECT_TRUE(says(refusal(R"({"chosen": [{"role": "user", "content": "a"}], )"
                           R"("rejected": [{"role": "user", "content": "b"}]})"),
                   {"\"chosen\"", "no assistant's turn"}));
  EXPECT_TRUE(
      says(refusal("{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n{\"prompt\": "), {"p.jsonl:2"}));
  EXPECT_TRUE(says(refusal(""), {"p.jsonl"}));
}

}  // namespace
}  // namespace hone::data
