#include "hone/objectives/actor_critic.h"

#include "hone/objectives/property_checks.h"

#include <cmath>

namespace hone::objectives {
namespace {

using testing::normal_BT;
using testing::Objective;

Advantages estimate(const std::vector<float>& reward, const std::vector<float>& value, const GaeOptions& options) {
  const auto row = [](const std::vector<float>& x) { return at::tensor(x).unsqueeze(0); };
  return gae(row(reward), row(value), at::ones({1, static_cast<int64_t>(reward.size())}, at::kBool), options);
}

void expect_row(const at::Tensor& x_BT, const std::vector<double>& expected) {
  ASSERT_EQ(x_BT.size(1), static_cast<int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(x_BT[0][static_cast<int64_t>(i)].item<double>(), expected[i], 1e-6) << i;
}

// By hand: δ = r + .9 V' − V = (.3, 1.03, −.43, 1.2, .2); Â from the end with γλ = .45.
TEST(Gae, FiveStepsByHand) {
  const auto a = estimate({0, 1, 0, 1, 1}, {0.6f, 1.0f, 1.15f, 0.8f, 0.8f}, {0.9, 0.5});
  const std::vector<double> delta = {0 + 0.9 * 1.0 - 0.6, 1 + 0.9 * 1.15 - 1.0, 0 + 0.9 * 0.8 - 1.15,
                                     1 + 0.9 * 0.8 - 0.8, 1 - 0.8};
  expect_row(at::tensor(delta).unsqueeze(0), {0.3, 1.035, -0.43, 0.92, 0.2});
  expect_row(a.advantage_BT, {0.3 + 0.45 * 1.035 + 0.2025 * -0.43 + 0.091125 * 0.92 + 0.04100625 * 0.2,
                              1.035 + 0.45 * -0.43 + 0.2025 * 0.92 + 0.091125 * 0.2, -0.43 + 0.45 * 0.92 + 0.2025 * 0.2,
                              0.92 + 0.45 * 0.2, 0.2});
  expect_row(a.return_BT - a.advantage_BT, {0.6, 1.0, 1.15, 0.8, 0.8});
}

TEST(Gae, TheEndsOfTheTrace) {
  const std::vector<float> reward = {0.5f, 0, 2}, value = {0.1f, -0.3f, 0.7f};
  expect_row(estimate(reward, value, {1, 1}).return_BT, {2.5, 2, 2});
  expect_row(estimate(reward, value, {1, 0}).return_BT, {0.5 - 0.3, 0 + 0.7, 2});
}

TEST(Gae, WhatIsNotAStepTakesNoTimeAndChangesNothing) {
  const auto mask = at::tensor({0, 1, 0, 1, 0}, at::kLong).to(at::kBool).unsqueeze(0);
  const auto full = [&](double first, double second) {
    auto x = at::full({1, 5}, std::nan(""));
    x[0][1] = first, x[0][3] = second;
    return x;
  };
  const auto a = gae(full(0, 1), full(0.25, 0.5), mask, {0.9, 0.8});
  const auto b = estimate({0, 1}, {0.25f, 0.5f}, {0.9, 0.8});
  EXPECT_FLOAT_EQ(a.advantage_BT[0][1].item<float>(), b.advantage_BT[0][0].item<float>());
  EXPECT_FLOAT_EQ(a.advantage_BT[0][3].item<float>(), b.advantage_BT[0][1].item<float>());
  EXPECT_EQ(a.advantage_BT.masked_select(mask.logical_not()).abs().sum().item<double>(), 0);
}

TEST(Gae, RefusesWhatItCannotAverage) {
  EXPECT_THROW(estimate({std::nanf("")}, {0}, {}), Error);
  EXPECT_THROW(estimate({0}, {INFINITY}, {}), Error);
  EXPECT_THROW(estimate({0}, {0}, {1.5, 0.9}), Error);
  EXPECT_THROW(gae(at::zeros({1, 2}), at::zeros({1, 3}), at::ones({1, 2}, at::kBool), {}), Error);
  EXPECT_EQ(gae(at::zeros({0, 3}), at::zeros({0, 3}), at::ones({0, 3}, at::kBool), {}).return_BT.numel(), 0);
}

TEST(Whitened, MeanAndDeviationOfTheTruePlaces) {
  const auto mask = testing::uneven_mask();
  const auto x = at::where(mask, normal_BT(5, 6, 3, 2, 1), at::full({}, std::nan(""), at::kDouble));
  const auto z = whitened(x, mask, Shift::to_zero).masked_select(mask).to(at::kDouble);
  EXPECT_NEAR(z.mean().item<double>(), 0, 1e-6);
  EXPECT_NEAR(z.std().item<double>(), 1, 1e-6);
  const auto kept = whitened(x, mask, Shift::keep).masked_select(mask).to(at::kDouble);
  EXPECT_NEAR(kept.mean().item<double>(), x.masked_select(mask).mean().item<double>(), 1e-6);
  EXPECT_EQ(whitened(x, at::zeros_like(mask), Shift::keep).abs().sum().item<double>(), 0);
  EXPECT_EQ(whitened(at::full({1, 1}, 5.0), at::ones({1, 1}, at::kBool), Shift::to_zero).item<double>(), 0);
  EXPECT_EQ(whitened(at::full({1, 3}, 5.0), at::ones({1, 3}, at::kBool), Shift::to_zero).abs().sum().item<double>(), 0);
}

TokenWeights weights(const at::Tensor& mask) { return token_weights(mask, Normalisation::dapo, 1); }

TEST(ValueLoss, Properties) {
  const std::vector<at::Tensor> inputs = {normal_BT(5, 6, 0, 1, 2), normal_BT(5, 6, 0, 1, 3), normal_BT(5, 6, 0, 1, 4)};
  for (const double range : {0.0, 0.2}) {
    testing::check_all_properties({[=](const auto& x, const at::Tensor& mask) {
                                     // Unclipped, old values are not looked at, whatever their shape.
                                     if (range == 0)
                                       require(x[1].defined() && x[1].sizes() == mask.sizes(), ErrorKind::internal,
                                               "old");
                                     return value_loss(x[0], x[1], x[2], weights(mask), range);
                                   },
                                   inputs, testing::uneven_mask()});
  }
  const auto one = [](double x) { return at::full({1, 1}, x, at::kDouble); };
  const auto mask = at::ones({1, 1}, at::kBool);
  EXPECT_DOUBLE_EQ(value_loss(one(2), one(0), one(1), weights(mask), 0).sum.item<double>(), 0.5);
  // Held at 0.2 the value is 0.8 away from the return, but the free one is farther.
  EXPECT_DOUBLE_EQ(value_loss(one(2), one(0), one(1), weights(mask), 0.2).sum.item<double>(), 0.5);
  EXPECT_DOUBLE_EQ(value_loss(one(1), one(0), one(1), weights(mask), 0.2).sum.item<double>(), 0.5 * 0.64);
}

TEST(ApaLoss, Properties) {
  const std::vector<at::Tensor> inputs = {normal_BT(5, 6, -1, 0.5, 2), normal_BT(5, 6, -1, 0.5, 3),
                                          normal_BT(5, 6, 0, 1, 4)};
  for (const auto kind : {Normalisation::dapo, Normalisation::grpo})
    testing::check_all_properties({[=](const auto& x, const at::Tensor& mask) {
                                     return apa_loss(x[0], x[1], x[2], token_weights(mask, kind, 1), 0.5, 10);
                                   },
                                   inputs, testing::uneven_mask()});
  EXPECT_THROW(apa_loss(inputs[0], inputs[1], inputs[2], weights(testing::uneven_mask()), -1, 1), Error);
}

// At the target the loss and its gradient vanish: π = β exp(c Â).
TEST(ApaLoss, IsZeroWhereThePolicyIsTheTarget) {
  const auto mask = testing::uneven_mask();
  const auto behavior = normal_BT(5, 6, -1, 0.5, 3), advantage = normal_BT(5, 6, 0, 1, 4);
  const auto logp = (behavior + 0.7 * advantage).requires_grad_();
  const auto loss = apa_loss(logp, behavior, advantage, weights(mask), 0.7, INFINITY);
  loss.sum.backward();
  EXPECT_NEAR(loss.sum.item<double>(), 0, 1e-20);
  EXPECT_NEAR(logp.grad().abs().max().item<double>(), 0, 1e-12);
}

TEST(ApaLoss, OneHugeAdvantageIsHeld) {
  const auto one = [](double x) { return at::full({1, 1}, x, at::kDouble); };
  const auto loss = apa_loss(one(-1), one(-1), one(1e6), weights(at::ones({1, 1}, at::kBool)), 1, 3);
  EXPECT_DOUBLE_EQ(loss.sum.item<double>(), 9);
}

TEST(AwrLoss, Properties) {
  testing::check_all_properties(
      {[](const auto& x, const at::Tensor& mask) { return awr_loss(x[0], x[1], weights(mask), 0.5, 3); },
       {normal_BT(5, 6, -1, 0.5, 2), normal_BT(5, 6, 0, 1, 4)},
       testing::uneven_mask()});
}

// PPO on one epoch of its own samples is REINFORCE with the critic's advantages.
TEST(ActorCritic, PpoAtTheBehaviorPolicyIsReinforceWithABaseline) {
  const auto mask = testing::uneven_mask();
  const auto behavior = normal_BT(5, 6, -1, 0.5, 2);
  const auto advantage = gae(normal_BT(5, 6, 0, 1, 5), normal_BT(5, 6, 0, 1, 6), mask, {}).advantage_BT.to(at::kDouble);
  const Objective ppo{
      [&](const auto& x, const at::Tensor& m) { return clipped_policy(x[0], behavior, advantage, weights(m), {}); },
      {behavior},
      mask};
  const Objective reinforce{
      [&](const auto& x, const at::Tensor& m) { return policy_gradient(x[0], advantage, weights(m)); },
      {behavior},
      mask};
  EXPECT_TRUE(at::allclose(testing::gradient(ppo), testing::gradient(reinforce), 1e-5, 1e-8));
}

TEST(KlController, FollowsItsTarget) {
  KlController fixed(0.05, 0, 0);
  fixed.update(100, 64);
  EXPECT_EQ(fixed.weight(), 0.05);
  KlController adaptive(0.1, 6, 1000);
  adaptive.update(12, 100);  // far above: held at +0.2
  EXPECT_NEAR(adaptive.weight(), 0.1 * 1.02, 1e-12);
  adaptive.update(5.4, 100);
  EXPECT_NEAR(adaptive.weight(), 0.1 * 1.02 * 0.99, 1e-12);
  KlController wild(0.1, 6, 1);
  wild.update(0, 100);  // never below 0
  EXPECT_EQ(wild.weight(), 0);
  EXPECT_THROW(KlController(-1, 0, 0), Error);
  EXPECT_THROW(KlController(0.1, 6, 0), Error);
}

TEST(BradleyTerry, LossAndGradientOfPairs) {
  const auto reward = at::tensor({1.0, 0.5, -0.2, 0.3}, at::kDouble).requires_grad_();
  const auto loss = bradley_terry_loss(reward, 0.1);
  const auto term = [](double gap) { return std::log1p(std::exp(-(gap - 0.1))); };
  EXPECT_NEAR(loss.sum.item<double>(), term(0.5) + term(-0.5), 1e-12);
  EXPECT_EQ(loss.count, 2);
  EXPECT_EQ(loss.metrics.at("accuracy"), 1);
  loss.sum.backward();
  const double sigmoid = 1 / (1 + std::exp(0.4));
  EXPECT_NEAR(reward.grad()[0].item<double>(), -sigmoid, 1e-12);
  EXPECT_NEAR(reward.grad()[1].item<double>(), sigmoid, 1e-12);
  EXPECT_THROW(bradley_terry_loss(at::zeros({3}), 0), Error);
  EXPECT_EQ(bradley_terry_loss(at::zeros({0}), 0).count, 0);
}

}  // namespace
}  // namespace hone::objectives
