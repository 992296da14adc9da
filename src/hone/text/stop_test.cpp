#include "hone/text/stop.h"

#include <gtest/gtest.h>

namespace hone::text {
namespace {

Finish check(const StopRule& rule, const Ids& ids, const Tokenizer& tokenizer) {
  return check_stop(rule, ids, tokenizer);
}

TEST(Stop, TokenTextOrLength) {
  const Tokenizer t = Tokenizer::bytes(standard_specials());
  const StopRule rule{{t.end()}, {"\n\n", ""}, 6};
  EXPECT_EQ(check(rule, {}, t), Finish::running);
  EXPECT_EQ(check(rule, t.encode("ab"), t), Finish::running);
  EXPECT_EQ(check(rule, {t.end()}, t), Finish::stop);
  EXPECT_EQ(check(rule, t.encode("a\n\n"), t), Finish::stop);
  EXPECT_EQ(check(rule, t.encode("a\n b"), t), Finish::running);
  EXPECT_EQ(check(rule, t.encode("abcdef"), t), Finish::length);
  EXPECT_EQ(check(rule, t.encode("abcd\n\n"), t), Finish::stop);
}

TEST(Stop, OnlyTheNewestTokenEnds) {
  const Tokenizer t = Tokenizer::bytes(standard_specials());
  const StopRule rule{{t.end()}, {}, 6};
  EXPECT_EQ(check(rule, {t.end(), t.bos()}, t), Finish::running);
}

TEST(Stop, StringsSeeWordsJoinedBySpaces) {
  const std::vector<std::string> words = {"a", "b", ";"};
  const Tokenizer t = Tokenizer::symbols(standard_specials(), words);
  EXPECT_EQ(check({{}, {"a ;"}, 9}, t.encode("b a ;"), t), Finish::stop);
  EXPECT_EQ(check({{}, {"a;"}, 9}, t.encode("b a ;"), t), Finish::running);
  EXPECT_EQ(check({{}, {}, 0}, {}, t), Finish::length);
}

}  // namespace
}  // namespace hone::text
