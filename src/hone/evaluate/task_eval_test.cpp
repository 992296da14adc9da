#include "hone/evaluate/task_eval.h"

#include "hone/evaluate/pass_at_k.h"
#include "hone/evaluate/test_models.h"

#include <gtest/gtest.h>

namespace hone::evaluate {
namespace {

bool go_on(const std::vector<Answers>&) { return true; }

std::vector<Answers> answered(const models::Model& model, const std::vector<tasks::Problem>& problems,
                              const EvalOptions& options, int threads) {
  base::Pool pool(threads);
  return answer_problems(model, problems, even, options, pool, Rng(4), go_on);
}

TEST(TaskEval, IsPassAtKProblemByProblem) {
  const auto model = small_model();
  const auto problems = smoke_problems(70);  // more than one roll
  const EvalOptions options{.samples = 5, .max_tokens = 6};
  const auto answers = answered(model, problems, options, 2);
  base::Pool pool(1);
  const auto expected = pass_at_k(model, problems, even, {.samples = 5, .max_tokens = 6}, pool, Rng(4));
  ASSERT_EQ(answers.size(), 70u);
  int64_t right_samples = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].greedy.text, expected[i].greedy.text);
    EXPECT_EQ(answers[i].greedy.verdict.reward, expected[i].greedy.verdict.reward);
    ASSERT_EQ(answers[i].samples.size(), 5u);
    int64_t right = 0;
    for (const Answer& a : answers[i].samples) {
      right += a.verdict.reward > 0.5;
      EXPECT_GE(a.tokens, 1);
      EXPECT_LE(a.tokens, 6);
      if (a.finish == text::Finish::length) {
        EXPECT_EQ(a.verdict.reason, "cut at the length limit");
      }
    }
    EXPECT_EQ(right, expected[i].right) << i;
    right_samples += right;
  }
  EXPECT_GT(right_samples, 0);
}

TEST(TaskEval, ThreadsDoNotDecideAndTheCallerMayEndIt) {
  const auto model = small_model();
  const auto problems = smoke_problems(40);
  const EvalOptions options{.samples = 7, .max_tokens = 6};
  const auto one = answered(model, problems, options, 1), three = answered(model, problems, options, 3);
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].greedy.text, three[i].greedy.text);
    for (std::size_t s = 0; s < 7; ++s) EXPECT_EQ(one[i].samples[s].text, three[i].samples[s].text);
  }
  base::Pool pool(1);
  std::vector<int64_t> heard;
  const auto some = answer_problems(model, problems, even, options, pool, Rng(4), [&](const auto& so_far) {
    heard.push_back(static_cast<int64_t>(so_far.size()));
    EXPECT_GE(tokens_of(so_far), heard.back() * 8);  // a greedy and seven sampled completions of at least a token
    return false;
  });
  EXPECT_EQ(heard, (std::vector<int64_t>{32}));
  EXPECT_EQ(some.size(), 32u);
  EXPECT_EQ(some[31].greedy.text, one[31].greedy.text);
}

TEST(TaskEval, RoomForAnswers) {
  const auto model = small_model();  // context 40
  auto problems = smoke_problems(3);
  const auto encoder = rewards::encoder_of(model);
  EXPECT_EQ(room_for_answers(model, problems, encoder, 8), 8);
  const auto longest = static_cast<int64_t>(data::prompt_ids(problems[0], encoder).size());
  EXPECT_EQ(room_for_answers(model, {problems[0]}, encoder, 1000), 40 - longest);
  for (int i = 0; i < 6; ++i) problems[1].prompt += " " + problems[1].prompt;
  train::expect_error(ErrorKind::data, {problems[1].id, "context of this model is 40"},
                      [&] { room_for_answers(model, problems, encoder, 8); });
}

Answer answer(double reward, std::string reason = "") {
  return {"", text::Finish::stop, 1, {reward, std::move(reason)}};
}

TEST(TaskEval, Outcomes) {
  const std::vector<Answers> answers = {
      {answer(1), {answer(1), answer(0, "a"), answer(0, "b"), answer(0, "b"), answer(0, "b")}},
      {answer(0, "a"), {answer(0, "c"), answer(0, "c"), answer(0, "c"), answer(0, "c"), answer(0, "c")}}};
  const Outcomes outcomes = outcomes_of(answers);
  ASSERT_EQ(outcomes.size(), 4u);
  EXPECT_EQ(outcomes.at("greedy"), (std::vector<double>{1, 0}));
  EXPECT_EQ(outcomes.at("mean"), (std::vector<double>{0.2, 0}));
  EXPECT_DOUBLE_EQ(outcomes.at("pass4")[0], 0.8);  // 1 − C(4,4)/C(5,4) = 1 − 1/5
  EXPECT_EQ(outcomes.at("pass5"), (std::vector<double>{1, 0}));
  EXPECT_EQ(tokens_of(answers), 12);
  EXPECT_EQ(share_right(answers), 0.5);
  const auto reasons = reasons_of(answers);
  ASSERT_EQ(reasons.size(), 3u);
  EXPECT_EQ(reasons[0], (std::pair<std::string, int64_t>{"c", 5}));
  EXPECT_EQ(reasons[1].first, "b");
  EXPECT_EQ(reasons[2], (std::pair<std::string, int64_t>{"a", 2}));
  EXPECT_EQ(outcomes_of({{answer(1), {}}}).size(), 1u);
}

// 200 problems; the model is right on 120 of them, the other on 80 of those: paired, the difference is certain.
TEST(TaskEval, ComparesProblemByProblem) {
  Outcomes model, other;
  for (int i = 0; i < 200; ++i) {
    model["greedy"].push_back(i < 120);
    other["greedy"].push_back(i < 80);
  }
  const auto rows = metric_rows(model, &other, Rng(1));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].label, "greedy accuracy");
  EXPECT_DOUBLE_EQ(rows[0].value.mean, 0.6);
  EXPECT_DOUBLE_EQ(rows[0].other.mean, 0.4);
  EXPECT_NEAR(rows[0].difference.mean, 0.2, 1e-12);
  // A share of 0.2 of 200: ± 1.96 √(0.2·0.8/200) = ± 0.055, well inside what unpaired intervals would give (0.097).
  EXPECT_NEAR(rows[0].difference.low, 0.145, 0.02);
  EXPECT_NEAR(rows[0].difference.high, 0.255, 0.02);
  EXPECT_STREQ(words_of(rows[0].difference), "better");
  EXPECT_STREQ(words_of(metric_rows(other, &model, Rng(1))[0].difference), "worse");
  EXPECT_STREQ(words_of(metric_rows(model, &model, Rng(1))[0].difference), "no difference shown");
  other["greedy"].pop_back();
  EXPECT_THROW(metric_rows(model, &other, Rng(1)), Error);
}

TEST(TaskEval, RowsAreNamedAndOrdered) {
  Outcomes model;
  for (const char* name : {"greedy", "mean", "pass4", "pass16", "pass20"}) model[name] = {1, 0, 1};
  std::vector<std::string> labels;
  for (const auto& row : metric_rows(model, nullptr, Rng(1))) labels.push_back(row.label);
  EXPECT_EQ(labels,
            (std::vector<std::string>{"greedy accuracy", "mean of 20 samples", "pass@4", "pass@16", "pass@20"}));
}

}  // namespace
}  // namespace hone::evaluate
