#include "hone/text/pipeline/regex.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

// The first match of `pattern` in `text`, or "none".
std::string first(std::string_view pattern, std::string_view text) {
  const Regex regex(pattern, "t.json");
  const auto match = RegexSearch(regex).find(text, 0);
  return match ? std::string(text.substr(match->begin, match->end - match->begin)) : "none";
}

std::string refusal(std::string_view pattern) {
  return error_of([&] { Regex(pattern, "t.json"); });
}

TEST(Regex, MatchesAsTokenizersDo) {
  EXPECT_EQ(first(R"(\p{L}+)", "1 héllo"), "héllo");
  EXPECT_EQ(first(R"(\s+)", "a\u3000\u0085b"), "\u3000\u0085");
  EXPECT_EQ(first(R"(\s)", "\u180E"), "none");
  EXPECT_EQ(first(R"([^\s\p{L}]+)", "a \u180E!"), "\u180E!");
  EXPECT_EQ(first(R"(\S+)", " ab "), "ab");
  EXPECT_EQ(first(R"(\w+)", "!e\u0301x"), "e\u0301x");
  EXPECT_EQ(first(R"(\W)", "a\u0301 "), " ");
  EXPECT_EQ(first(R"((?i:'s))", "'ſ"), "'ſ");
  EXPECT_EQ(first(R"([]a]+)", "b]a"), "]a");
  EXPECT_EQ(first(R"([[:digit:]]+)", "a12"), "12");
  EXPECT_EQ(first(R"(\s+(?!\S))", "a   b"), "  ");
  EXPECT_EQ(first("x", "abc"), "none");
}

TEST(Regex, RefusesWhatItCannotBeSureOf) {
  EXPECT_TRUE(says(refusal("(a"), "format: t.json: pattern \"(a\" is not readable"));
  EXPECT_TRUE(says(refusal("[a&&b]"), "a class in a class is not supported"));
  EXPECT_TRUE(says(refusal("[a[b]]"), "a class in a class is not supported"));
  EXPECT_TRUE(says(refusal(R"(\h)"), "is not supported"));
  EXPECT_TRUE(says(refusal(R"([\W])"), "is not supported"));
  EXPECT_TRUE(says(refusal(std::string(70'000, 'a')), "a pattern of 70000 bytes"));
  EXPECT_TRUE(says(refusal(std::string(200, '(') + std::string(200, ')')), "not readable"));
}

TEST(Regex, GivesUpInsteadOfHanging) {
  const Regex regex("(a+)+$", "t.json");
  EXPECT_TRUE(says(error_of([&] { RegexSearch(regex).find(std::string(60, 'a') + "b", 0); }), "data: pattern"));
}

}  // namespace
}  // namespace hone::text::pipeline
