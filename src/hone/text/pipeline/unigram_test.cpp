#include "hone/text/pipeline/unigram.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

using Ids = std::vector<int32_t>;

struct Small {
  Vocab vocab;
  Unigram model;
  void add(const std::string& piece, double score) {
    const int32_t id = vocab.size();
    vocab.add(id, piece, Vocab::Findable::yes);
    model.scores.push_back(score);
    model.lowest = std::min(model.lowest, score);
    model.pieces.add(piece, id);
  }
  Ids encode(std::string_view text) const {
    UnigramScratch scratch;
    Ids out;
    pipeline::encode(model, vocab, text, scratch, out);
    return out;
  }
};

TEST(Unigram, TheBestSumWins) {
  Small s;
  s.add("<unk>", 0);
  s.add("a", -1);
  s.add("b", -2);
  s.add("ab", -2.5);  // better than a + b = -3
  s.add("ba", -3.5);  // worse than b + a = -3
  s.model.unk = 0;
  EXPECT_EQ(s.encode("abba"), (Ids{3, 2, 1}));
  EXPECT_EQ(s.encode(""), Ids{});
  // Unknown code points cost lowest - 10 each and become one.
  EXPECT_EQ(s.encode("axyb"), (Ids{1, 0, 2}));
}

TEST(Unigram, TheFirstOfEqualsStays) {
  Small s;
  s.add("aa", -2);
  s.add("a", -1);
  EXPECT_EQ(s.encode("aa"), Ids{0});  // "aa" reaches the end first, a + a is not better
}

TEST(Unigram, BytesForTheUnknown) {
  Small s;
  s.add("<unk>", 0);
  s.model.unk = 0;
  s.model.byte_fallback = true;
  for (int byte = 0; byte < 256; ++byte) s.model.bytes[static_cast<std::size_t>(byte)] = 1000 + byte;
  EXPECT_EQ(s.encode("é"), (Ids{1000 + 0xC3, 1000 + 0xA9}));
  s.model.bytes[0xA9] = -1;
  EXPECT_EQ(s.encode("é"), Ids{0});
  s.model.unk = -1;
  EXPECT_TRUE(says(error_of([&] { s.encode("é"); }), "data: \"é\" has no piece"));
}

TEST(Unigram, AMegabyteWithoutASpace) {
  Small s;
  s.add("a", -1);
  s.add("aaaa", -2);
  EXPECT_EQ(s.encode(std::string(1'000'000, 'a')).size(), 250'000u);
}

}  // namespace
}  // namespace hone::text::pipeline
