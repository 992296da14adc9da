#include "hone/evaluate/pass_at_k.h"

#include "hone/base/error.h"
#include "hone/evaluate/test_models.h"

#include <gtest/gtest.h>

#include <array>

namespace hone::evaluate {
namespace {

using train::expect_error;
using train::TempFolder;

TEST(PassAtK, HandValues) {
  EXPECT_DOUBLE_EQ(pass_at_k_estimate(4, 1, 1), 0.25);
  EXPECT_DOUBLE_EQ(pass_at_k_estimate(4, 1, 2), 0.5);          // 1 − C(3,2)/C(4,2) = 1 − 3/6
  EXPECT_DOUBLE_EQ(pass_at_k_estimate(5, 2, 2), 0.7);          // 1 − C(3,2)/C(5,2) = 1 − 3/10
  EXPECT_NEAR(pass_at_k_estimate(10, 3, 4), 5.0 / 6, 1e-12);   // 1 − C(7,4)/C(10,4) = 1 − 35/210
  EXPECT_EQ(pass_at_k_estimate(7, 0, 3), 0);
  EXPECT_EQ(pass_at_k_estimate(7, 7, 1), 1);                   // c = n
  EXPECT_EQ(pass_at_k_estimate(7, 7, 7), 1);
  EXPECT_EQ(pass_at_k_estimate(7, 1, 7), 1);                   // k = n: one right is enough
  EXPECT_EQ(pass_at_k_estimate(7, 0, 7), 0);
  EXPECT_EQ(pass_at_k_estimate(1, 1, 1), 1);
  EXPECT_EQ(pass_at_k_estimate(1, 0, 1), 0);
  EXPECT_EQ(pass_at_k_estimate(7, 4, 4), 1);                   // any 4 of 7 hold one of the 4: only 3 are wrong
}

// Counted over every subset of k of n samples, the first c of which are right.
TEST(PassAtK, IsTheShareOfSubsetsWithARightSample) {
  constexpr int n = 9;
  for (int c = 0; c <= n; ++c) {
    for (int k = 1; k <= n; ++k) {
      double subsets = 0, passing = 0;
      for (unsigned set = 0; set < 1u << n; ++set) {
        if (__builtin_popcount(set) != k) continue;
        ++subsets;
        passing += (set & ((1u << c) - 1)) != 0;
      }
      EXPECT_NEAR(pass_at_k_estimate(n, c, k), passing / subsets, 1e-12) << c << " " << k;
    }
  }
}

TEST(PassAtK, LargeNumbersDoNotOverflow) {
  EXPECT_NEAR(pass_at_k_estimate(100000, 1, 50000), 0.5, 1e-9);
  EXPECT_NEAR(pass_at_k_estimate(4096, 2048, 1), 0.5, 1e-9);
  EXPECT_LE(pass_at_k_estimate(4096, 4000, 96), 1);
}

TEST(PassAtK, ImpossibleCountsAreRefused) {
  const std::array<int, 3> impossible[] = {{4, 5, 1}, {4, -1, 1}, {4, 1, 0}, {4, 1, 5}, {0, 0, 1}};
  for (const auto& x : impossible)
    expect_error(ErrorKind::internal, {"pass@"}, [&] { pass_at_k_estimate(x[0], x[1], x[2]); });
}

TEST(PassAtK, CountsTheRightSamplesOfAModel) {
  const auto model = small_model();
  const auto problems = smoke_problems(20);
  base::Pool one(train::test_threads(1)), two(2, tensor::set_single_threaded);
  const PassOptions options{.samples = 5, .max_tokens = 6};
  const auto passes = pass_at_k(model, problems, even, options, one, Rng(1));
  EXPECT_EQ(to_json(passes), to_json(pass_at_k(model, problems, even, options, two, Rng(1))));
  EXPECT_EQ(to_json(pass_from_json(to_json(passes))), to_json(passes));
  ASSERT_EQ(passes.size(), 20u);
  // By the road that rollouts take in training, with the numbers that the seed gives.
  const auto requests = rewards::make_requests(problems, model.tokenizer, {1, "auto", 6}, 5);
  const generate::Engine engine(model.decoder, one);
  const auto rollouts = engine.roll(requests, {}, Rng(1).fork("samples"));
  const auto attempts = rewards::judge(rollouts, problems, even, model.tokenizer, one);
  int64_t right = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    int64_t expected = 0;
    for (std::size_t s = 0; s < 5; ++s) expected += attempts[5 * i + s][0].verdict.reward > 0.5;
    EXPECT_EQ(passes[i].right, expected);
    EXPECT_EQ(passes[i].samples, 5);
    right += expected;
  }
  EXPECT_GT(right, 0);
  TwoTurnOptions greedy;
  greedy.dialogue = {1, "auto", 6};
  const auto answers = two_turn(model, problems, even, greedy, one, Rng(9));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(passes[i].greedy.text, answers[i].first.text);
}

rewards::Attempt answer(bool right) { return {right ? "4" : "5", {right ? 1.0 : 0.0, right ? "" : "odd"}}; }

// base: right 1 of 4, 0 of 4;  grpo: 2 of 4, 4 of 4.
TEST(PassSummary, WritesTheMeansOverProblems) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  const auto problems = smoke_problems(2);
  PassSummary summary(problems);
  summary.add("base", {{answer(true), 4, 1}, {answer(false), 4, 0}});
  summary.add("grpo", {{answer(false), 4, 2}, {answer(true), 4, 4}});
  summary.write(run.env, "grpo");
  const auto json = read_json(folder / "summary.json"), outcomes = read_json(folder / "outcomes.json");
  const auto mean = [&](const char* arm, const char* metric) {
    return json.at("arms").at(arm).at("values").at(metric).at("mean").get<double>();
  };
  EXPECT_DOUBLE_EQ(mean("base", "greedy"), 0.5);
  EXPECT_DOUBLE_EQ(mean("base", "pass1"), 0.125);  // (1/4 + 0) / 2
  EXPECT_DOUBLE_EQ(mean("base", "pass4"), 0.5);    // (1 + 0) / 2
  EXPECT_DOUBLE_EQ(mean("grpo", "pass1"), 0.75);   // (1/2 + 1) / 2
  EXPECT_DOUBLE_EQ(mean("grpo", "pass4"), 1);
  EXPECT_FALSE(json.at("arms").at("base").at("values").contains("pass16"));
  EXPECT_EQ(outcomes.at("arms").at("grpo").at("pass1"), Json::array({0.5, 1}));
  EXPECT_EQ(json.at("improved"), "grpo");
  EXPECT_EQ(json.at("held_out"), 2);
  // One right and one wrong greedy answer of the last arm, in the order of the problems.
  ASSERT_EQ(json.at("transcripts").size(), 2u);
  EXPECT_EQ(json.at("transcripts")[0].at("kind"), "right");
  EXPECT_EQ(json.at("transcripts")[0].at("prompt"), problems[1].prompt);
  EXPECT_EQ(json.at("transcripts")[1].at("turns"), Json::array({{{"text", "5"}, {"verdict", "wrong: odd"}}}));
}

TEST(PassSummary, LeadsWithWhatTheRunWasAbout) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  const auto problems = smoke_problems(1);
  PassSummary summary(problems);
  summary.add("base", {{answer(true), 1, 1}});
  for (const char* name : {"kl", "gold"}) summary.also("base", {name, name, "", {{name, 1}}}, {1.5});
  summary.lead_with({"gold", "absent", "kl"});
  summary.write(run.env, "base");
  const auto json = read_json(folder / "summary.json");
  std::vector<std::string> names;
  for (const auto& metric : json.at("metrics")) names.push_back(metric.at("name"));
  EXPECT_EQ(names, (std::vector<std::string>{"gold", "kl", "greedy", "pass1"}));
}

}  // namespace
}  // namespace hone::evaluate
