// GPT-2's printable alphabet: the character that stands for each byte in the files of byte-level tokenizers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hone::text {

/// UTF-8 of the character that stands for `byte`: bytes 33–126, 161–172 and 174–255 stand for themselves (as code
/// points), the other 68 for U+0100, U+0101, … in order.
std::string byte_symbol(uint8_t byte);

/// The byte that `symbol` (the UTF-8 of exactly one character) stands for; empty for any other text.
std::optional<uint8_t> byte_of_symbol(std::string_view symbol);

}  // namespace hone::text
