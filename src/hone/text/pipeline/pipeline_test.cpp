#include "hone/text/pipeline/pipeline.h"

#include <gtest/gtest.h>

namespace hone::text::pipeline {
namespace {

using Ids = std::vector<int32_t>;
using Specials = AddedMatcher::Specials;

// Words "a" and "b", "<s>" looked for in the text and "B" in the normalized text.
Pipeline small() {
  Pipeline p;
  p.vocab.add(0, "a", Vocab::Findable::yes);
  p.vocab.add(1, "b", Vocab::Findable::yes);
  p.vocab.add(2, "<s>", Vocab::Findable::no);
  p.vocab.add(3, "\xEF\xBF\xBD", Vocab::Findable::yes);
  p.model = WordLevel{9, "?"};
  p.pre_tokenizers = {SplitChar{U' '}};
  p.decoders = {JoinWithSpaces{}};
  AddedToken special;
  special.id = 2;
  special.special = true;
  p.raw_tokens.add(special, "<s>", "t");
  AddedToken loud;
  loud.id = 7;
  p.normalized_tokens.add(loud, "loud", "t");
  p.normalizers = {Lowercase{}};
  return p;
}

TEST(Pipeline, RunsItsParts) {
  const Pipeline p = small();
  EXPECT_EQ(encode(p, "A b<s>LOUD b", Specials::find), (Ids{0, 1, 2, 7, 1}));
  EXPECT_EQ(encode(p, "a <s>", Specials::skip), (Ids{0, 9}));
  EXPECT_EQ(encode(p, "", Specials::find), Ids{});
  EXPECT_EQ(encode(p, "a \xFF", Specials::find), (Ids{0, 3}));
}

TEST(Pipeline, ManyWordsThroughTheCache) {
  const Pipeline p = small();
  std::string text;
  Ids expected;
  for (int i = 0; i < 50'000; ++i) {
    text += i % 3 == 0 ? "a " : i % 3 == 1 ? "b " : "w" + std::to_string(i) + " ";
    expected.push_back(i % 3 == 2 ? 9 : i % 3);
  }
  EXPECT_EQ(encode(p, text, Specials::find), expected);
}

TEST(Pipeline, DecodedTokens) {
  Pipeline p = small();
  p.decoded_as[2] = "S";
  EXPECT_EQ(decoded_token(p, 2), "S");
  EXPECT_EQ(decoded_token(p, 0), "a");
}

}  // namespace
}  // namespace hone::text::pipeline
