#include "hone/text/pipeline/pre_tokenizers.h"

#include "hone/text/pipeline/unicode.h"
#include "hone/text/utf8.h"

#include <gtest/gtest.h>

namespace hone::text::pipeline {
namespace {

// Pieces with a bar between them.
std::string cut(const std::vector<PreTokenizer>& steps, std::string_view text) {
  std::string out;
  pre_tokenize(steps, {text, true}, [&](Piece piece) {
    if (!out.empty()) out += '|';
    out += piece.text;
  });
  return out;
}

TEST(PreTokenizers, DelimitersGoWhereTheyBelong) {
  const auto split = [](Delimiters delimiters, std::string_view text) {
    return cut({SplitPattern{Pattern::literal("-", "t"), delimiters, false}}, text);
  };
  EXPECT_EQ(split(Delimiters::removed, "a--b-"), "a|b");
  EXPECT_EQ(split(Delimiters::isolated, "a--b-"), "a|-|-|b|-");
  EXPECT_EQ(split(Delimiters::merged_with_previous, "a--b-"), "a-|-|b-");
  EXPECT_EQ(split(Delimiters::merged_with_next, "a--b-"), "a|-|-b|-");
  EXPECT_EQ(split(Delimiters::contiguous, "a--b-"), "a|--|b|-");
  EXPECT_EQ(cut({SplitPattern{Pattern::regex("[a-z]+", "t"), Delimiters::removed, true}}, "ab 1 c"), "ab|c");
}

TEST(PreTokenizers, Each) {
  EXPECT_EQ(cut({SplitPoints{&is_white_space, Delimiters::removed}}, " a\u3000b "), "a|b");
  EXPECT_EQ(cut({SplitPoints{&is_punctuation, Delimiters::isolated}}, "a,b。"), "a|,|b|。");
  EXPECT_EQ(cut({SplitPoints{&is_numeric, Delimiters::contiguous}}, "a12½b"), "a|12½|b");
  EXPECT_EQ(cut({SplitChar{U'x'}}, "axbx"), "a|b");
  EXPECT_EQ(cut({WordsAndSymbols{}}, " Hey, you_1!? é\u0301"), "Hey|,|you_1|!?|é\u0301");
  EXPECT_EQ(cut({FixedLength{2}}, "aé한x!"), "aé|한x|!");
  EXPECT_EQ(cut({ByteLevel{}}, "hi é"), "Ġhi|ĠÃ©");
  EXPECT_EQ(cut({ByteLevel{false, false, true}}, "a b"), "aĠb");
  EXPECT_EQ(cut({ByteLevel{false, true, false}}, "a b"), "a| b");
  EXPECT_EQ(cut({}, "a b"), "a b");
  EXPECT_EQ(cut({ByteLevel{}}, ""), "");
}

TEST(PreTokenizers, MetaspacePrependsWhereItIsAsked) {
  using Prepend = Metaspace::Prepend;
  EXPECT_EQ(cut({Metaspace{}}, "a  b"), "▁a|▁|▁b");
  EXPECT_EQ(cut({Metaspace{}}, " a"), "▁a");
  EXPECT_EQ(cut({Metaspace{"▁", Prepend::never, true}}, "a b"), "a|▁b");
  EXPECT_EQ(cut({Metaspace{"▁", Prepend::always, false}}, "a b"), "▁a▁b");
  const PreTokenizer words = SplitPoints{&is_white_space, Delimiters::removed};
  EXPECT_EQ(cut({words, Metaspace{"▁", Prepend::first, true}}, "a b"), "▁a|b");
  EXPECT_EQ(cut({words, Metaspace{"▁", Prepend::first, true}}, " a b"), "a|b");
  EXPECT_EQ(cut({words, Metaspace{}}, "a b"), "▁a|▁b");
}

}  // namespace
}  // namespace hone::text::pipeline
