#include "hone/text/pipeline/byte_trie.h"

#include "hone/text/test_errors.h"

#include <map>

namespace hone::text::pipeline {
namespace {

std::map<std::size_t, int32_t> prefixes(const ByteTrie& trie, std::string_view text) {
  std::map<std::size_t, int32_t> found;
  trie.for_each_prefix(text, [&](std::size_t bytes, int32_t value) { found[bytes] = value; });
  return found;
}

TEST(ByteTrie, FindsEveryPrefix) {
  ByteTrie trie;
  EXPECT_TRUE(trie.empty());
  trie.add("a", 1);
  trie.add("abc", 3);
  trie.add("b", 7);
  trie.add(std::string("\0\xFF", 2), 9);
  EXPECT_EQ(prefixes(trie, "abcd"), (std::map<std::size_t, int32_t>{{1, 1}, {3, 3}}));
  EXPECT_EQ(prefixes(trie, "ab"), (std::map<std::size_t, int32_t>{{1, 1}}));
  EXPECT_EQ(prefixes(trie, std::string("\0\xFFx", 3)), (std::map<std::size_t, int32_t>{{2, 9}}));
  EXPECT_TRUE(prefixes(trie, "cab").empty());
  trie.add("a", 5);
  EXPECT_EQ(prefixes(trie, "a"), (std::map<std::size_t, int32_t>{{1, 5}}));
}

TEST(ByteTrie, HoldsManyKeys) {
  ByteTrie trie;
  for (int i = 0; i < 5000; ++i) trie.add(std::to_string(i), i);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(prefixes(trie, std::to_string(i)).rbegin()->second, i);
}

TEST(ByteTrie, RefusesKeysThatWouldMakeSearchesQuadratic) {
  ByteTrie trie;
  EXPECT_TRUE(says(error_of([&] { trie.add(std::string(1025, 'a'), 1); }), "internal: trie key"));
}

}  // namespace
}  // namespace hone::text::pipeline
