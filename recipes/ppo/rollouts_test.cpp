#include "recipes/ppo/rollouts.h"

#include "hone/data/search_records.h"
#include "hone/tasks/search/check.h"
#include "hone/tasks/search/solvers.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace hone::recipes::ppo {
namespace {

// Two sequences of 5 and 4 tokens; the prompt's two carry nothing.
Batch by_hand() {
  Batch batch{.reward = {1, 0.25}};
  for (const std::size_t tokens : {5, 4}) {
    data::Example e{.ids = text::Ids(tokens, 3), .loss_mask = std::vector<uint8_t>(tokens, 1)};
    e.loss_mask[0] = e.loss_mask[1] = 0;
    e.advantage.assign(tokens, 0);
    e.behavior.assign(tokens, -1);
    e.reference.assign(tokens, -1.5f);  // every token is half a nat more likely than under the reference
    batch.policy.push_back(std::move(e));
  }
  return batch;
}

TEST(PpoRollouts, RewardsAreThePenaltyAndTheVerdictAtTheEnd) {
  const auto reward = token_rewards(by_hand(), 0.2);
  const auto expected = at::tensor({0.0f, 0.0f, -0.1f, -0.1f, 0.9f, /**/ 0.0f, 0.0f, -0.1f, 0.15f, 0.0f}).view({2, 5});
  EXPECT_TRUE(at::allclose(reward, expected));
  EXPECT_EQ(sequence_kl(by_hand().policy), (std::vector<double>{1.5, 1.0}));
  EXPECT_EQ(mean_length(by_hand().policy), 2.5);
}

// γ = λ = 1 without a penalty: the return is the reward everywhere, and the advantage what the critic did not expect.
TEST(PpoRollouts, AdvantagesAndReturnsByHand) {
  auto batch = by_hand();
  Options o;
  o.critic.trace = 1;
  o.whiten = "nothing";
  const std::vector<std::vector<float>> values = {{9, 9, 0.5f, 0.25f, 0.75f}, {9, 9, 0.5f, 0}};
  const double explained = add_advantages(batch, values, o, 0);
  EXPECT_EQ(batch.policy[0].advantage, (std::vector<float>{0, 0, 0.5f, 0.75f, 0.25f}));
  EXPECT_EQ(batch.policy[1].advantage, (std::vector<float>{0, 0, -0.25f, 0.25f}));
  EXPECT_EQ(batch.critic[0].advantage, (std::vector<float>{0, 0, 1, 1, 1}));
  EXPECT_EQ(batch.critic[1].advantage, (std::vector<float>{0, 0, 0.25f, 0.25f}));
  EXPECT_EQ(batch.critic[1].behavior[3], 0);
  // Returns 1, 1, 1, ¼, ¼ around 0.7: Σ² = 0.675. Errors ½, ¾, ¼, −¼, ¼ around 0.3: Σ² = 0.55.
  EXPECT_NEAR(explained, 1 - 0.55 / 0.675, 1e-6);
  o.whiten = "advantages";
  add_advantages(batch, values, o, 0);
  double sum = 0, squares = 0;
  for (const auto& e : batch.policy)
    for (const float a : e.advantage) sum += a, squares += static_cast<double>(a) * a;
  EXPECT_NEAR(sum, 0, 1e-5);
  EXPECT_NEAR(squares / 4, 1, 1e-5);  // 5 places, unbiased
}

// A batch that earns nothing teaches nothing: rounding in the penalty is not made a signal.
TEST(PpoRollouts, RoundingIsNotWhitened) {
  auto batch = by_hand();
  batch.reward = {0, 0};
  for (auto& e : batch.policy) e.reference = e.behavior;
  batch.policy[0].reference[3] += 1e-6f;
  add_advantages(batch, {std::vector<float>(5), std::vector<float>(4)}, Options{}, 0.05);
  for (const auto& e : batch.policy)
    for (const float a : e.advantage) EXPECT_LT(std::abs(a), 1e-6);
}

TEST(PpoRollouts, AGroupIsItsOwnBaseline) {
  auto batch = by_hand();
  Options o;
  o.samples = 2;
  add_group_advantages(batch, o, 0.3);
  EXPECT_GT(batch.policy[0].advantage[3], 0.7f);
  EXPECT_NEAR(batch.policy[1].advantage[3], -batch.policy[0].advantage[3], 1e-6);
  EXPECT_EQ(batch.policy[0].advantage[1], 0);
  EXPECT_EQ(batch.policy[0].kl_weight[4], 0.3f);
}

// A right search earns the more the fewer nodes it tried, a wrong one nothing: through the tokens, as the recipe does.
TEST(PpoRollouts, ShortRightSearchesEarnMost) {
  namespace search = tasks::search;
  const auto& world = tasks::countdown_world("cd3-demo");
  const auto tokenizer = data::search_tokenizer(world);
  base::Pool pool(1);
  tasks::Problem problem;
  problem.numbers = {3, 7, 12};
  problem.target = 43;
  std::vector<generate::Rollout> rollouts;
  std::vector<double> expected;
  for (const auto& solver : search::all_solvers()) {
    const auto trace = search::run_solver(world, solver, problem.numbers, problem.target, Rng(1));
    const auto prompt = search::compact_prompt(problem.numbers, problem.target);
    const auto ids = tokenizer.encode(search::write_compact(trace).substr(prompt.size() + 1));
    rollouts.push_back({.turns = {{.ids = ids, .logprobs = std::vector<float>(ids.size())}}});
    expected.push_back(search::rating(trace, 3, {search::is_solved(trace) ? 1.0 : 0.0, ""}));
  }
  const std::vector<tasks::Problem> problems = {problem};
  const std::vector<generate::Request> requests(1);
  EXPECT_EQ(rating_reward(tokenizer, pool)({problems, requests, rollouts}), expected);
  EXPECT_GT(std::set<double>(expected.begin(), expected.end()).size(), 3u);
}

}  // namespace
}  // namespace hone::recipes::ppo
