#include "hone/tasks/countdown.h"

#include <gtest/gtest.h>

namespace hone::tasks {
namespace {

Problem problem(std::vector<int64_t> numbers, int64_t target) {
  Problem made;
  made.prompt = countdown_prompt(numbers, target);
  made.numbers = std::move(numbers);
  made.target = target;
  return made;
}

const Problem& usual() {
  static const Problem kProblem = problem({3, 7, 12}, 43);
  return kProblem;
}

// "" when right; the reason when wrong.
std::string judge(const Problem& p, const std::string& completion) {
  const Verdict verdict = verify_countdown(p, completion);
  EXPECT_EQ(verdict.reward, verdict.reason.empty() ? 1.0 : 0.0);
  return verdict.reason;
}

TEST(VerifyCountdown, AcceptsBothNotations) {
  for (const char* right : {"3 * 12 = 36 ; 36 + 7 = 43", "12*3=36;7+36=43", " 3 * 12 = 36 ;\n36 + 7 = 43 \n",
                            "( 3 * 12 ) + 7", "3 * 12 + 7", "7+12*3", "((7)+((12*3)))"}) {
    EXPECT_EQ(judge(usual(), right), "") << right;
  }
  EXPECT_EQ(judge(problem({7}, 7), "7"), "");
}

TEST(VerifyCountdown, ArithmeticIsExact) {
  EXPECT_EQ(judge(problem({3, 3, 8, 8}, 24), "8 / ( 3 - 8 / 3 )"), "");
  EXPECT_EQ(judge(problem({3, 3, 8, 8}, 24), "8 / 3 = (8/3) ; 3 - (8/3) = (1/3) ; 8 / (1/3) = 24"), "");
  EXPECT_EQ(judge(problem({3, 3, 8, 8}, 24), "8 / 3 = (16/6) ; 3 - (8/3) = (1/3) ; 8 / (1/3) = 24"), "");
  EXPECT_EQ(judge(problem({3, 7, 10}, 6), "3 - 7 = -4 ; -4 + 10 = 6"), "");
  EXPECT_EQ(judge(problem({3, 7, 10}, 6), "3 - 7 = -4 ; 10 - -4 = 14"), "ends at 14, not 6");
  EXPECT_EQ(judge(problem({1, 3, 3}, 1), "1 / 3 * 3"), "");
  EXPECT_EQ(judge(problem({7, 2}, 3), "7 / 2 = 3"), "7 / 2 = 7/2, not 3");
  EXPECT_EQ(judge(problem({7, 2}, 3), "7 / 2"), "ends at 7/2, not 3");
}

TEST(VerifyCountdown, EveryNumberExactlyOnce) {
  EXPECT_EQ(judge(usual(), "36 + 7"), "uses 36, which is not there");
  EXPECT_EQ(judge(usual(), "12 * 3 + 7 + 7 - 7"), "uses 7 more often than it is there");
  EXPECT_EQ(judge(problem({3, 7, 43}, 43), "43"), "does not use 3");
  EXPECT_EQ(judge(problem({3, 7, 36}, 43), "36 + 7 = 43"), "does not use 3");
  EXPECT_EQ(judge(problem({4, 4, 2}, 8), "4 + 4"), "does not use 2");
  EXPECT_EQ(judge(problem({4, 4, 2}, 10), "4 + 4 + 2"), "");
  EXPECT_EQ(judge(problem({4, 5, 2}, 10), "4 + 4 + 2"), "uses 4 more often than it is there");
}

// The official verifier of Stream of Search never consumes numbers and scores this trace 0.997.
TEST(VerifyCountdown, AnIntermediateResultIsUsedOnce) {
  EXPECT_EQ(judge(problem({4, 5, 90, 91}, 40), "4 * 5 = 20 ; 20 + 20 = 40"), "uses 20 more often than it is there");
  EXPECT_EQ(judge(problem({4, 5, 90, 91}, 40), "4*5=20 ; 91-90=1 ; 20+20=40"), "uses 20 more often than it is there");
  EXPECT_EQ(judge(problem({4, 5, 20}, 40), "4 * 5 = 20 ; 20 + 20 = 40"), "");
  EXPECT_EQ(judge(usual(), "3 * 12 = 36 ; 3 + 7 = 10"), "uses 3 more often than it is there");
  EXPECT_EQ(judge(usual(), "3 * 12 = 36 ; 7 + 36 = 43 ; 43 + 0 = 43"), "uses 0, which is not there");
}

TEST(VerifyCountdown, StatedStepsMustBeTrue) {
  EXPECT_EQ(judge(usual(), "3 * 12 = 38 ; 38 + 7 = 43"), "3 * 12 = 36, not 38");
  EXPECT_EQ(judge(usual(), "3 * 12 = 36 ; 36 - 7 = 29"), "ends at 29, not 43");
  EXPECT_EQ(judge(usual(), "43 = 43"), "a step is not a op b = c: stopped at \"=\"");
  EXPECT_EQ(judge(usual(), "3 * 12 + 7 = 43"), "a step is not a op b = c: stopped at \"+\"");
}

TEST(VerifyCountdown, DivisionByZeroAndOverflow) {
  EXPECT_EQ(judge(problem({5, 5, 3}, 3), "3 / ( 5 - 5 )"), "divides by 0");
  EXPECT_EQ(judge(problem({5, 5, 3}, 3), "5 - 5 = 0 ; 3 / 0 = 3"), "3 / 0 divides by 0");
  EXPECT_EQ(judge(problem({5, 5, 3}, 3), "5 - 5 = 0 ; 3 / (0/0) = 3").substr(0, 11), "a step is n");
  const int64_t big = 999'999'999'999'999'999;
  const std::string b = std::to_string(big);
  EXPECT_EQ(judge(problem({big, big, 1}, 1), b + " * " + b + " * 1"), "a value is too large");
  EXPECT_EQ(judge(problem({big, big, 1}, 1), b + " * " + b + " = 1 ; 1 * 1 = 1"), b + " * " + b + " is too large");
  EXPECT_EQ(judge(usual(), std::string(400, '9')), "a number of 400 digits");
  EXPECT_EQ(judge(usual(), "(3*12)+7+0*1" + std::string(40, '0')), "a number of 41 digits");
  EXPECT_EQ(judge(usual(), std::string(1 << 20, '9')), "longer than 4096 bytes");
}

TEST(VerifyCountdown, RefusesAnythingAround) {
  for (const char* wrong : {"3 * 12 + 7 .",
                            "3 * 12 = 36 ; 36 + 7 = 43 ;",
                            "3 * 12 = 36 ; 36 + 7 = 43 43",
                            "3 * 12 + 7 ; 3 * 12 + 7",
                            "3 * 12 = 36 ; 36 + 7 = 43 ; 3 * 12 = 36 ; 36 + 7 = 43",
                            "3 * 12 + 7 3 * 12 + 7",
                            "3 * 12 + 7 )",
                            "( 3 * 12 + 7",
                            "3 7 12 -> 43 :",
                            "3 7 12 -> 43 : 3 * 12 + 7",
                            "answer: 3 * 12 + 7",
                            "3 * 12 + 7 # 1",
                            "3 × 12 + 7",
                            "３ * 12 + 7",
                            "3 ** 12 + 7",
                            "3 * 12 + + 7",
                            "+3 * 12 + 7",
                            "-3 * -12 + 7",
                            "3(12)+7",
                            "()",
                            "3 * 12 + 7\\0",
                            "3.0 * 12 + 7",
                            "3,7,12",
                            "=",
                            ";",
                            "= = =",
                            "3 * 12 = ; 36 + 7 = 43",
                            "",
                            " \n\t"}) {
    EXPECT_NE(judge(usual(), wrong), "") << wrong;
  }
  EXPECT_NE(judge(usual(), std::string("3 * 12 + 7\0", 11)), "");
  EXPECT_NE(judge(usual(), "3 * 12 + 7\u00A0"), "");
  EXPECT_EQ(judge(usual(), ""), "empty");
  EXPECT_EQ(judge(usual(), "3 × 12 + 7"), "unexpected byte 0xC3");
}

TEST(VerifyCountdown, AnOpinionInFrontEarnsAndCostsNothing) {
  for (const char* right : {"wrong : 3 * 12 = 36 ; 36 + 7 = 43", "right : 3 * 12 + 7", "right: 3*12+7"}) {
    EXPECT_EQ(judge(usual(), right), "") << right;
  }
  for (const char* wrong : {"wrong : 36 + 7", "right :", "right", "right 3 * 12 + 7", "right : wrong : 3 * 12 + 7",
                            "wrongly : 3 * 12 + 7", "Right : 3 * 12 + 7", "3 * 12 + 7 right :"}) {
    EXPECT_NE(judge(usual(), wrong), "") << wrong;
  }
}

TEST(VerifyCountdown, DeepAndLongTextsAreRefusedQuickly) {
  EXPECT_EQ(judge(usual(), std::string(4000, '(')), "brackets deeper than 64");
  EXPECT_EQ(judge(usual(), std::string(10'000'000, '(')), "longer than 4096 bytes");
  const std::string nested = std::string(60, '(') + "3*12" + std::string(60, ')') + "+7";
  EXPECT_EQ(judge(usual(), nested), "");
  std::string ones = "1";
  for (int i = 0; i < 1000; ++i) ones += "+1";
  EXPECT_EQ(judge(usual(), ones), "uses 1, which is not there");
  std::string sevens = "7";
  for (int i = 0; i < 2000; ++i) sevens += "*7";
  EXPECT_EQ(judge(usual(), sevens), "a value is too large");
}

TEST(VerifyCountdown, AProblemWithoutNumbersHasNoAnswer) {
  EXPECT_EQ(judge(Problem{}, "0"), "the problem has no numbers");
}

}  // namespace
}  // namespace hone::tasks
