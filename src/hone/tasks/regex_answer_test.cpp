#include "hone/tasks/regex_answer.h"

#include <gtest/gtest.h>

#include <chrono>

namespace hone::tasks {
namespace {

// "" when right; the reason when wrong.
std::string judge(const std::string& pattern, const std::string& completion) {
  Problem problem;
  problem.answer = pattern;
  const Verdict verdict = verify_regex(problem, completion);
  EXPECT_EQ(verdict.reward, verdict.reason.empty() ? 1.0 : 0.0);
  return verdict.reason;
}

TEST(RegexAnswer, MatchesAnywhereUnlessAnchored) {
  EXPECT_EQ(judge("4[23]", "it is 42."), "");
  EXPECT_EQ(judge("^4[23]$", "42"), "");
  EXPECT_EQ(judge("^4[23]$", "it is 42"), "does not match");
  EXPECT_EQ(judge("(?i)^yes\\b", "YES, of course"), "");
  EXPECT_EQ(judge("^.$", "é"), "");
  EXPECT_EQ(judge("a", ""), "does not match");
  EXPECT_EQ(judge("^$", ""), "");
  EXPECT_EQ(judge("^a\\x00b$", std::string("a\0b", 3)), "");
}

TEST(RegexAnswer, TextThatIsNotUtf8IsJudged) {
  EXPECT_EQ(judge("b",
                  "a\xFF"
                  "b"),
            "");
  EXPECT_EQ(judge("^a.b$",
                  "a\xFF"
                  "b"),
            "does not match");
}

TEST(RegexAnswer, BadPatternsAreReportedNotThrown) {
  EXPECT_EQ(judge("a(b", "ab"), "the reference pattern is invalid: missing closing parenthesis at 3");
  EXPECT_EQ(regex_error("a(b"), "missing closing parenthesis at 3");
  EXPECT_EQ(regex_error("a(b)"), "");
  for (const std::string& bad :
       {std::string("["), std::string("*"), std::string("\\"), std::string("(?<n>"), std::string("\xFF"),
        std::string(5000, 'a'), std::string(300, '(') + std::string(300, ')'),
        std::string("(((a{1000}){1000}){1000})")}) {
    EXPECT_NE(regex_error(bad), "") << bad.substr(0, 20);
  }
}

TEST(RegexAnswer, HostilePatternsEndWithinTheirFuel) {
  const std::string as(5000, 'a'), many((1 << 20) - 8, 'a');
  const std::pair<const char*, const std::string*> cases[] = {
      {"(a+)+$", &as},        {"(a+)+$", &many},         {"(a|aa)+$", &many},       {"(.*)*x", &many},
      {"a*a*a*a*a*x", &many}, {"(?:a?){50}a{50}b", &as}, {"^(a|a?)+b", &as},        {"(?R)?a(?R)?b", &as},
      {"(a)(?1)*b", &many},   {".*.*.*=.*", &many},      {"(?=(a+))a*b\\1", &many}, {"(\\w+\\s?)*#", &many},
  };
  for (const auto& [pattern, text] : cases) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_NE(judge(pattern, *text + "!b"), "") << pattern;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_LT(seconds.count(), 5) << pattern;
  }
  EXPECT_EQ(judge("(a+)+$", std::string(40, 'a') + "!").substr(0, 9), "undecided");
  EXPECT_EQ(judge("a", many + "aaaaaaaaa"), "longer than 1048576 bytes");
}

TEST(RegexAnswer, OrdinaryPatternsOnLongTextsAreDecided) {
  const std::string words = [] {
    std::string text;
    for (int i = 0; i < 20000; ++i) text += "some words and 17 numbers ";
    return text + "answer: 42";
  }();
  EXPECT_EQ(judge("answer:\\s*42\\b", words), "");
  EXPECT_EQ(judge("\\banswer: (\\d+)$", words), "");
  EXPECT_EQ(judge("\\d+ apples", words), "does not match");
}

}  // namespace
}  // namespace hone::tasks
