// The little of Unicode that tokenizers need: valid UTF-8, its repair, and white space.
#pragma once

#include <string>
#include <string_view>

namespace hone::text {

/// One code point read from a text.
struct CodePoint {
  char32_t value = 0;  ///< meaningless when not valid
  int bytes = 0;       ///< bytes read; for ill-formed input the length of the maximal ill-formed part (≥ 1)
  bool valid = false;
};

/// The code point at the start of `text`; `text` must not be empty. Surrogates, overlong forms and values above
/// U+10FFFF are ill-formed.
CodePoint first_code_point(std::string_view text);

bool is_valid_utf8(std::string_view text);
/// `text` with every maximal ill-formed part replaced by one U+FFFD (as WHATWG and Rust do).
std::string repair_utf8(std::string_view text);
/// UTF-8 of one code point.
std::string to_utf8(char32_t code_point);

/// Unicode's White_Space property: what Hugging Face's WhitespaceSplit cuts at.
bool is_white_space(char32_t code_point);
/// The beginning of `text` in double quotes with JSON's escapes, for error messages.
std::string quote(std::string_view text);
/// `text` without ASCII white space at its ends.
std::string_view trim(std::string_view text);

}  // namespace hone::text
