#include "cli/use/eval_report.h"

#include <gtest/gtest.h>

#include <sstream>

namespace hone::cli {
namespace {

using evaluate::Answer;
using evaluate::Answers;

Answer answer(double reward, const char* reason = "") { return {"it is 4", text::Finish::stop, 3, {reward, reason}}; }

// 40 problems: the model is right on `right` of them, the other model on `others`.
struct Case {
  Case(int right, int others) {
    plan.model = "tuned";
    plan.other = "base";
    plan.task_name = "task.jsonl";
    plan.task.verifier = "number";
    for (int i = 0; i < 40; ++i) {
      task.problems.push_back({.id = "task.jsonl:" + std::to_string(i + 1), .prompt = "2 + 2\x1b[2J"});
      result.model.push_back({i < right ? answer(1) : answer(0, "another number"), {}});
      result.other.push_back({i < others ? answer(1) : answer(0, "no number"), {}});
    }
    result.name = "tuned";
    result.other_name = "base";
    result.max_tokens = 8;
    const auto model = evaluate::outcomes_of(result.model), other = evaluate::outcomes_of(result.other);
    result.rows = evaluate::metric_rows(model, &other, Rng(1));
  }
  std::string text() const { return eval_text(plan, task, result, Console(0, Tone::plain)); }

  EvalPlan plan;
  EvalTask task;
  EvalResult result;
};

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(EvalReport, SaysInWordsWhichIsBetter) {
  EXPECT_TRUE(says(Case(36, 8).text(), "tuned is better: greedy accuracy of tuned is 70.0 points above that of base"));
  EXPECT_TRUE(says(Case(8, 36).text(), "tuned is worse: greedy accuracy of tuned is 70.0 points below that of base"));
  EXPECT_TRUE(says(Case(21, 20).text(), "no difference is shown: "));
  EXPECT_TRUE(says(Case(20, 20).text(), "the same on every problem"));
}

TEST(EvalReport, ShowsWhatTheNumbersAreMadeOf) {
  const std::string text = Case(36, 8).text();
  for (const char* part : {"40 problems · verifier number", "90.0 % [", "20.0 % [", "+70.0 pts [", "4 × another number",
                           "for example task.jsonl:37", "said    it is 4", "but     another number"})
    EXPECT_TRUE(says(text, part)) << part << "\n" << text;
  EXPECT_FALSE(says(text, "\x1b")) << "what a file or a model says must not reach the terminal as control characters";
}

TEST(EvalReport, JsonHoldsTheSame) {
  const Case better(36, 8);
  const Json json = eval_json(better.plan, better.task, better.result);
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["problems"], 40);
  EXPECT_EQ(json["metrics"]["greedy"]["words"], "better");
  EXPECT_DOUBLE_EQ(json["metrics"]["greedy"]["model"]["mean"].get<double>(), 0.9);
  EXPECT_GT(json["metrics"]["greedy"]["difference"]["low"].get<double>(), 0.5);
  EXPECT_EQ(json["wrong"][0]["count"], 4);
  EXPECT_EQ(json["tokens"], 240);  // 80 completions of 3
}

TEST(EvalReport, EveryCompletionIsARow) {
  Case both(36, 8);
  both.result.model[0].samples = {answer(0, "no number"), answer(1)};
  both.task.problems[1].messages = {{"user", "2 + 2"}};
  std::istringstream lines(completions_text(both.plan, both.task, both.result));
  std::vector<Json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(base::parse_json(line, "row"));
  ASSERT_EQ(rows.size(), 82u);
  EXPECT_EQ(rows[0]["kind"], "greedy");
  EXPECT_EQ(rows[1]["kind"], "sample");
  EXPECT_EQ(rows[1]["sample"], 0);
  EXPECT_EQ(rows[1]["right"], false);
  EXPECT_EQ(rows[1]["reason"], "no number");
  EXPECT_EQ(rows[3]["messages"][0]["content"], "2 + 2");
  EXPECT_EQ(rows[42]["model"], "base");
}

}  // namespace
}  // namespace hone::cli
