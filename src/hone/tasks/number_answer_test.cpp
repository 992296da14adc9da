#include "hone/tasks/number_answer.h"

#include <gtest/gtest.h>

#include <chrono>

namespace hone::tasks {
namespace {

// "" when right; the reason when wrong.
std::string judge(const std::string& answer, const std::string& completion) {
  Problem problem;
  problem.answer = answer;
  const Verdict verdict = verify_number(problem, completion);
  EXPECT_EQ(verdict.reward, verdict.reason.empty() ? 1.0 : 0.0);
  return verdict.reason;
}

TEST(NumberAnswer, ReadsLikeAPerson) {
  const std::pair<const char*, const char*> right[] = {
      {"42", "The answer is 42."},
      {"42", "41 was my guess, but it is 42"},
      {"-3", "so x = -3"},
      {"-3", "x = −3."},
      {"3", "it is 5-3"},
      {"1234", "1,234 in all"},
      {"1,234,567", "1234567"},
      {"1234.5", "$1,234.50"},
      {"-5", "-$5"},
      {"3/4", "0.75"},
      {"0.50", "1/2"},
      {"3/4", "6 / 8"},
      {"-3/4", "-0.75"},
      {"0.5", ".5"},
      {"0.5", "about .5."},
      {"100000", "1e5"},
      {"0.0015", "1.5E-3"},
      {"42", "042"},
      {"0", "-0"},
      {"2", "a list: 1, 2"},
      {"1234", "1{,}234"},
      {"1234", "1,\\!234"},
      {"3/4", "$\\frac{3}{4}$"},
      {"-3/4", "-\\dfrac{3}{4}"},
      {"-3/4", "\\frac{-3}{4}"},
      {"-3/4", "3/-4"},
      {"50", "50%"},
      {"#### 42", "42"},
      {"7", "(0,7)"},
      {"42", "**42**"},
  };
  for (const auto& [answer, completion] : right)
    EXPECT_EQ(judge(answer, completion), "") << answer << " | " << completion;
}

TEST(NumberAnswer, RefusesOtherValues) {
  const std::pair<const char*, const char*> wrong[] = {
      {"42", "42 or 43"},     {"5", "1e5"},   {"4", "3/4"},   {"234", "1,234"},
      {"-3", "5-3"},          {"3", "-3"},    {"42", "４２"}, {"42", "٤٢"},
      {"42", "forty-two"},    {"42", ""},     {"3", "3/0"},   {"3", "1/2/3"},
      {"50", "0.5"},          {"42", "42.1"}, {"0", "no"},    {"0.3", "0.30000000000000001"},
      {"2024", "2024/01/15"},
  };
  for (const auto& [answer, completion] : wrong)
    EXPECT_NE(judge(answer, completion), "") << answer << " | " << completion;
  EXPECT_EQ(judge("42", "none"), "no number");
  EXPECT_EQ(judge("42", "43"), "another number than 42");
  EXPECT_EQ(judge("3", "3/0"), "the number has no single value");
}

TEST(NumberAnswer, BoxesComeFirst) {
  EXPECT_EQ(judge("42", "\\boxed{42}, checked against 17"), "");
  EXPECT_EQ(judge("42", "\\boxed{42} and again \\boxed{42.0}"), "");
  EXPECT_EQ(judge("3/4", "$\\boxed{\\frac{3}{4}}$"), "");
  EXPECT_EQ(judge("42", "\\boxed{\\text{x} = 42}"), "");
  EXPECT_EQ(judge("42", "\\boxed{41} or \\boxed{42}"), "two boxes differ");
  EXPECT_EQ(judge("42", "\\boxed{42} or \\boxed{41}"), "two boxes differ");
  EXPECT_EQ(judge("42", "\\boxed{41, 42}"), "a box does not hold exactly one number");
  EXPECT_EQ(judge("42", "\\boxed{} 42"), "a box does not hold exactly one number");
  EXPECT_EQ(judge("42", "42 \\boxed{42"), "a box is not closed");
  EXPECT_EQ(judge("42", "\\boxed{41} so 42"), "another number than 42");
  EXPECT_EQ(judge("\\boxed{42}", "42"), "");
}

TEST(NumberAnswer, AnyLengthIsExact) {
  const std::string big = "1" + std::string(400, '0');
  EXPECT_EQ(judge(big, big), "");
  EXPECT_EQ(judge(big, "1e400"), "");
  EXPECT_NE(judge(big, big + "0"), "");
  EXPECT_NE(judge(big + ".5", big), "");
  EXPECT_EQ(judge("0." + std::string(30, '3'), "0." + std::string(30, '3') + "0"), "");
  EXPECT_NE(judge("5", "5e999999999999999999999999"), "");
  EXPECT_NE(judge("1", "99999999999999999999/99999999999999999998"), "");
}

TEST(NumberAnswer, AReferenceWithoutNumberIsNeverMet) {
  EXPECT_EQ(judge("none", "none"), "the reference answer is no number: no number");
}

TEST(NumberAnswer, HostileTextsTakeLinearTime) {
  const auto start = std::chrono::steady_clock::now();
  std::string boxes, groups = "1";
  for (int i = 0; i < 100000; ++i) boxes += "\\boxed{", groups += ",234";
  for (const std::string& text : {boxes, groups, boxes + "1" + std::string(100000, '}'), std::string(1 << 18, '9'),
                                  std::string(1 << 18, '-'), std::string(1 << 18, '/'), "1" + std::string(1 << 18, ' '),
                                  std::string(1 << 18, '{'), std::string(1 << 18, '\\')}) {
    judge("42", text);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 5);
}

}  // namespace
}  // namespace hone::tasks
