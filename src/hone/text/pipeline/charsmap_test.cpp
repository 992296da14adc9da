#include "hone/text/pipeline/charsmap.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

void put(std::string& blob, uint32_t value) {
  for (int i = 0; i < 4; ++i) blob += static_cast<char>((value >> (8 * i)) & 0xFF);
}

// A double array of two blocks with one key, "a", that becomes `to`. Unit 0 (the root) has offset 256: 'a' leads to
// unit 256 ^ 'a', whose label is 'a', which has a leaf, and whose offset leads to the value in unit 300.
std::string one_key(const std::string& to) {
  std::vector<uint32_t> units(512, 0);
  const auto offset = [](uint32_t bytes) { return bytes << 10; };
  const uint32_t node = 256 ^ 'a';
  units[0] = offset(256);
  units[node] = offset(node ^ 300) | (1u << 8) | 'a';
  units[300] = 0x80000000u | 1;
  std::string blob;
  put(blob, 4 * 512);
  for (const uint32_t unit : units) put(blob, unit);
  return blob + "x" + to + std::string(1, '\0');
}

TEST(Charsmap, ReplacesKeys) {
  const Charsmap map(one_key("bc"), "t.json");
  EXPECT_EQ(map.find("a"), "bc");
  EXPECT_EQ(map.find("ax"), "bc");
  EXPECT_FALSE(map.find("b") || map.find(""));
  EXPECT_EQ(map.apply("xaya", 100), "xbcybc");
  // A short cluster goes as a whole when some key begins it.
  EXPECT_EQ(map.apply("a\u0301", 100), "bc");
  EXPECT_TRUE(says(error_of([&] { map.apply("aaaa", 3); }), "data: the character map makes"));
}

TEST(Charsmap, RefusesWhatLeadsOutside) {
  const auto refusal = [](const std::string& blob) { return error_of([&] { Charsmap(blob, "t.json"); }); };
  EXPECT_TRUE(says(refusal("abc"), "has no header"));
  EXPECT_TRUE(says(refusal(std::string("\xFF\xFF\xFF\xFF", 4)), "announces a trie"));
  std::string far = one_key("b");
  far[4 + 2] = '\x7F';
  EXPECT_TRUE(says(refusal(far), "points outside"));
}

TEST(Charsmap, Base64) {
  EXPECT_EQ(decode_base64("aGk=", "t"), "hi");
  EXPECT_EQ(decode_base64("", "t"), "");
  EXPECT_EQ(decode_base64("/+8A", "t"), std::string("\xFF\xEF\0", 3));
  EXPECT_TRUE(says(error_of([] { decode_base64("aGk", "t"); }), "multiple of 4"));
  EXPECT_TRUE(says(error_of([] { decode_base64("a!k=", "t"); }), "character 1"));
}

}  // namespace
}  // namespace hone::text::pipeline
