// JSONL rows of two completions of one prompt, of which the first was chosen, in TRL's preference shapes → pairs of
// token sequences.
#pragma once

#include "hone/data/rows.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hone::data {

/// One row, not yet tokenised; both sides are of one shape, and name the row as their place.
struct PairRow {
  Row chosen, rejected;
};

/// Whether the first row of a text is a choice: a JSON object with "chosen". Total.
bool are_pair_rows(std::string_view content);

/// Rows of a JSONL file, each with "chosen" and "rejected":
///   "prompt" and both texts         the completions follow the prompt
///   "prompt" and both lists of messages
///   both lists of messages, without a prompt: whole conversations, whose common beginning is the prompt
/// Other columns are ignored, so that what `dno` keeps can be read. A list must hold an assistant's turn after the
/// prompt. Errors: data, naming file:line and the field: another shape, bad JSON, a file without a row.
std::vector<PairRow> read_pair_rows(const std::filesystem::path& jsonl);
/// The same of a text; `name` stands for the file in places and errors.
std::vector<PairRow> parse_pair_rows(std::string_view content, std::string_view name);

/// Pairs as tokens, and which prompt each is of: pairs of equal prompts have equal numbers.
struct PairSet {
  std::vector<Pair> pairs;
  std::vector<std::size_t> prompts;  ///< [pairs]
  int64_t equal = 0;                 ///< rows left out because their two completions make the same tokens
};

/// Rows as tokenize() makes them of prompt and completion. Two sides that are cut to the same tokens are equal, too.
/// Errors: those of tokenize(); data when no pair is left.
PairSet tokenize_pairs(const std::vector<PairRow>& rows, const Encoder& encoder, int64_t max_tokens, TooLong cut);

}  // namespace hone::data
