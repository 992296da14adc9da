// Python's string functions on marked texts. Case is changed for ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic
// letters; others stay as they are.
#pragma once

#include "hone/text/jinja/value.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace hone::text::jinja {

enum class Case { upper, lower, title, capital };
/// str.upper(), lower(), title() (a capital after every non-letter) and capitalize().
MarkedText change_case(const MarkedText& text, Case wanted);
bool is_letter(char32_t code);
bool is_upper(char32_t code);
bool is_lower(char32_t code);
/// Python's str.isspace() for one character.
bool is_space(char32_t code);

enum class Ends { both, left, right };
/// str.strip(): without white space, or without any of the characters of *`chars`, at its ends.
MarkedText strip(const MarkedText& text, Ends ends, const MarkedText* chars = nullptr);

/// str.split(): at white space when `separator` is nullptr; at most `most` cuts when most ≥ 0, from the left or right.
/// Errors: format for an empty separator.
std::vector<MarkedText> split(Context& context, const MarkedText& text, const MarkedText* separator, int64_t most);
std::vector<MarkedText> split_right(Context& context, const MarkedText& text, const MarkedText* separator,
                                    int64_t most);
std::vector<MarkedText> split_lines(Context& context, const MarkedText& text);

/// str.replace(): `most` < 0 replaces all.
struct Replacement {
  const MarkedText& from;
  const MarkedText& to;
  int64_t most = -1;
};
MarkedText replace(Context& context, const MarkedText& text, const Replacement& replacement);

/// Characters in reverse order.
MarkedText reversed(const MarkedText& text);

/// Jinja's indent filter.
struct Indent {
  MarkedText with;
  enum class First { plain, indented } first = First::plain;
  enum class Blank { plain, indented } blank = Blank::plain;
};
MarkedText indent(Context& context, const MarkedText& text, const Indent& how);

}  // namespace hone::text::jinja
