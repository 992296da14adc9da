#include "hone/text/utf8.h"

#include <gtest/gtest.h>

namespace hone::text {
namespace {

TEST(Utf8, EveryCodePointComesBack) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const std::string text = to_utf8(c);
    const CodePoint point = first_code_point(text);
    ASSERT_TRUE(point.valid);
    ASSERT_EQ(point.value, c);
    ASSERT_EQ(static_cast<std::size_t>(point.bytes), text.size());
  }
}

TEST(Utf8, RefusesWhatTheStandardRefuses) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("3 × 4 ≠ 𝟛"));
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
                          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xFE"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
}

// The table of Unicode 15, section 3.9 (U+FFFD substitution of maximal subparts).
TEST(Utf8, ReplacesMaximalSubparts) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(repair_utf8("a\xF1\x80\x80\xE1\x80\xC2"
                        "b\x80"
                        "c\x80\xBF"
                        "d"),
            "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(repair_utf8("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(repair_utf8("\xF0\x9F\x98"), r);
  EXPECT_EQ(repair_utf8("\xE4\xBD\xA0"), "你");
  EXPECT_EQ(repair_utf8(""), "");
}

TEST(Utf8, WhiteSpaceTrimAndQuote) {
  EXPECT_TRUE(is_white_space(' ') && is_white_space(0xA0) && is_white_space(0x3000) && is_white_space('\n'));
  EXPECT_FALSE(is_white_space('a') || is_white_space(0x200B) || is_white_space(0));
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(quote("a\"\n"), "\"a\\\"\\n\"");
  EXPECT_LT(quote(std::string(1000, 'x')).size(), 70u);
}

}  // namespace
}  // namespace hone::text
