#include "hone/text/byte_alphabet.h"

#include "hone/text/utf8.h"

#include <array>

namespace hone::text {
namespace {

using Table = std::array<char32_t, 256>;

constexpr bool stands_for_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

constexpr Table make_table() {
  Table table{};
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    table[static_cast<std::size_t>(byte)] = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
  }
  return table;
}

constexpr Table kSymbols = make_table();

}  // namespace

std::string byte_symbol(uint8_t byte) { return to_utf8(kSymbols[byte]); }

std::optional<uint8_t> byte_of_symbol(std::string_view symbol) {
  if (symbol.empty()) return {};
  const CodePoint point = first_code_point(symbol);
  if (!point.valid || static_cast<std::size_t>(point.bytes) != symbol.size()) return {};
  for (std::size_t byte = 0; byte < kSymbols.size(); ++byte) {
    if (kSymbols[byte] == point.value) return static_cast<uint8_t>(byte);
  }
  return {};
}

}  // namespace hone::text
