// The normalizer of a tokenizer: what happens to a text before it is cut.
#pragma once

#include "hone/text/pipeline/charsmap.h"
#include "hone/text/pipeline/pattern.h"
#include "hone/text/pipeline/sentence_piece.h"
#include "hone/text/pipeline/unicode.h"

#include <string>
#include <variant>
#include <vector>

namespace hone::text::pipeline {

/// BERT's: control characters out and white space to " ", spaces around ideographs, accents off, lower case.
struct BertNormalizer {
  bool clean_text = true, handle_chinese_chars = true, strip_accents = true, lowercase = true;
};
/// White space off the ends.
struct StripEnds {
  bool left = true, right = true;
};
/// Combining marks out.
struct StripAccents {};
struct ToForm {
  NormalForm form;
};
struct Lowercase {};
/// Control characters out, other white space and zero-width characters to " ".
struct Nmt {};
/// Every match of `pattern` becomes `content`.
struct ReplaceAll {
  Pattern pattern;
  std::string content;
};
/// Puts `text` before a text that is not empty.
struct Prepend {
  std::string text;
};
/// Every byte becomes its character of GPT-2's alphabet.
struct ToByteSymbols {};

using Normalizer = std::variant<BertNormalizer, StripEnds, StripAccents, ToForm, Lowercase, Nmt, ReplaceAll, Prepend,
                                ToByteSymbols, Charsmap, SentencePieceNormalizer>;

/// A text on its way, and whether its first character still comes from the beginning of the input (what Metaspace's
/// "first" asks).
struct Normalized {
  std::string text;
  bool at_start = true;
  std::size_t most_bytes = 0;  ///< longer than this it is refused
};

/// Applies the steps in order. `text` is well-formed UTF-8 and so is the result.
/// Errors: data: a pattern that needs too many steps, steps that blow the text up to more than 32 times its size.
/// Cost: O(n log n) without patterns.
Normalized normalized(const std::vector<Normalizer>& steps, std::string_view text);

}  // namespace hone::text::pipeline
