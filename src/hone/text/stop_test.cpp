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

TEST(TextBefore, HoldsBackWhatMayBeTheBeginningOfAStop) {
  TextBefore text({"\nQ:", "END"});
  EXPECT_EQ(text.push("one\n"), "one");
  EXPECT_EQ(text.push("Qu"), "\nQu");
  EXPECT_EQ(text.push("E"), "");
  EXPECT_EQ(text.push("N"), "");
  EXPECT_EQ(text.push("E"), "EN");
  EXPECT_FALSE(text.found());
  EXPECT_EQ(text.push("ND\nQ:"), "");
  EXPECT_TRUE(text.found());
  EXPECT_EQ(text.push("more"), "");
  EXPECT_EQ(text.finish(), "");
}

TEST(TextBefore, GivesTheRestAtTheEnd) {
  TextBefore text({"stop"});
  EXPECT_EQ(text.push("a st"), "a ");
  EXPECT_EQ(text.finish(), "st");
  TextBefore free({});
  EXPECT_EQ(free.push("all"), "all");
}

TEST(TextBefore, TheFirstPlaceWinsNotTheFirstString) {
  EXPECT_EQ(text_before("one two three", {"three", "two"}), "one ");
  EXPECT_EQ(text_before("one two", {"", "four"}), "one two");
  EXPECT_EQ(text_before("aab", {"ab"}), "a");
  // In pieces of any size it is the same.
  for (std::size_t size = 1; size < 6; ++size) {
    TextBefore before({"aab", "ba"});
    std::string got;
    const std::string whole = "caaxaaab";
    for (std::size_t at = 0; at < whole.size(); at += size) got += before.push(whole.substr(at, size));
    EXPECT_EQ(got + before.finish(), "caaxa") << size;
  }
}

}  // namespace
}  // namespace hone::text
