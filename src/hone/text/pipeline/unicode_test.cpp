#include "hone/text/pipeline/unicode.h"

#include <gtest/gtest.h>

namespace hone::text::pipeline {
namespace {

TEST(Unicode, Classes) {
  EXPECT_EQ(class_of('a'), Class::letter);
  EXPECT_EQ(class_of(U'한'), Class::letter);
  EXPECT_EQ(class_of(U'Ⅻ'), Class::number);
  EXPECT_EQ(class_of(U'½'), Class::number);
  EXPECT_EQ(class_of(U'\u3000'), Class::space);
  EXPECT_EQ(class_of(U'\u0085'), Class::space);
  EXPECT_EQ(class_of(U'\u180E'), Class::other);
  EXPECT_EQ(class_of(U'\u0301'), Class::other);
  EXPECT_EQ(class_of(0), Class::other);
}

TEST(Unicode, PunctuationWordsAndOthers) {
  for (const char c : std::string_view("!$+<=>^`|~\\")) EXPECT_TRUE(is_punctuation(static_cast<char32_t>(c))) << c;
  EXPECT_TRUE(is_punctuation(U'。') && is_punctuation(U'’'));
  EXPECT_FALSE(is_punctuation(U'a') || is_punctuation(U' ') || is_punctuation(U'©') || is_punctuation(0x7F));
  EXPECT_TRUE(is_word(U'_') && is_word(U'\u0301') && is_word(U'٣') && is_word(U'\u200D') && is_word(U'Ⓐ'));
  EXPECT_FALSE(is_word(U'-') || is_word(U'½') || is_word(U'😀'));
  EXPECT_TRUE(is_other(U'\u200B') && is_other(U'\uE000') && is_other(1));
  EXPECT_FALSE(is_other(U'\u0378') || is_other(U'a'));
}

TEST(Unicode, NormalForms) {
  EXPECT_EQ(normalize("e\u0301", NormalForm::nfc), "é");
  EXPECT_EQ(normalize("é", NormalForm::nfd), "e\u0301");
  EXPECT_EQ(normalize("ﬁ①", NormalForm::nfkc), "fi1");
  EXPECT_EQ(normalize("ﬁ①", NormalForm::nfc), "ﬁ①");
  EXPECT_EQ(normalize("\u1112\u1161\u11AB", NormalForm::nfc), "한");
  EXPECT_EQ(normalize("한", NormalForm::nfd), "\u1112\u1161\u11AB");
  // Marks below sort before marks above.
  EXPECT_EQ(normalize("q\u0307\u0323", NormalForm::nfd), "q\u0323\u0307");
  EXPECT_EQ(normalize("plain", NormalForm::nfkd), "plain");
}

// A bubble sort of the marks would take minutes.
TEST(Unicode, AMillionMarksAreSorted) {
  std::string marks = "a";
  for (int i = 0; i < 250'000; ++i) marks += "\u0301\u0323";
  const std::string sorted = normalize(marks, NormalForm::nfd);
  EXPECT_EQ(sorted.size(), marks.size());
  EXPECT_EQ(sorted.substr(0, 5), "a\u0323\u0323");
}

TEST(Unicode, LowerCase) {
  const auto lower = [](char32_t c) {
    std::string out;
    append_lower(c, out);
    return out;
  };
  EXPECT_EQ(lower('A'), "a");
  EXPECT_EQ(lower('['), "[");
  EXPECT_EQ(lower(U'İ'), "i\u0307");
  EXPECT_EQ(lower(U'Σ'), "σ");
  EXPECT_EQ(lower(U'ẞ'), "ß");
}

TEST(Unicode, Clusters) {
  EXPECT_EQ(cluster_bytes("ab"), 1u);
  EXPECT_EQ(cluster_bytes("e\u0301x"), 3u);
  EXPECT_EQ(cluster_bytes("\r\nx"), 2u);
  const std::string family = "👩‍👩‍👧‍👦";
  EXPECT_EQ(cluster_bytes(family + "x"), family.size());
}

}  // namespace
}  // namespace hone::text::pipeline
