// Tokens that are looked for in the text itself, before the model sees it: special tokens and added words.
#pragma once

#include "hone/text/pipeline/byte_trie.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text::pipeline {

struct AddedToken {
  int32_t id = -1;
  std::string content;
  bool single_word = false;  ///< not inside a word
  bool lstrip = false;       ///< takes white space on its left along
  bool rstrip = false;       ///< … and on its right
  bool normalized = false;   ///< looked for in the normalized text
  bool special = false;
};

/// Added tokens that are looked for together. A value.
class AddedMatcher {
 public:
  /// Adds a token that is looked for as `spelled` (its content, or its normalized content). An empty spelling is never
  /// found. Errors: format, naming `where`, for a spelling of over ByteTrie::kMostKeyBytes.
  void add(const AddedToken& token, std::string_view spelled, std::string_view where);
  bool empty() const { return tokens_.empty(); }

  /// Whether special tokens are found too.
  enum class Specials { skip, find };
  /// Cuts `text` (well-formed UTF-8) at the leftmost-longest matches: use(part, id), in order, without gaps; id is -1
  /// for text between tokens. A match that a flag rejects is passed over as a whole.
  void split(std::string_view text, Specials specials,
             const std::function<void(std::string_view part, int32_t id)>& use) const;

 private:
  ByteTrie trie_;                   ///< spelling → index in tokens_
  std::vector<AddedToken> tokens_;  ///< contents are left out
};

}  // namespace hone::text::pipeline
