#include "hone/text/pipeline/pattern.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

// Matches in (), what lies between them plain.
std::string cut(const Pattern& pattern, std::string_view text) {
  std::string out;
  for_each_match(pattern, text, [&](Match m, IsMatch is) {
    const std::string part(text.substr(m.begin, m.end - m.begin));
    out += is == IsMatch::yes ? "(" + part + ")" : part + "|";
  });
  return out;
}

TEST(Pattern, TextsAndExpressions) {
  EXPECT_EQ(cut(Pattern::literal("ab", "t"), "xabab"), "x|(ab)(ab)");
  EXPECT_EQ(cut(Pattern::literal(".", "t"), "a.b"), "a|(.)b|");
  EXPECT_EQ(cut(Pattern::regex("[0-9]+", "t"), "a12b"), "a|(12)b|");
  EXPECT_EQ(cut(Pattern::regex(pattern_text(KnownPattern::gpt2), "t"), "a b"), "(a)( b)");
  EXPECT_EQ(cut(Pattern::literal("a", "t"), ""), "");
}

TEST(Pattern, EmptyMatchesGoOn) {
  EXPECT_EQ(cut(Pattern::regex("x*", "t"), "axb"), "()a|(x)b|()");
  EXPECT_EQ(cut(Pattern::regex("", "t"), "é"), "()é|()");
}

TEST(Pattern, RefusesNothing) {
  EXPECT_TRUE(says(error_of([] { Pattern::literal("", "t.json"); }), "format: t.json: an empty text"));
}

}  // namespace
}  // namespace hone::text::pipeline
