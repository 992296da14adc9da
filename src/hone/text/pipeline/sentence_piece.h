// SentencePiece's own normalizer (Kudo & Richardson 2018, and the library's normalizer.cc for the order of its steps).
#pragma once

#include "hone/text/pipeline/byte_trie.h"
#include "hone/text/pipeline/charsmap.h"

#include <optional>
#include <string>
#include <string_view>

namespace hone::text::pipeline {

struct SentencePieceNormalizer {
  std::optional<Charsmap> charsmap;
  bool add_dummy_prefix = true;          ///< a space before the text
  bool remove_extra_whitespaces = true;  ///< none at the ends, no two in a row
  bool escape_whitespaces = true;        ///< spaces become ▁
  ByteTrie kept;                         ///< user-defined pieces: copied as they are
};

/// The longest key of the map (or kept piece) first, at every place. `text` is well-formed UTF-8.
/// Errors: data, when the result has more than `most_bytes`. Cost: linear.
std::string normalize(const SentencePieceNormalizer& by, std::string_view text, std::size_t most_bytes);

}  // namespace hone::text::pipeline
