#include "hone/tasks/verifiers.h"

#include "hone/base/files.h"
#include "hone/tasks/search/trace.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::tasks {
namespace {

using text::error_of;
using text::says;

std::string refusal(std::string_view row, std::string_view verifier) {
  return error_of([&] { parse_problems(row, "p.jsonl", verifier); });
}

TEST(Verifiers, ByName) {
  EXPECT_EQ(verifier_names(), (std::vector<std::string>{"exact", "number", "regex", "countdown", "game24", "search"}));
  Problem problem;
  problem.answer = "42";
  problem.numbers = {40, 2};
  problem.target = 42;
  EXPECT_EQ(make_verifier("exact")(problem, " 42\n").reward, 1);
  EXPECT_EQ(make_verifier("exact")(problem, "42.").reward, 0);
  EXPECT_EQ(make_verifier("exact")(problem, "4 2").reason, "differs from the answer");
  EXPECT_EQ(make_verifier("number")(problem, "it is 42.0").reward, 1);
  EXPECT_EQ(make_verifier("regex")(problem, "1423").reward, 1);
  EXPECT_EQ(make_verifier("countdown")(problem, "40 + 2").reward, 1);
  EXPECT_EQ(make_verifier("search")(problem, "40 + 2").reward, 0);
  EXPECT_EQ(error_of([] { make_verifier("numbr"); }), "usage: no verifier \"numbr\"; did you mean \"number\"?");
}

TEST(Verifiers, NeverThrow) {
  Problem problem;
  problem.answer = "(";
  for (const std::string& name : verifier_names()) {
    const Verifier verify = make_verifier(name);
    for (const std::string& text :
         {std::string(), std::string(1, '\0'), std::string("\xFF\xFE"), std::string(10000, '(')}) {
      EXPECT_EQ(verify(problem, text).reward, 0) << name;
      EXPECT_NE(verify(problem, text).reason, "") << name;
    }
  }
}

TEST(Problems, SearchesAreAskedInTheirOwnWords) {
  const auto problems = parse_problems(R"({"numbers": [3, 7, 12], "target": 43})", "p.jsonl", "search");
  EXPECT_EQ(problems[0].prompt, search::compact_prompt({3, 7, 12}, 43));
}

TEST(Problems, OfEveryShape) {
  const auto plain =
      parse_problems("{\"prompt\": \"2+2?\", \"answer\": 4, \"level\": 1}\n\n{\"prompt\":\"x\",\"answer\":\"3/4\"}",
                     "p.jsonl", "number");
  ASSERT_EQ(plain.size(), 2u);
  EXPECT_EQ(plain[0].id, "p.jsonl:1");
  EXPECT_EQ(plain[0].prompt, "2+2?");
  EXPECT_EQ(plain[0].answer, "4");
  EXPECT_EQ(plain[1].id, "p.jsonl:3");
  for (const char* row : {R"({"prompt": [{"role": "user", "content": "hi"}], "answer": "a"})",
                          R"({"messages": [{"role": "user", "content": "hi"}], "answer": "a"})"}) {
    const auto chat = parse_problems(row, "p.jsonl", "exact");
    EXPECT_EQ(chat[0].prompt, "");
    ASSERT_EQ(chat[0].messages.size(), 1u);
    EXPECT_EQ(chat[0].messages[0].content, "hi");
  }
}

TEST(Problems, OfCountdown) {
  const auto made = parse_problems(
      "{\"nums\": [44, 19, 35], \"target\": 98}\n{\"numbers\": [1, 2], \"target\": 3, \"prompt\": \"go\"}", "p.jsonl",
      "countdown");
  EXPECT_EQ(made[0].prompt, "44 19 35 -> 98 :");
  EXPECT_EQ(made[0].numbers, (std::vector<int64_t>{44, 19, 35}));
  EXPECT_EQ(made[0].target, 98);
  EXPECT_EQ(made[1].prompt, "go");
}

TEST(Problems, RefusedRowsNameFileLineAndField) {
  EXPECT_EQ(refusal(R"({"prompt": "x"})", "exact"), "data: p.jsonl:1: \"answer\" is missing");
  EXPECT_EQ(refusal("{\"prompt\": \"x\", \"answer\": \"a\"}\n{\"answer\": \"a\"}", "exact"),
            "data: p.jsonl:2: \"prompt\" (or \"messages\") is missing");
  EXPECT_TRUE(
      says(refusal(R"({"prompt": "x", "answer": [1]})", "exact"), "\"answer\" is neither a string nor a number"));
  EXPECT_TRUE(says(refusal(R"({"prompt": "x", "answer": " "})", "exact"), "\"answer\" is empty"));
  EXPECT_TRUE(says(refusal(R"({"prompt": "", "answer": "a"})", "exact"), "\"prompt\" is empty"));
  EXPECT_TRUE(says(refusal(R"({"prompt": 1, "answer": "a"})", "exact"), "\"prompt\""));
  EXPECT_TRUE(says(refusal(R"({"prompt": "x", "answer": "a("})", "regex"),
                   "data: p.jsonl:1: \"answer\" does not suit the verifier regex: missing closing parenthesis at 2"));
  EXPECT_TRUE(
      says(refusal(R"({"prompt": "x", "answer": "none"})", "number"), "does not suit the verifier number: no number"));
  EXPECT_TRUE(says(refusal(R"({"messages": [{"role": "assistant", "content": "a"}], "answer": "a"})", "exact"),
                   "ends with the assistant"));
  EXPECT_TRUE(says(refusal("", "exact"), "holds no row"));
  EXPECT_TRUE(says(refusal("{}", "exakt"), "did you mean \"exact\""));
}

TEST(Problems, RefusedCountdownRows) {
  EXPECT_TRUE(
      says(refusal(R"({"prompt": "x", "answer": "a"})", "countdown"), "\"numbers\" (or \"nums\") is not a list"));
  EXPECT_TRUE(says(refusal(R"({"nums": [], "target": 1})", "countdown"), "\"nums\" holds 0 numbers; allowed: 1 to 16"));
  EXPECT_TRUE(says(refusal(R"({"nums": [1, -2], "target": 1})", "countdown"), "\"nums\" is -2"));
  EXPECT_TRUE(says(refusal(R"({"nums": [1, 2.0], "target": 1})", "countdown"), "\"nums\" is 2.0"));
  EXPECT_TRUE(says(refusal(R"({"nums": [1, 1e30], "target": 1})", "countdown"), "\"nums\" is 1e+30"));
  EXPECT_TRUE(says(refusal(R"({"nums": [1, 18446744073709551615], "target": 1})", "countdown"), "expected an integer"));
  EXPECT_TRUE(says(refusal(R"({"nums": [1, 2]})", "countdown"), "\"target\" is missing"));
}

TEST(Problems, FromAFile) {
  const auto path = std::filesystem::path(testing::TempDir()) / "hone_verifiers_test.jsonl";
  base::write_file_atomic(path, "{\"prompt\": \"x\", \"answer\": \"a\"}\n");
  EXPECT_EQ(read_problems(path, "exact")[0].id, path.string() + ":1");
  std::filesystem::remove(path);
  EXPECT_TRUE(says(error_of([&] { read_problems(path, "exact"); }), "io: "));
}

}  // namespace
}  // namespace hone::tasks
