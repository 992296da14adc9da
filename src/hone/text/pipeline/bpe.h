// Byte-pair encoding: a word's symbols, merged pair by pair in the order of the merges.
#pragma once

#include "hone/text/pipeline/vocab.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text::pipeline {

/// Pair of ids → rank and the id that replaces it.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank = 0;
    int32_t id = -1;  ///< -1: the pair does not merge
  };
  /// A later rank for the same pair replaces the earlier one.
  void add(int32_t left, int32_t right, Merge merge);
  Merge find(int32_t left, int32_t right) const;
  std::size_t size() const { return count_; }

 private:
  std::size_t slot_of(uint64_t key) const;
  void grow();
  struct Entry {
    uint64_t key = kFree;
    Merge merge;
  };
  static constexpr uint64_t kFree = ~uint64_t{0};
  std::vector<Entry> entries_;
  std::size_t count_ = 0;
};

/// Ids of the tokens of single bytes; -1 where there is none.
using ByteIds = std::array<int32_t, 256>;
constexpr ByteIds no_byte_ids() {
  ByteIds ids{};
  ids.fill(-1);
  return ids;
}

/// A BPE model. In byte mode a word is raw bytes, `bytes` their tokens and the vocabulary's texts are raw bytes too.
/// Otherwise symbols are code points, and `bytes` the tokens <0x00>…<0xFF> of the byte fallback.
struct Bpe {
  MergeTable merges;
  bool on_bytes = false;
  bool byte_fallback = false;  ///< unknown code points become byte tokens (if each of their bytes has one)
  ByteIds bytes = no_byte_ids();
  bool ignore_merges = false;  ///< a word that is a token is that token
  bool fuse_unk = false;       ///< neighbouring unknown symbols become one unk
  int32_t unk = -1;            ///< -1: unknown symbols are left out
  std::string prefix;          ///< put before every symbol but the first
  std::string suffix;          ///< put behind the last symbol
};

/// Memory that calls of encode() share.
struct BpeScratch {
  std::vector<int32_t> ids, next, previous;
  std::vector<uint64_t> heap;
  std::vector<uint32_t> ranks;
};

/// Appends the ids of one word: the pair of lowest rank merges first, the leftmost of equals, until none is left.
/// Cost: O(n log n) in the length of the word.
void encode(const Bpe& bpe, const Vocab& vocab, std::string_view word, BpeScratch& scratch, std::vector<int32_t>& out);

}  // namespace hone::text::pipeline
