#include "hone/text/pipeline/added_tokens.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

using Specials = AddedMatcher::Specials;

AddedToken token(int32_t id, bool special = true) {
  AddedToken made;
  made.id = id;
  made.special = special;
  return made;
}

std::string cut(const AddedMatcher& matcher, std::string_view text, Specials specials = Specials::find) {
  std::string out;
  matcher.split(text, specials, [&](std::string_view part, int32_t id) {
    out += id < 0 ? fmt::format("{}|", part) : fmt::format("({}={})", part, id);
  });
  return out;
}

TEST(AddedTokens, LeftmostLongest) {
  AddedMatcher m;
  m.add(token(1), "<a>", "t");
  m.add(token(2), "<a>b", "t");
  m.add(token(3, false), "word", "t");
  EXPECT_EQ(cut(m, "x<a>bword<a>"), "x|(<a>b=2)(word=3)(<a>=1)");
  EXPECT_EQ(cut(m, "x<a>bword", Specials::skip), "x<a>b|(word=3)");
  EXPECT_EQ(cut(m, ""), "");
  EXPECT_EQ(cut(AddedMatcher(), "ab"), "ab|");
}

TEST(AddedTokens, Flags) {
  AddedMatcher m;
  AddedToken left = token(1), right = token(2), word = token(3);
  left.lstrip = true;
  right.rstrip = true;
  word.single_word = true;
  m.add(left, "<l>", "t");
  m.add(right, "<r>", "t");
  m.add(word, "one", "t");
  EXPECT_EQ(cut(m, "a \u3000<l> b"), "a|( \u3000<l>=1) b|");
  EXPECT_EQ(cut(m, "a <r> \n b"), "a |(<r> \n =2)b|");
  EXPECT_EQ(cut(m, "<r> <l>"), "(<r> =2)(<l>=1)");
  EXPECT_EQ(cut(m, "one ones _one one"), "(one=3) ones _one |(one=3)");
}

TEST(AddedTokens, LongSpellingsAreRefused) {
  AddedMatcher m;
  EXPECT_TRUE(
      says(error_of([&] { m.add(token(1), std::string(2000, 'a'), "t.json"); }), "format: t.json: added token"));
  m.add(token(1), "", "t");
  EXPECT_TRUE(m.empty());
}

}  // namespace
}  // namespace hone::text::pipeline
