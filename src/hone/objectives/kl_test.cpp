#include "hone/objectives/kl.h"

#include "hone/objectives/property_checks.h"

#include <cmath>

namespace hone::objectives {
namespace {

// Two distributions over 5 tokens, given by logits. An expectation under the policy is a sum over all tokens, weighted
// by probabilities that carry no gradient: what sampling does, without the noise.
struct Categorical {
  at::Tensor logits = at::tensor({0.3, -1.2, 0.8, 0.1, -0.5}, at::kDouble).requires_grad_();
  at::Tensor reference = at::tensor({-0.4, 0.2, 1.1, -0.9, 0.0}, at::kDouble).log_softmax(0);

  at::Tensor logp() const { return logits.log_softmax(0); }
  at::Tensor expectation(const at::Tensor& value) const { return (logp().exp().detach() * value).sum(); }
  at::Tensor reverse() const { return (logp().exp() * (logp() - reference)).sum(); }     // KL(π‖ref)
  at::Tensor forward() const { return (reference.exp() * (reference - logp())).sum(); }  // KL(ref‖π)
  at::Tensor gradient_of(const at::Tensor& loss) const {
    logits.mutable_grad() = at::Tensor();
    loss.backward();
    return logits.grad().clone();
  }
};

void expect_close(const at::Tensor& a, const at::Tensor& b) { EXPECT_TRUE(at::allclose(a, b, 1e-12, 1e-12)) << a << b; }

TEST(Kl, ValuesUnderThePolicy) {
  const Categorical c;
  const double kl = c.reverse().item<double>();
  EXPECT_NEAR(c.expectation(kl_k1(c.logp(), c.reference)).item<double>(), kl, 1e-12);
  EXPECT_NEAR(c.expectation(kl_k3(c.logp(), c.reference)).item<double>(), kl, 1e-12);
  EXPECT_GT(std::abs(c.expectation(kl_k2(c.logp(), c.reference)).item<double>() - kl), 1e-3);  // biased
  EXPECT_GE(kl_k2(c.logp(), c.reference).min().item<double>(), 0);
  EXPECT_GE(kl_k3(c.logp(), c.reference).min().item<double>(), 0);
}

TEST(Kl, GradientsUnderThePolicy) {
  const Categorical c;
  const at::Tensor reverse = c.gradient_of(c.reverse()), forward = c.gradient_of(c.forward());
  ASSERT_FALSE(at::allclose(reverse, forward, 1e-2, 1e-2));
  expect_close(c.gradient_of(c.expectation(kl_k1(c.logp(), c.reference))), at::zeros({5}, at::kDouble));
  expect_close(c.gradient_of(c.expectation(kl_k2(c.logp(), c.reference))), reverse);
  expect_close(c.gradient_of(c.expectation(kl_k3(c.logp(), c.reference))), forward);
}

// One row per token of the vocabulary; the weight π(token) makes a sum over rows an expectation.
struct Enumerated {
  Categorical c;
  at::Tensor mask_BT = at::ones({5, 1}, at::kBool);
  TokenWeights tokens = token_weights(mask_BT, Normalisation::dapo, 1);
  at::Tensor logp_BT() const { return c.logp().view({5, 1}); }
  at::Tensor reference_BT() const { return c.reference.view({5, 1}); }
  at::Tensor probability_BT() const { return logp_BT().detach().exp(); }
};

TEST(KlLoss, FollowsTheGradientItIsNamedAfter) {
  const Enumerated e;
  auto loss = [&](KlGradient kind) {
    return kl_loss(e.logp_BT(), e.reference_BT(), 0.3 * e.probability_BT(), e.tokens, kind).sum;
  };
  expect_close(e.c.gradient_of(loss(KlGradient::reverse_k2)), 0.3 * e.c.gradient_of(e.c.reverse()));
  expect_close(e.c.gradient_of(loss(KlGradient::forward_k3)), 0.3 * e.c.gradient_of(e.c.forward()));
}

TEST(KlInReward, ThroughThePolicyGradientFollowsTheReverseGradient) {
  const Enumerated e;
  // Reward −k1, weighted by π(token): descending −Σ π A log π descends KL(π‖ref).
  const at::Tensor penalty_BT = kl_in_reward(e.logp_BT(), e.reference_BT(), e.mask_BT);
  EXPECT_FALSE(penalty_BT.requires_grad());
  const tensor::Loss loss = policy_gradient(e.logp_BT(), -penalty_BT * e.probability_BT(), e.tokens);
  expect_close(e.c.gradient_of(loss.sum), e.c.gradient_of(e.c.reverse()));
}

TEST(KlLoss, HasTheFiveProperties) {
  for (KlGradient kind : {KlGradient::reverse_k2, KlGradient::forward_k3}) {
    for (Normalisation normalisation : {Normalisation::grpo, Normalisation::dapo, Normalisation::dr_grpo}) {
      testing::check_all_properties(
          {.loss =
               [&](const auto& x, const auto& mask) {
                 return kl_loss(x[0], x[1], x[2], token_weights(mask, normalisation, 8), kind);
               },
           .inputs_BT = {testing::normal_BT(5, 6, -1, 0.5, 1), testing::normal_BT(5, 6, -1, 0.5, 2),
                         testing::normal_BT(5, 6, 0.1, 0.01, 3)},
           .mask_BT = testing::uneven_mask()});
    }
  }
}

TEST(Kl, ByHand) {
  // d = −1 − (−1 − ln 2) = ln 2:  k1 = 0.693147;  k2 = 0.693147²/2 = 0.240227;  k3 = 1/2 − 1 + 0.693147 = 0.193147
  const at::Tensor logp = at::tensor({-1.0}, at::kDouble), reference = logp - std::log(2.0);
  EXPECT_NEAR(kl_k1(logp, reference).item<double>(), 0.693147, 1e-6);
  EXPECT_NEAR(kl_k2(logp, reference).item<double>(), 0.240227, 1e-6);
  EXPECT_NEAR(kl_k3(logp, reference).item<double>(), 0.193147, 1e-6);
  // β 0.5 on one of two tokens that count 1 each: sum 0.5·0.240227; the metric speaks of both tokens, without β.
  const at::Tensor logp_BT = logp.repeat({1, 2}), reference_BT = reference.repeat({1, 2});
  const at::Tensor kl_weight_BT = at::tensor({0.5, 0.0}, at::kDouble).view({1, 2});
  const TokenWeights tokens = token_weights(at::ones({1, 2}, at::kBool), Normalisation::dapo, 2);
  const tensor::Loss loss = kl_loss(logp_BT, reference_BT, kl_weight_BT, tokens, KlGradient::reverse_k2);
  EXPECT_NEAR(loss.sum.item<double>(), 0.120113, 1e-6);
  EXPECT_EQ(loss.count, 2);
  EXPECT_NEAR(loss.metrics.at("kl"), 0.386294, 1e-6);  // 2 · 0.193147
}

TEST(KlLoss, TheMetricIsAnAverageUnderEveryNormalisation) {
  const at::Tensor mask_BT = testing::uneven_mask(), logp_BT = testing::normal_BT(5, 6, -1, 0.5, 1);
  for (Normalisation normalisation : {Normalisation::grpo, Normalisation::dapo, Normalisation::dr_grpo}) {
    const tensor::Loss loss = kl_loss(logp_BT, logp_BT - std::log(2.0), at::zeros_like(logp_BT),
                                      token_weights(mask_BT, normalisation, 8), KlGradient::reverse_k2);
    EXPECT_NEAR(loss.metrics.at("kl") / loss.count, 0.193147, 1e-6);
  }
}

TEST(Kl, K3KeepsItsDigitsNearZeroAndStaysFiniteFarAway) {
  // d = 10⁻⁴: k3 = d²/2 − … = 5·10⁻⁹. In float e^−d − 1 + d would be wrong by up to 3·10⁻⁸.
  const at::Tensor near = kl_k3(at::tensor({1e-4f}), at::tensor({0.0f}));
  EXPECT_NEAR(near.item<float>(), 5e-9, 2e-11);
  const at::Tensor logp = at::tensor({-500.0f}).requires_grad_();
  const at::Tensor far = kl_k3(logp, at::tensor({0.0f}));
  far.sum().backward();
  EXPECT_TRUE(std::isfinite(far.item<float>()));
  EXPECT_TRUE(std::isfinite(logp.grad().item<float>()));
}

TEST(Kl, EqualPoliciesHaveNoPenaltyAndNoPull) {
  const at::Tensor logp_BT = testing::normal_BT(2, 3, -1, 1, 1).requires_grad_();
  const TokenWeights tokens = token_weights(at::ones({2, 3}, at::kBool), Normalisation::grpo, 3);
  for (KlGradient kind : {KlGradient::reverse_k2, KlGradient::forward_k3}) {
    const tensor::Loss loss = kl_loss(logp_BT, logp_BT.detach(), at::ones_like(logp_BT), tokens, kind);
    EXPECT_EQ(loss.sum.item<double>(), 0);
    loss.sum.backward();
  }
  EXPECT_EQ(logp_BT.grad().abs().max().item<double>(), 0);
}

TEST(AddPenalty, AddsSumsAndJoinsMetrics) {
  const tensor::Loss a{.sum = at::full({}, 2.0), .count = 3, .metrics = {{"ratio", 3}}};
  const tensor::Loss b{.sum = at::full({}, 0.5), .count = 3, .metrics = {{"kl", 1}}};
  const tensor::Loss both = add_penalty(a, b);
  EXPECT_EQ(both.sum.item<double>(), 2.5);
  EXPECT_EQ(both.count, 3);
  EXPECT_EQ(both.metrics, (std::map<std::string, double>{{"kl", 1}, {"ratio", 3}}));
  EXPECT_THROW(add_penalty(a, {.sum = at::zeros({}), .count = 4, .metrics = {}}), Error);
}

TEST(KlInReward, IsZeroWhereMaskedOut) {
  const at::Tensor logp_BT = at::tensor({-1.0f, NAN}).view({1, 2}),
                   reference_BT = at::tensor({-3.0f, -1.0f}).view({1, 2});
  const at::Tensor mask_BT = at::tensor({1, 0}).to(at::kBool).view({1, 2});
  EXPECT_TRUE(at::equal(kl_in_reward(logp_BT, reference_BT, mask_BT), at::tensor({2.0f, 0.0f}).view({1, 2})));
  EXPECT_THROW(kl_in_reward(logp_BT, reference_BT.t(), mask_BT), Error);
  EXPECT_THROW(kl_k1(at::zeros({3}), at::zeros({3, 1})), Error);
  EXPECT_THROW(kl_k2(at::zeros({3}), at::zeros({3, 1})), Error);
  EXPECT_THROW(kl_k3(at::zeros({3}), at::zeros({3, 1})), Error);
}

}  // namespace
}  // namespace hone::objectives
