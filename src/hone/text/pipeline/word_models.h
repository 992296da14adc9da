// Models that look words up: WordLevel (a word is a token) and WordPiece (longest piece first).
#pragma once

#include "hone/text/pipeline/byte_trie.h"
#include "hone/text/pipeline/vocab.h"

#include <string>
#include <string_view>
#include <vector>

namespace hone::text::pipeline {

struct WordLevel {
  int32_t unk = -1;       ///< -1: an unknown word is an error
  std::string unk_token;  ///< its text, also where the vocabulary lacks it
};

struct WordPiece {
  ByteTrie begins;     ///< tokens as they stand
  ByteTrie continues;  ///< tokens that begin with the prefix (##), without it
  int32_t unk = -1;
  std::size_t most_chars = 100;  ///< longer words are unk
};

/// Appends the id of `word`. Errors: data, naming the word and the nearest that is known, when it is unknown and the
/// vocabulary holds no unk token.
void encode(const WordLevel& model, const Vocab& vocab, std::string_view word, std::vector<int32_t>& out);

/// Appends the pieces of `word`, each the longest that fits, or one unk when some part has none.
/// Errors: data when unk is needed and the vocabulary lacks it. Cost: the word's length times that of the longest
/// piece.
void encode(const WordPiece& model, std::string_view word, std::vector<int32_t>& out);

}  // namespace hone::text::pipeline
