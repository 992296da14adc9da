#include "hone/text/byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>

namespace hone::text {
namespace {

TEST(ByteAlphabet, IsGpt2s) {
  EXPECT_EQ(byte_symbol('A'), "A");
  EXPECT_EQ(byte_symbol(' '), "Ġ");
  EXPECT_EQ(byte_symbol('\n'), "Ċ");
  EXPECT_EQ(byte_symbol(0), "Ā");
  EXPECT_EQ(byte_symbol(0x7F), "ġ");
  EXPECT_EQ(byte_symbol(0xAD), "Ń");
  std::set<std::string> symbols;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string symbol = byte_symbol(static_cast<uint8_t>(byte));
    symbols.insert(symbol);
    EXPECT_EQ(byte_of_symbol(symbol), static_cast<uint8_t>(byte));
  }
  EXPECT_EQ(symbols.size(), 256u);
  EXPECT_FALSE(byte_of_symbol("") || byte_of_symbol("AB") || byte_of_symbol(" ") || byte_of_symbol("€"));
}

}  // namespace
}  // namespace hone::text
