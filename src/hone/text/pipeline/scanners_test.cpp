// The scanners against the regular expressions that they stand for.
#include "hone/text/pipeline/scanners.h"

#include "hone/base/rng.h"
#include "hone/text/pipeline/regex.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace hone::text::pipeline {
namespace {

constexpr std::array kAll = {KnownPattern::gpt2, KnownPattern::llama3, KnownPattern::qwen2};

void expect_as_regex(KnownPattern pattern, const std::string& text) {
  const Regex regex(pattern_text(pattern), "test");
  const RegexSearch search(regex);
  for (std::size_t at = 0; at < text.size();) {
    const auto match = search.find(text, at);
    ASSERT_TRUE(match.has_value());
    ASSERT_EQ(match->begin, at);
    ASSERT_EQ(scan(pattern, text, at), match->end - at) << text << " at " << at;
    at = match->end;
  }
}

TEST(Scanners, KnowTheirPatterns) {
  for (const KnownPattern pattern : kAll) EXPECT_EQ(known_pattern(pattern_text(pattern)), pattern);
  EXPECT_FALSE(known_pattern(R"(\p{L}+)"));
}

TEST(Scanners, EqualTheRegexOnRandomText) {
  const std::array<std::string, 40> parts = {
      "a",  "b",      "Z",      "é",      "한", "字", "1",      "23", "½",  "Ⅻ",   "٣",      " ",     "  ", "\t",
      "\n", "\r\n",   "\u00A0", "\u3000", ".",  ",",  "'s",     "'",  "'T", "'lL", "'re",    "'v",    "'ſ", "!",
      "😀",  "\u0301", "\u200D", "_",      "-",  "\r", "\u2028", "ſ",  "'d", "$",   "\u0085", "\u180E"};
  Rng rng(5);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (uint64_t i = 1 + rng.below(14); i > 0; --i) text += parts[rng.below(parts.size())];
    for (const KnownPattern pattern : kAll) expect_as_regex(pattern, text);
  }
}

TEST(Scanners, AMegabyteOfOneThingIsScannedAtOnce) {
  for (const std::string part : {"a", " ", "\n", "1", "!", " \n", "'"}) {
    std::string text;
    while (text.size() < 1'000'000) text += part;
    text += "x";
    for (const KnownPattern pattern : kAll) {
      std::size_t at = 0;
      while (at < text.size()) at += scan(pattern, text, at);
      EXPECT_EQ(at, text.size());
    }
  }
}

}  // namespace
}  // namespace hone::text::pipeline
