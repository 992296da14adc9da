#include "cli/command.h"

#include "cli/console.h"
#include "cli/help.h"
#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hone::cli {
namespace {

int nothing(const Call&) { return 0; }

constexpr Option kOptions[] = {{"--preset", "P", "a preset"}, {"--set", "A=B", "a value"}, {"--dry-run", "", "stop"}};
constexpr Command kVerb = {"run",    "summary", "<recipe>", 1, 2, "What it does.", "hone run a\nhone run b\nhone run c",
                           kOptions, &nothing};

Call parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "run");
  return parse(kVerb, "hone", words);
}

// The message of the error that `words` give.
std::string refusal(const std::vector<std::string>& words) {
  try {
    parsed(words);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "";
}

TEST(Command, CutsWordsIntoOperandsAndOptions) {
  const Call call = parsed({"score", "--preset", "demo", "--set=a=1", "--set", "b=-2", "-q", "other"});
  EXPECT_EQ(call.operands, (std::vector<std::string>{"score", "other"}));
  EXPECT_EQ(call.value("--preset"), "demo");
  EXPECT_EQ(call.values("--set"), (std::vector<std::string>{"a=1", "b=-2"}));
  EXPECT_TRUE(call.has("--quiet"));
  EXPECT_FALSE(call.has("--json"));
  EXPECT_EQ(call.value("--dry-run"), std::nullopt);
}

TEST(Command, LastValueWins) { EXPECT_EQ(parsed({"a", "--preset", "x", "--preset=y"}).value("--preset"), "y"); }

TEST(Command, TwoDashesEndTheOptions) {
  EXPECT_EQ(parsed({"--", "--preset", "-q"}).operands, (std::vector<std::string>{"--preset", "-q"}));
}

TEST(Command, NamesTheNearestOption) {
  EXPECT_NE(refusal({"a", "--presett", "x"}).find("did you mean \"--preset\""), std::string::npos);
}

TEST(Command, RefusesMissingAndUnexpectedValues) {
  EXPECT_NE(refusal({"a", "--preset"}).find("--preset needs a value"), std::string::npos);
  EXPECT_NE(refusal({"a", "--dry-run=yes"}).find("takes no value"), std::string::npos);
}

TEST(Command, CountsOperands) {
  EXPECT_NE(refusal({}).find("needs <recipe>"), std::string::npos);
  EXPECT_NE(refusal({"a", "b", "c"}).find("\"c\""), std::string::npos);
  EXPECT_TRUE(parsed({"--help"}).has("--help"));
}

TEST(Command, NumbersHaveRanges) {
  EXPECT_EQ(parsed({"a", "--preset", "1.5"}).number("--preset", 1, 0, 2), 1.5);
  EXPECT_EQ(parsed({"a"}).number("--preset", 7, 0, 2), 7);
  for (const char* text : {"2.1", "-1", "", "1x", "nan", "inf"}) {
    EXPECT_THROW(parsed({"a", "--preset", text}).number("--preset", 1, 0, 2), Error) << text;
  }
}

TEST(Command, ChoicesNameTheNearest) {
  constexpr const char* kWords[] = {"fp32", "bf16", "int8"};
  EXPECT_EQ(parsed({"a"}).choice("--preset", kWords), "fp32");
  EXPECT_EQ(parsed({"a", "--preset", "int8"}).choice("--preset", kWords), "int8");
  try {
    parsed({"a", "--preset", "int9"}).choice("--preset", kWords);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "--preset: no \"int9\"; did you mean \"int8\"?");
  }
}

TEST(Command, IntegersHaveRanges) {
  EXPECT_EQ(parsed({"a", "--preset", "12"}).integer("--preset", 1, 0, 20), 12);
  EXPECT_EQ(parsed({"a"}).integer("--preset", 7, 0, 20), 7);
  for (const char* text : {"21", "-1", "", "1x", "1.5", "99999999999999999999"}) {
    EXPECT_THROW(parsed({"a", "--preset", text}).integer("--preset", 1, 0, 20), Error) << text;
  }
}

TEST(Command, RunsFolderComesFromOptionThenEnvironment) {
  ::setenv("HONE_RUNS", "/from/environment", 1);
  EXPECT_EQ(parsed({"a"}).runs, "/from/environment");
  EXPECT_EQ(parsed({"a", "--runs", "here"}).runs, "here");
  ::unsetenv("HONE_RUNS");
  EXPECT_EQ(parsed({"a"}).runs, "runs");
}

TEST(Command, LineIsQuotedForAShell) {
  EXPECT_EQ(parsed({"a b", "--set", "x=it's"}).line(), "hone run 'a b' --set 'x=it'\\''s'");
  EXPECT_EQ(parsed({"score", "--preset", "demo"}).line(), "hone run score --preset demo");
}

TEST(Command, FindsVerbsByName) {
  const Command verbs[] = {kVerb};
  EXPECT_STREQ(find_verb(verbs, "run").name, "run");
  EXPECT_THROW(find_verb(verbs, "rnu"), Error);
}

}  // namespace
}  // namespace hone::cli
