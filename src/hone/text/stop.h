// When a completion ends.
#pragma once

#include "hone/text/tokenizer.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::text {

/// Ends a completion at a token, at a text, or at a length; the first that applies.
struct StopRule {
  std::vector<int32_t> ids;          ///< any of these tokens ends the completion; the token is kept
  std::vector<std::string> strings;  ///< its decoded text contains one of these (not of "")
  int64_t max_tokens = 64;           ///< most tokens of one completion, the stop token counted
};

/// Why a completion ended.
enum class Finish { running, stop, length };

/// Text that comes in pieces, as far as it is certain to stand before the first of some stop strings.
class TextBefore {
 public:
  explicit TextBefore(std::vector<std::string> strings) : strings_(std::move(strings)) {}

  /// What `piece` makes certain; what may be the beginning of a stop string is held back. Nothing once one was found.
  std::string push(std::string_view piece);
  /// The rest, at the end of the text.
  std::string finish();
  bool found() const { return found_; }

 private:
  std::vector<std::string> strings_;
  std::string held_;
  bool found_ = false;
};

/// `text` up to the first of `strings`, or all of it.
std::string text_before(std::string_view text, const std::vector<std::string>& strings);

/// Whether `completion` (ids so far, newest last) has ended under `rule`. `tokenizer` is only used for strings.
Finish check_stop(const StopRule& rule, std::span<const int32_t> completion, const Tokenizer& tokenizer);

}  // namespace hone::text
