// When a completion ends.
#pragma once

#include "hone/text/tokenizer.h"

namespace hone::text {

/// Ends a completion at a token, at a text, or at a length; the first that applies.
struct StopRule {
  std::vector<int32_t> ids;          ///< any of these tokens ends the completion; the token is kept
  std::vector<std::string> strings;  ///< its decoded text contains one of these (not of "")
  int64_t max_tokens = 64;           ///< most tokens of one completion, the stop token counted
};

/// Why a completion ended.
enum class Finish { running, stop, length };

/// Whether `completion` (ids so far, newest last) has ended under `rule`. `tokenizer` is only used for strings.
Finish check_stop(const StopRule& rule, std::span<const int32_t> completion, const Tokenizer& tokenizer);

}  // namespace hone::text
