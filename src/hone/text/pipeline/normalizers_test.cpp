#include "hone/text/pipeline/normalizers.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

std::string run(const Normalizer& step, std::string_view text) { return normalized({step}, text).text; }

TEST(Normalizers, Each) {
  EXPECT_EQ(run(BertNormalizer{}, "Naïve\t你\u200Bx\uFFFD"), "naive  你 x");
  EXPECT_EQ(run(BertNormalizer{true, false, false, false}, "É\n你"), "É 你");
  EXPECT_EQ(run(StripEnds{}, " \u3000a b\n"), "a b");
  EXPECT_EQ(run(StripEnds{true, false}, " a "), "a ");
  EXPECT_EQ(run(StripEnds{false, true}, " a "), " a");
  EXPECT_EQ(run(StripEnds{}, "  "), "");
  EXPECT_EQ(run(StripAccents{}, "e\u0301\u0903x"), "ex");
  EXPECT_EQ(run(ToForm{NormalForm::nfkc}, "ﬁ"), "fi");
  EXPECT_EQ(run(Lowercase{}, "ÀB"), "àb");
  EXPECT_EQ(run(Nmt{}, "a\x01\tb\u200B▁c"), "a b  c");
  EXPECT_EQ(run(ReplaceAll{Pattern::literal(" ", "t"), "▁"}, " a b"), "▁a▁b");
  EXPECT_EQ(run(ReplaceAll{Pattern::regex(" {2,}", "t"), " "}, "a   b c"), "a b c");
  EXPECT_EQ(run(Prepend{"▁"}, "a"), "▁a");
  EXPECT_EQ(run(Prepend{"▁"}, ""), "");
  EXPECT_EQ(run(ToByteSymbols{}, " é"), "ĠÃ©");
}

TEST(Normalizers, InOrder) {
  EXPECT_EQ(normalized({Prepend{"x"}, Lowercase{}, Prepend{"Y"}}, "A").text, "Yxa");
  EXPECT_EQ(normalized({}, "A").text, "A");
}

TEST(Normalizers, KnowWhetherTheBeginningIsThere) {
  EXPECT_TRUE(normalized({Prepend{"x"}}, "a").at_start);
  EXPECT_FALSE(normalized({StripEnds{}}, " a").at_start);
  EXPECT_TRUE(normalized({StripEnds{}}, "a ").at_start);
  EXPECT_FALSE(normalized({BertNormalizer{}}, "\u200Ba").at_start);
}

TEST(Normalizers, BlowUpsAreRefused) {
  std::vector<Normalizer> steps;
  for (int i = 0; i < 40; ++i) steps.push_back(ReplaceAll{Pattern::literal("a", "t"), "aa"});
  EXPECT_TRUE(says(error_of([&] { normalized(steps, "a"); }), "data: replacing \"a\" makes a text of over"));
}

}  // namespace
}  // namespace hone::text::pipeline
