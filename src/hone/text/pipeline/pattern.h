// What Split and Replace look for: a text, a known pattern with a scanner, or any regular expression.
#pragma once

#include "hone/text/pipeline/regex.h"
#include "hone/text/pipeline/scanners.h"

#include <optional>
#include <string>
#include <string_view>

namespace hone::text::pipeline {

class Pattern {
 public:
  /// Matches exactly `text`. Errors: format, naming `where`, when it is empty.
  static Pattern literal(std::string_view text, std::string_view where);
  /// Matches what the regular expression matches; the known ones take their scanner. Errors: as Regex.
  static Pattern regex(std::string_view expression, std::string_view where);
  static Pattern known(KnownPattern which);

  /// The text or the expression.
  const std::string& text() const { return text_; }

 private:
  template <class Use>
  friend void for_each_match(const Pattern& pattern, std::string_view text, Use use);
  std::string text_;
  std::optional<Regex> regex_;
  std::optional<KnownPattern> known_;
};

enum class IsMatch { no, yes };

/// Cuts `text` (well-formed UTF-8) into matches and what lies between them: use(Match, IsMatch), in order, without
/// gaps. Empty matches are reported; nothing empty is reported otherwise. Errors: as RegexSearch::find.
template <class Use>
void for_each_match(const Pattern& pattern, std::string_view text, Use use) {
  std::size_t done = 0;
  if (pattern.known_) {
    while (done < text.size()) {
      const std::size_t end = done + scan(*pattern.known_, text, done);
      use(Match{done, end}, IsMatch::yes);
      done = end;
    }
    return;
  }
  const auto hit = [&](Match match) {
    if (match.begin > done) use(Match{done, match.begin}, IsMatch::no);
    use(match, IsMatch::yes);
    done = match.end;
  };
  if (!pattern.regex_) {
    for (std::size_t at = text.find(pattern.text_); at != std::string_view::npos; at = text.find(pattern.text_, done)) {
      hit({at, at + pattern.text_.size()});
    }
  } else {
    const RegexSearch search(*pattern.regex_);
    std::size_t from = 0;
    while (const auto match = search.find(text, from)) {
      // After an empty match the search goes on behind the next character; one right behind a match is no match.
      const bool repeated = match->begin == match->end && match->end == done && done > 0 && from == done;
      if (!repeated) hit(*match);
      from = match->end;
      if (match->begin != match->end) continue;
      if (from >= text.size()) break;
      ++from;
      while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
    }
  }
  if (done < text.size()) use(Match{done, text.size()}, IsMatch::no);
}

}  // namespace hone::text::pipeline
