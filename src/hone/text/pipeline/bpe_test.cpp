#include "hone/text/pipeline/bpe.h"

#include "hone/base/rng.h"

#include <gtest/gtest.h>

namespace hone::text::pipeline {
namespace {

using Ids = std::vector<int32_t>;

// Tokens a b c d (0..3), then one per merge.
struct Small {
  Vocab vocab;
  Bpe bpe;
  Small() {
    for (const char* text : {"a", "b", "c", "d"}) vocab.add(vocab.size(), text, Vocab::Findable::yes);
  }
  void merge(const std::string& left, const std::string& right) {
    const int32_t made = vocab.size();
    bpe.merges.add(vocab.find(left), vocab.find(right), {static_cast<uint32_t>(bpe.merges.size()), made});
    vocab.add(made, left + right, Vocab::Findable::yes);
  }
  Ids encode(std::string_view word) const {
    BpeScratch scratch;
    Ids out;
    pipeline::encode(bpe, vocab, word, scratch, out);
    return out;
  }
};

TEST(Bpe, LowestRankFirstThenLeftmost) {
  Small s;
  s.merge("b", "c");   // 4
  s.merge("a", "b");   // 5
  s.merge("a", "bc");  // 6
  EXPECT_EQ(s.encode("abc"), Ids{6});
  EXPECT_EQ(s.encode("abab"), (Ids{5, 5}));
  EXPECT_EQ(s.encode("abcd"), (Ids{6, 3}));
  EXPECT_EQ(s.encode(""), Ids{});
  Small t;
  t.merge("a", "a");  // 4: of three, the left two
  EXPECT_EQ(t.encode("aaa"), (Ids{4, 0}));
}

TEST(Bpe, UnknownSymbols) {
  Small s;
  EXPECT_EQ(s.encode("axb"), (Ids{0, 1}));
  s.bpe.unk = 3;
  EXPECT_EQ(s.encode("axyb"), (Ids{0, 3, 3, 1}));
  s.bpe.fuse_unk = true;
  EXPECT_EQ(s.encode("axyb"), (Ids{0, 3, 1}));
  s.bpe.byte_fallback = true;
  s.bpe.bytes['x'] = 9;
  EXPECT_EQ(s.encode("axb"), (Ids{0, 9, 1}));
  // The unknown y waits until a known symbol comes: byte tokens overtake it, as in the reference.
  EXPECT_EQ(s.encode("yxb"), (Ids{9, 3, 1}));
}

TEST(Bpe, AffixesAndWholeWords) {
  Small s;
  s.vocab.add(4, "##b", Vocab::Findable::yes);
  s.vocab.add(5, "##c</w>", Vocab::Findable::yes);
  s.bpe.prefix = "##";
  s.bpe.suffix = "</w>";
  EXPECT_EQ(s.encode("abc"), (Ids{0, 4, 5}));
  Small t;
  t.vocab.add(4, "abc", Vocab::Findable::yes);
  EXPECT_EQ(t.encode("abc"), (Ids{0, 1, 2}));
  t.bpe.ignore_merges = true;
  EXPECT_EQ(t.encode("abc"), Ids{4});
}

// Words on both sides of the bound between the scan and the heap must be merged alike: the textbook loop decides.
TEST(Bpe, HeapAndScanEqualTheTextbookLoop) {
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    Small s;
    for (int i = 0; i < 12; ++i) {
      const std::string left = s.vocab.text(static_cast<int32_t>(rng.below(static_cast<uint64_t>(s.vocab.size()))));
      const std::string right = s.vocab.text(static_cast<int32_t>(rng.below(static_cast<uint64_t>(s.vocab.size()))));
      if (s.vocab.find(left + right) < 0) s.merge(left, right);
    }
    std::string word;
    for (uint64_t i = 0; i < 30 + rng.below(60); ++i) word += static_cast<char>('a' + rng.below(4));
    Ids expected;
    for (const char c : word) expected.push_back(c - 'a');
    for (;;) {
      std::size_t best = expected.size();
      uint32_t rank = ~0u;
      for (std::size_t i = 0; i + 1 < expected.size(); ++i) {
        const auto merge = s.bpe.merges.find(expected[i], expected[i + 1]);
        if (merge.id < 0 || merge.rank >= rank) continue;
        rank = merge.rank;
        best = i;
      }
      if (best == expected.size()) break;
      expected[best] = s.bpe.merges.find(expected[best], expected[best + 1]).id;
      expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    EXPECT_EQ(s.encode(word), expected) << word;
  }
}

// A quadratic merge would take hours.
TEST(Bpe, AMegabyteWithoutASpace) {
  Small s;
  s.merge("a", "a");
  s.merge("aa", "aa");
  s.merge("aaaa", "aaaa");
  const Ids ids = s.encode(std::string(1'000'000, 'a'));
  EXPECT_EQ(ids.size(), 125'000u);
}

}  // namespace
}  // namespace hone::text::pipeline
