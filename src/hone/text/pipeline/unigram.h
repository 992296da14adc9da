// The unigram language model: the cut of a text whose pieces have the largest sum of log-probabilities (Kudo 2018).
#pragma once

#include "hone/text/pipeline/bpe.h"
#include "hone/text/pipeline/byte_trie.h"

#include <string_view>
#include <vector>

namespace hone::text::pipeline {

struct Unigram {
  ByteTrie pieces;
  std::vector<double> scores;  ///< log-probability per id
  double lowest = 0;           ///< of all scores
  int32_t unk = -1;
  bool byte_fallback = false;  ///< unknown parts become byte tokens, if each of their bytes has one
  ByteIds bytes = no_byte_ids();
  bool single_precision = false;  ///< sums are rounded to float32, as SentencePiece's are
};

/// Memory that calls of encode() share.
struct UnigramScratch {
  struct Node {
    double score = 0;
    std::size_t from = 0;  ///< where the last piece of the best cut begins
    int32_t id = -1;       ///< -1: not reached
  };
  struct Span {
    std::size_t begin, end;
    int32_t id;
  };
  std::vector<Node> nodes;
  std::vector<Span> spans;
};

/// Appends the ids of the best cut of `text` (the first found of equals). A code point without a piece costs 10 less
/// than the lowest score; neighbouring unknowns become one. Errors: data when unk is needed and there is none. Cost:
/// the text's length times that of the longest piece.
void encode(const Unigram& model, const Vocab& vocab, std::string_view text, UnigramScratch& scratch,
            std::vector<int32_t>& out);

}  // namespace hone::text::pipeline
