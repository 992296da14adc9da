// SentencePiece's precompiled character map: the normalizer that T5, XLNet and ALBERT carry as a blob.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text::pipeline {

/// Text → text by a double-array trie of byte strings and the strings that replace them. A value.
///
/// Blob: u32 little-endian size of the trie in bytes, the trie (u32 units), then replacements, each ended by a zero
/// byte. Every unit is checked when the map is made, so that no text can lead a search outside of it.
class Charsmap {
 public:
  /// Errors: format, naming `where`: a blob that is too short, sizes that don't fit, a unit that points outside.
  Charsmap(std::string_view blob, std::string_view where);

  /// What replaces the shortest key that is a prefix of `part`; empty when there is none.
  std::optional<std::string_view> find(std::string_view part) const;
  struct Hit {
    std::size_t bytes = 0;
    std::string_view replacement;
  };
  /// The longest key (of at most 128 bytes) that is a prefix of `text`.
  std::optional<Hit> longest(std::string_view text) const;
  /// Replaces, cluster by cluster: a grapheme cluster of less than six bytes as a whole if some key begins it,
  /// otherwise each of its code points by itself. That is how `tokenizers` applies the map. Errors: data, when the
  /// result has more than `most_bytes`.
  std::string apply(std::string_view text, std::size_t most_bytes) const;

 private:
  template <class Use>
  void for_each_key(std::string_view text, Use use) const;
  std::optional<std::string_view> replacement_at(std::size_t node) const;
  std::vector<uint32_t> units_;
  std::string replacements_;  ///< ends with a zero byte
};

/// Bytes of a base64 text. Errors: format, naming `where`.
std::string decode_base64(std::string_view text, std::string_view where);

}  // namespace hone::text::pipeline
