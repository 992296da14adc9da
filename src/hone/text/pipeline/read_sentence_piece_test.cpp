#include "hone/text/pipeline/read_sentence_piece.h"

#include "hone/text/test_errors.h"

#include <bit>

namespace hone::text::pipeline {
namespace {

using Ids = std::vector<int32_t>;

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string bytes_field(int number, const std::string& bytes) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string int_field(int number, uint64_t value) { return varint(static_cast<uint64_t>(number) << 3) + varint(value); }
std::string piece(const std::string& text, float score, int type = 1) {
  std::string fixed;
  for (int i = 0; i < 4; ++i) fixed += static_cast<char>((std::bit_cast<uint32_t>(score) >> (8 * i)) & 0xFF);
  return bytes_field(1, bytes_field(1, text) + varint(2 << 3 | 5) + fixed + int_field(3, static_cast<uint64_t>(type)));
}
std::string model_type(uint64_t type) { return bytes_field(2, int_field(3, type)); }

Ids ids(const std::string& model, std::string_view text) {
  PieceRoles roles;
  return encode(read_sentence_piece(model, "m", roles), text, AddedMatcher::Specials::skip);
}
std::string refusal(const std::string& model) {
  PieceRoles roles;
  return error_of([&] { read_sentence_piece(model, "m", roles); });
}

const std::string kUnk = piece("<unk>", 0, 2);

TEST(ReadSentencePiece, BpeMergesTheBestScoreFirst) {
  const std::string model = kUnk + piece("a", -5) + piece("b", -6) + piece("▁", -7) + piece("ab", -2) + piece("ba", -1) +
                            piece("▁a", -3) + piece("<s>", 0, 3) + model_type(2);
  EXPECT_EQ(ids(model, "ab"), (Ids{3, 4}));
  EXPECT_EQ(ids(model, "aba"), (Ids{6, 5}));  // b + a first, then ▁ + a
  EXPECT_EQ(ids(model, "xy"), (Ids{3, 0}));
  PieceRoles roles;
  const Pipeline p = read_sentence_piece(model, "m", roles);
  EXPECT_EQ(roles.bos, 1);
  EXPECT_EQ(roles.pad, -1);
  EXPECT_TRUE(p.special[7] == 1 && p.special[0] == 0);
}

TEST(ReadSentencePiece, UserDefinedPiecesStayWhole) {
  const std::string model =
      kUnk + piece("a", -5) + piece("▁", -7) + piece("aa", -1) + piece("a!", 0, 4) + piece("!", -8) + model_type(2);
  EXPECT_EQ(ids(model, "aa!a"), (Ids{2, 1, 4, 1}));
}

TEST(ReadSentencePiece, HostileFiles) {
  EXPECT_TRUE(says(refusal(""), "format: m: not a SentencePiece model: it has no pieces"));
  EXPECT_TRUE(says(refusal("\x0A\x7F"), "not a SentencePiece model: the end of the file"));
  EXPECT_TRUE(says(refusal("\x0F"), "a field of an unknown kind"));
  EXPECT_TRUE(says(refusal(std::string(11, '\xFF')), "a number of over 64 bits"));
  EXPECT_TRUE(says(refusal(piece("a", 0)), "0 unknown pieces"));
  EXPECT_TRUE(says(refusal(kUnk + piece("a", 0) + piece("a", 0)), "\"a\" is there twice"));
  EXPECT_TRUE(says(refusal(kUnk + piece("", 0)), "is empty"));
  EXPECT_TRUE(says(refusal(kUnk + piece("a", 0, 9)), "a piece of type 9"));
  EXPECT_TRUE(says(refusal(kUnk + piece("a", std::numeric_limits<float>::quiet_NaN())), "not finite"));
  EXPECT_TRUE(says(refusal(kUnk + model_type(3)), "type 3 are not supported"));
  EXPECT_TRUE(says(refusal(kUnk + piece("a", 0, 5) + model_type(2)), "unused"));
  EXPECT_TRUE(says(refusal(kUnk + bytes_field(3, bytes_field(2, "abcd"))), "character map"));
}

}  // namespace
}  // namespace hone::text::pipeline
