#include "hone/base/sha256.h"

#include "hone/base/error.h"
#include "hone/base/files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

namespace hone::base {
namespace {

std::string portable(std::string_view bytes) {
  Sha256 hash(Sha256Path::portable);
  hash.add(bytes);
  return hash.hex();
}

// FIPS 180-4 examples and the NIST long-message vectors.
TEST(Sha256, KnownAnswers) {
  const std::pair<std::string, std::string> table[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
       "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (const auto& [text, expected] : table) {
    EXPECT_EQ(sha256_hex(text), expected);
    EXPECT_EQ(portable(text), expected);
  }
}

TEST(Sha256, BothPathsAgreeForEveryLength) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(sha256_hex(text), portable(text)) << i;
    text += static_cast<char>(i * 37);
  }
}

TEST(Sha256, PiecesAndLooksInBetweenDoNotChangeTheHash) {
  const std::string text(1000, 'x');
  for (std::size_t piece : {1, 3, 63, 64, 65, 127, 999}) {
    Sha256 hash;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      hash.add(std::string_view(text).substr(at, piece));
      hash.add("");
      EXPECT_EQ(hash.hex(), sha256_hex(text.substr(0, std::min(text.size(), at + piece))));
    }
  }
}

TEST(Sha256, OfAFile) {
  std::string folder = testing::TempDir() + "hone-sha-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string bytes(3'000'001, 'b');
  write_file_atomic(folder + "/f", bytes);
  EXPECT_EQ(sha256_hex_of_file(folder + "/f"), sha256_hex(bytes));
  write_file_atomic(folder + "/f", "");
  EXPECT_EQ(sha256_hex_of_file(folder + "/f"), sha256_hex(""));
  EXPECT_THROW(sha256_hex_of_file(folder), Error);
  EXPECT_THROW(sha256_hex_of_file(folder + "/missing"), Error);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace hone::base
