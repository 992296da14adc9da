#include "hone/text/pipeline/sentence_piece.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

std::string run(const SentencePieceNormalizer& by, std::string_view text) { return normalize(by, text, 1000); }

TEST(SentencePieceNormalizer, SpacesAndTheirPlaces) {
  EXPECT_EQ(run({}, "  a  b "), "▁a▁b");
  EXPECT_EQ(run({}, "   "), "");
  EXPECT_EQ(run({}, ""), "");
  SentencePieceNormalizer exact;
  exact.remove_extra_whitespaces = false;
  EXPECT_EQ(run(exact, " a  b "), "▁▁a▁▁b▁");
  exact.add_dummy_prefix = false;
  exact.escape_whitespaces = false;
  EXPECT_EQ(run(exact, " a  b "), " a  b ");
}

TEST(SentencePieceNormalizer, KeptPiecesAreCopied) {
  SentencePieceNormalizer by;
  by.kept.add("a  b", 0);
  EXPECT_EQ(run(by, "x a  b  y"), "▁x▁a▁▁b▁y");
}

TEST(SentencePieceNormalizer, BlowUpsAreRefused) {
  EXPECT_TRUE(says(error_of([] { normalize({}, "a b c d", 5); }), "data: "));
}

}  // namespace
}  // namespace hone::text::pipeline
