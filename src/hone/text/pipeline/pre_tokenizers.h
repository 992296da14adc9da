// The pre-tokenizer of a tokenizer: how a normalized text is cut into the pieces that the model sees one by one.
#pragma once

#include "hone/text/pipeline/pattern.h"

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hone::text::pipeline {

/// What becomes of the delimiters that a pattern finds.
enum class Delimiters { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// Cuts at the code points of one sort.
struct SplitPoints {
  bool (*is_delimiter)(char32_t);
  Delimiters delimiters;
};
/// Cuts at every `delimiter`, which is removed.
struct SplitChar {
  char32_t delimiter;
};
/// Cuts at the matches of a pattern, or (inverted) at what lies between them.
struct SplitPattern {
  Pattern pattern;
  Delimiters delimiters;
  bool inverted = false;
};
/// Runs of \w, and runs of what is neither \w nor white space; white space is removed.
struct WordsAndSymbols {};
/// Pieces of `length` code points.
struct FixedLength {
  std::size_t length = 5;
};
/// GPT-2's: puts a space before a text that has none, cuts by its pattern, and writes bytes as characters of its
/// alphabet; each can be off (`maps` is off where the model works on bytes itself).
struct ByteLevel {
  bool add_prefix_space = true, use_regex = true, maps = true;
};
/// Spaces become `symbol`, one is put before the text, and each begins a piece.
struct Metaspace {
  enum class Prepend { always, first, never };
  std::string symbol = "▁";
  Prepend prepend = Prepend::always;
  bool splits = true;
};

using PreTokenizer =
    std::variant<SplitPoints, SplitChar, SplitPattern, WordsAndSymbols, FixedLength, ByteLevel, Metaspace>;

/// A piece on its way, and whether it begins where the input begins.
struct Piece {
  std::string_view text;
  bool at_start = false;
};

/// Cuts by all steps in order: use(piece) for every piece, in order; empty pieces are left out.
/// Views are good during the call only. Errors: as Pattern. Cost: linear without regular expressions.
void pre_tokenize(const std::vector<PreTokenizer>& steps, Piece piece, const std::function<void(Piece)>& use);

}  // namespace hone::text::pipeline
