#include "hone/text/tokenizer.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hone::text {
namespace {

Tokenizer small() {
  const std::vector<std::string> words = {"0", "1", "2", "+", "=", "->", "é"};
  return Tokenizer::symbols(standard_specials(), words);
}

TEST(Symbols, CutsAtWhiteSpaceAndJoinsWithOneSpace) {
  const Tokenizer t = small();
  EXPECT_EQ(t.kind(), TokenizerKind::symbols);
  EXPECT_EQ(t.size(), 14);
  EXPECT_EQ(t.encode(" 1 +\t1\n=\u00A02 é "), (Ids{8, 10, 8, 11, 9, 13}));
  EXPECT_EQ(t.decode(t.encode("1  + 1 = 2")), "1 + 1 = 2");
  EXPECT_EQ(t.encode(""), Ids{});
  EXPECT_EQ(t.encode(" \n\u3000"), Ids{});
}

TEST(Symbols, UnknownWordIsNamedWithTheNearest) {
  EXPECT_EQ(error_of([] { small().encode("1 ++ 2"); }),
            "data: word \"++\" is not in the vocabulary of 7 words; did you mean \"+\"?");
  EXPECT_TRUE(says(error_of([] { small().encode("1 zebra"); }), "known: 0, 1, 2, +, =, ->, é"));
  EXPECT_TRUE(says(error_of([] { small().encode("\xFF"); }), "is not in the vocabulary"));
}

TEST(Symbols, SpecialTokensAreNeverMadeFromText) {
  EXPECT_TRUE(says(error_of([] { small().encode("1 <end>"); }), "word \"<end>\" is not in the vocabulary"));
  const Tokenizer t = Tokenizer::bytes(standard_specials());
  const Ids ids = t.encode("<end>");
  EXPECT_EQ(ids.size(), 5u);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), t.end()), 0);
}

TEST(Symbols, SpecialTokensInDecode) {
  const Tokenizer t = small();
  const Ids ids = {t.bos(), 8, 10, 9, t.end(), t.id("<retry>")};
  EXPECT_EQ(t.decode(ids), "1 + 2");
  EXPECT_EQ(t.decode_all(ids), "<bos> 1 + 2 <end> <retry>");
  EXPECT_TRUE(t.is_special(t.pad()) && !t.is_special(7) && !t.is_special(-1) && !t.is_special(99));
}

TEST(Symbols, RefusesBadWords) {
  const auto make = [](std::vector<std::string> words) { return Tokenizer::symbols(standard_specials(), words); };
  EXPECT_TRUE(says(error_of([&] { make({"a", "b", "a"}); }), "token \"a\" is in the vocabulary twice"));
  EXPECT_TRUE(says(error_of([&] { make({"<end>"}); }), "twice"));
  EXPECT_TRUE(says(error_of([&] { make({""}); }), "empty"));
  EXPECT_TRUE(says(error_of([&] { make({"a b"}); }), "white space"));
  EXPECT_TRUE(says(error_of([&] { make({"a\u2003"}); }), "white space"));
  EXPECT_TRUE(says(error_of([&] { make({"\xC3"}); }), "UTF-8"));
}

TEST(Bytes, EveryTextComesBack) {
  const Tokenizer t = Tokenizer::bytes(standard_specials());
  EXPECT_EQ(t.size(), 263);
  const std::string text = std::string("a \0\n", 4) + "\xC3\xA9 你 😀";
  EXPECT_EQ(t.encode(text).size(), text.size());
  EXPECT_EQ(t.decode(t.encode(text)), text);
  EXPECT_EQ(t.encode("A"), Ids{7 + 'A'});
  EXPECT_EQ(t.token(7 + 'A'), "A");
}

TEST(Bytes, WhatIsNotUtf8IsReplaced) {
  const Tokenizer t = Tokenizer::bytes(standard_specials());
  EXPECT_EQ(t.decode(t.encode("a\xFF\xE4\xBD")), "a\uFFFD\uFFFD");
  Ids ids = t.encode("\xE4\xBD");
  ids.push_back(t.end());
  EXPECT_EQ(t.decode_all(ids), "\uFFFD<end>");
  EXPECT_TRUE(says(error_of([] {
                     const std::vector<std::string> specials = {"Ġ"};
                     Tokenizer::bytes(specials);
                   }),
                   "stands for a byte"));
}

TEST(Tokenizer, IdsOutsideTheVocabularyAreErrors) {
  const Tokenizer t = small();
  for (const int32_t id : {-1, 14, 1 << 30}) {
    EXPECT_TRUE(says(error_of([&] { t.decode(Ids{id}); }), "is outside the vocabulary of 14 tokens"));
  }
  EXPECT_EQ(error_of([&] { t.id("<edn>"); }),
            "data: token \"<edn>\" is not in the vocabulary; did you mean \"<end>\"?");
  EXPECT_FALSE(t.find("3"));
}

}  // namespace
}  // namespace hone::text
