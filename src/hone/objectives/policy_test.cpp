#include "hone/objectives/policy.h"

#include "hone/objectives/property_checks.h"

#include <cmath>

namespace hone::objectives {
namespace {

constexpr Normalisation kAll[] = {Normalisation::grpo, Normalisation::dapo, Normalisation::dr_grpo};

at::Tensor row(std::initializer_list<float> values) { return at::tensor(at::ArrayRef<float>(values)).view({1, -1}); }

TEST(PolicyGradient, HasTheFiveProperties) {
  for (Normalisation normalisation : kAll) {
    testing::check_all_properties(
        {.loss = [&](const auto& x,
                     const auto& mask) { return policy_gradient(x[0], x[1], token_weights(mask, normalisation, 8)); },
         .inputs_BT = {testing::normal_BT(5, 6, -1, 0.5, 1), testing::normal_BT(5, 6, 0, 1, 2)},
         .mask_BT = testing::uneven_mask()});
  }
}

TEST(ClippedPolicy, HasTheFiveProperties) {
  // Ratios between about 0.5 and 2 with a range of [0.8, 1.3]: some tokens are clipped, some are not.
  const at::Tensor logp_BT = testing::normal_BT(5, 6, -1, 0.5, 1);
  const at::Tensor behavior_BT = logp_BT + testing::normal_BT(5, 6, 0, 0.3, 3);
  for (Normalisation normalisation : kAll) {
    testing::check_all_properties({.loss =
                                       [&](const auto& x, const auto& mask) {
                                         return clipped_policy(x[0], x[1], x[2], token_weights(mask, normalisation, 8),
                                                               {.low = 0.2, .high = 0.3});
                                       },
                                   .inputs_BT = {logp_BT, behavior_BT, testing::normal_BT(5, 6, 0, 1, 2)},
                                   .mask_BT = testing::uneven_mask()});
  }
}

TEST(TokenWeights, ByHand) {
  // Two sequences of 4 and 1 tokens, and one empty row.
  const at::Tensor mask_BT = at::tensor({1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0}).to(at::kBool).view({3, 4});
  const TokenWeights grpo = token_weights(mask_BT, Normalisation::grpo, 10);
  EXPECT_EQ(grpo.count, 2);
  EXPECT_TRUE(at::equal(grpo.weight_BT[0], at::full({4}, 0.25)));
  EXPECT_EQ(grpo.weight_BT[1][2].item<float>(), 1);
  EXPECT_EQ(grpo.weight_BT.sum().item<float>(), 2);

  const TokenWeights dapo = token_weights(mask_BT, Normalisation::dapo, 10);
  EXPECT_EQ(dapo.count, 5);
  EXPECT_TRUE(at::equal(dapo.weight_BT, mask_BT.to(at::kFloat)));

  const TokenWeights dr_grpo = token_weights(mask_BT, Normalisation::dr_grpo, 10);
  EXPECT_EQ(dr_grpo.count, 2);
  EXPECT_TRUE(at::allclose(dr_grpo.weight_BT, 0.1 * mask_BT.to(at::kFloat)));

  for (Normalisation normalisation : kAll) {  // shares average
    const TokenWeights w = token_weights(mask_BT, normalisation, 10);
    EXPECT_FLOAT_EQ(w.share_BT.sum().item<float>(), static_cast<float>(w.count));
  }
  EXPECT_THROW(token_weights(mask_BT, Normalisation::dr_grpo, 0), Error);
  EXPECT_NO_THROW(token_weights(mask_BT, Normalisation::grpo, 0));
}

TEST(TokenWeights, SegmentsAreSequencesOfTheirOwn) {
  // The sequences of ByHand in two rows: 4 and 1 tokens behind a prompt, and one that is empty; then padding.
  const at::Tensor mask_BT = at::tensor({0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}).to(at::kBool).view({2, 7});
  const at::Tensor segments_BT =
      at::tensor(std::vector<int64_t>{0, 1, 1, 1, 1, 2, -1, 0, 0, 0, 3, -1, -1, -1}).view({2, 7});
  const TokenWeights grpo = token_weights(mask_BT, Normalisation::grpo, 10, segments_BT);
  EXPECT_EQ(grpo.count, 2);
  EXPECT_TRUE(at::allclose(grpo.weight_BT[0], at::tensor({0.0f, 0.25f, 0.25f, 0.25f, 0.25f, 1.0f, 0.0f})));
  EXPECT_EQ(grpo.weight_BT[1].abs().sum().item<float>(), 0);
  const TokenWeights dr_grpo = token_weights(mask_BT, Normalisation::dr_grpo, 10, segments_BT);
  EXPECT_EQ(dr_grpo.count, 2);
  EXPECT_TRUE(at::allclose(dr_grpo.weight_BT, 0.1 * mask_BT.to(at::kFloat)));
  EXPECT_TRUE(at::equal(dr_grpo.share_BT, grpo.share_BT));
  EXPECT_EQ(token_weights(mask_BT, Normalisation::dapo, 10, segments_BT).count, 5);
  EXPECT_THROW(token_weights(mask_BT, Normalisation::grpo, 10, segments_BT.narrow(1, 0, 3)), Error);
}

TEST(TokenWeights, ALongWrongAnswerIsPunishedLessPerTokenByGrpoOnly) {
  const at::Tensor mask_BT = at::tensor({1, 1, 1, 1, 1, 0, 0, 0}).to(at::kBool).view({2, 4});
  auto pull = [&](Normalisation normalisation, int64_t sequence) {
    return token_weights(mask_BT, normalisation, 4).weight_BT[sequence][0].item<float>();
  };
  EXPECT_LT(pull(Normalisation::grpo, 0), pull(Normalisation::grpo, 1));
  EXPECT_EQ(pull(Normalisation::dapo, 0), pull(Normalisation::dapo, 1));
  EXPECT_EQ(pull(Normalisation::dr_grpo, 0), pull(Normalisation::dr_grpo, 1));
}

TEST(PolicyGradient, ByHand) {
  // −(2·(−1) + 2·(−3) + (−0.5)·(−4)) = 6, over 3 tokens; the gradient is −A.
  const at::Tensor logp_BT = at::tensor({-1.0f, -3.0f, -4.0f, -9.0f}).view({2, 2}).requires_grad_();
  const at::Tensor advantage_BT = at::tensor({2.0f, 2.0f, -0.5f, -0.5f}).view({2, 2});
  const at::Tensor mask_BT = at::tensor({1, 1, 1, 0}).to(at::kBool).view({2, 2});
  const tensor::Loss loss = policy_gradient(logp_BT, advantage_BT, token_weights(mask_BT, Normalisation::dapo, 2));
  EXPECT_DOUBLE_EQ(loss.sum.item<double>(), 6);
  EXPECT_EQ(loss.count, 3);
  EXPECT_DOUBLE_EQ(loss.metrics.at("nll"), 8);          // 1 + 3 + 4
  EXPECT_DOUBLE_EQ(loss.metrics.at("advantage"), 3.5);  // 2 + 2 − 0.5
  loss.sum.backward();
  EXPECT_TRUE(at::equal(logp_BT.grad(), at::tensor({-2.0f, -2.0f, 0.5f, 0.0f}).view({2, 2})));
}

TEST(PolicyGradient, DescendingRaisesWhatDidWell) {
  const at::Tensor logp_BT = row({-1, -1}).requires_grad_();
  const TokenWeights tokens = token_weights(at::ones({1, 2}, at::kBool), Normalisation::grpo, 2);
  policy_gradient(logp_BT, row({1, -1}), tokens).sum.backward();
  EXPECT_LT(logp_BT.grad()[0][0].item<float>(), 0);  // descent goes up in log-prob
  EXPECT_GT(logp_BT.grad()[0][1].item<float>(), 0);
}

TEST(ClippedPolicy, ByHand) {
  // Ratios 1.5, 1.5, 0.5, 0.5, 1.1 with A = 1, −1, 1, −1, 2 and range [0.8, 1.3]:
  //   A =  1, ρ = 1.5: min(1.5, 1.3) = 1.3, clipped     A = −1, ρ = 1.5: min(−1.5, −1.3) = −1.5, pulls back
  //   A =  1, ρ = 0.5: min(0.5, 0.8) = 0.5, pulls back  A = −1, ρ = 0.5: min(−0.5, −0.8) = −0.8, clipped
  //   A =  2, ρ = 1.1: 2.2
  // L = −(1.3 − 1.5 + 0.5 − 0.8 + 2.2) = −1.7. Where it is not clipped the gradient is −ρ A.
  const at::Tensor ratio = row({1.5, 1.5, 0.5, 0.5, 1.1}).to(at::kDouble);
  const at::Tensor logp_BT = (ratio.log() - 2).requires_grad_();
  const at::Tensor behavior_BT = at::full({1, 5}, -2, at::kDouble);
  const TokenWeights tokens = token_weights(at::ones({1, 5}, at::kBool), Normalisation::dapo, 5);
  const tensor::Loss loss =
      clipped_policy(logp_BT, behavior_BT, row({1, -1, 1, -1, 2}).to(at::kDouble), tokens, {.low = 0.2, .high = 0.3});
  EXPECT_NEAR(loss.sum.item<double>(), -1.7, 1e-6);
  EXPECT_DOUBLE_EQ(loss.metrics.at("clip_fraction"), 2);
  EXPECT_NEAR(loss.metrics.at("ratio"), 5.1, 1e-6);
  EXPECT_NEAR(loss.metrics.at("approx_kl"), (ratio - 1 - ratio.log()).sum().item<double>(), 1e-12);
  loss.sum.backward();
  EXPECT_TRUE(at::allclose(logp_BT.grad(), row({0, 1.5, -0.5, 0, -2.2}).to(at::kDouble), 1e-6, 1e-6));
}

TEST(ClippedPolicy, OnItsOwnSamplesHasTheGradientOfThePolicyGradient) {
  const at::Tensor mask_BT = testing::uneven_mask(), advantage_BT = testing::normal_BT(5, 6, 0, 1, 2);
  for (Normalisation normalisation : kAll) {
    const TokenWeights tokens = token_weights(mask_BT, normalisation, 8);
    const at::Tensor a = testing::normal_BT(5, 6, -1, 0.5, 1).requires_grad_(), b = a.detach().clone().requires_grad_();
    const tensor::Loss clipped = clipped_policy(a, a.detach(), advantage_BT, tokens, {});
    clipped.sum.backward();
    policy_gradient(b, advantage_BT, tokens).sum.backward();
    EXPECT_TRUE(at::allclose(a.grad(), b.grad()));
    EXPECT_EQ(clipped.metrics.at("clip_fraction"), 0);
    EXPECT_NEAR(clipped.metrics.at("ratio"), clipped.count, 1e-6);
    EXPECT_EQ(clipped.metrics.at("approx_kl"), 0);
  }
}

TEST(ClippedPolicy, AMetricIsAnAverageUnderEveryNormalisation) {
  const at::Tensor mask_BT = testing::uneven_mask(), logp_BT = testing::normal_BT(5, 6, -1, 0.5, 1);
  for (Normalisation normalisation : kAll) {
    const tensor::Loss loss = clipped_policy(logp_BT, logp_BT - std::log(2.0), at::ones_like(logp_BT),
                                             token_weights(mask_BT, normalisation, 8), {});
    EXPECT_NEAR(loss.metrics.at("ratio") / loss.count, 2, 1e-6);
    EXPECT_NEAR(loss.metrics.at("clip_fraction") / loss.count, 1, 1e-6);
  }
}

TEST(ClippedPolicy, AbsurdRatiosStayFinite) {
  const at::Tensor logp_BT = row({-1, -1, -2000, -2000}).requires_grad_();
  const at::Tensor behavior_BT = row({-2000, -2000, -1, -1});
  const TokenWeights tokens = token_weights(at::ones({1, 4}, at::kBool), Normalisation::grpo, 4);
  const tensor::Loss loss = clipped_policy(logp_BT, behavior_BT, row({1, -1, 1, -1}), tokens, {});
  loss.sum.backward();
  EXPECT_TRUE(std::isfinite(loss.sum.item<double>()));
  EXPECT_TRUE(at::equal(logp_BT.grad(), at::zeros({1, 4})));
}

TEST(Policy, NoAdvantageNoGradient) {
  const at::Tensor logp_BT = row({-1, -2}).requires_grad_();
  const TokenWeights tokens = token_weights(at::ones({1, 2}, at::kBool), Normalisation::grpo, 2);
  const at::Tensor zero = at::zeros({1, 2});
  (policy_gradient(logp_BT, zero, tokens).sum + clipped_policy(logp_BT, row({-1, -1}), zero, tokens, {}).sum)
      .backward();
  EXPECT_TRUE(at::equal(logp_BT.grad(), zero));
}

TEST(Policy, OnlyLogpCarriesGradient) {
  const at::Tensor logp_BT = row({-1}).requires_grad_(), other = row({-2}).requires_grad_();
  const TokenWeights tokens = token_weights(at::ones({1, 1}, at::kBool), Normalisation::grpo, 2);
  clipped_policy(logp_BT, other, other, tokens, {.low = 0.2, .high = 9}).sum.backward();
  EXPECT_FALSE(other.grad().defined());
  EXPECT_TRUE(logp_BT.grad().defined());
}

}  // namespace
}  // namespace hone::objectives
