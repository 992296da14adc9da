// PCRE2, fenced: Unicode patterns out of hostile files, compiled once, with limits on every match.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hone::text::pipeline {

/// Where a pattern matched: bytes [begin, end) of the text.
struct Match {
  std::size_t begin = 0, end = 0;
};

/// A compiled pattern in the dialect of tokenizer.json (Oniguruma's Ruby syntax, as far as tokenizers use it). A value.
///
/// \s is Unicode's White_Space outside of negated classes, $ and ^ match at line ends, . does not match a newline.
class Regex {
 public:
  /// Errors: format, naming `where`, for a pattern that is over 64 kB, does not compile (with the place), or is nested
  /// too deeply.
  Regex(std::string_view pattern, std::string_view where);
  const std::string& pattern() const { return pattern_; }

 private:
  friend class RegexSearch;
  std::string pattern_;
  std::shared_ptr<const void> code_;  ///< pcre2_code; shared by copies, never changed
};

/// Searches of one pattern, with the memory they share. Must not outlive the pattern.
class RegexSearch {
 public:
  explicit RegexSearch(const Regex& regex);
  /// The leftmost match that begins at or after `from`; an empty match counts. `text` must be well-formed UTF-8.
  /// Errors: data, when the pattern needs more than a million steps for one match.
  std::optional<Match> find(std::string_view text, std::size_t from) const;

 private:
  const Regex* regex_;
  std::shared_ptr<void> memory_;
};

}  // namespace hone::text::pipeline
