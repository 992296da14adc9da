// Template source → tokens, with Jinja's rules for white space (trim_blocks and lstrip_blocks on, as transformers sets
// them).
#pragma once

#include "hone/text/jinja/context.h"

#include <string>
#include <string_view>
#include <vector>

namespace hone::text::jinja {

enum class TokenKind { text, print_begin, print_end, block_begin, block_end, name, string, integer, real, sign, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;  ///< of a text or string its value; of the others how they are written, digits without "_"
  Position at;
};

/// Cuts `source`: line ends become "\n", one at the very end is dropped, comments vanish, {% raw %} becomes text.
/// The last token is `end`. Errors: format with line and column (`context` supplies the name and the limits): source
/// too long or not UTF-8, a tag, string or comment that is never closed, unbalanced brackets, a stray character.
std::vector<Token> cut_tokens(std::string_view source, Context& context);

}  // namespace hone::text::jinja
