#include "hone/objectives/preference.h"

#include "hone/objectives/property_checks.h"

#include <cmath>

namespace hone::objectives {
namespace {

double sigma(double x) { return 1 / (1 + std::exp(-x)); }

// Rows of a and b in turns. What has another shape is passed on as it is, for the objective to refuse.
at::Tensor in_turns(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined() || !b.defined() || a.dim() != 2 || a.sizes() != b.sizes())
    return a.defined() && a.dim() == 2 ? a : b;
  return at::stack({a, b}, 1).flatten(0, 1);
}

// Inputs: log-probs of the side that carries the gradient, of the other one; their references; their win rates.
enum class Side { chosen, rejected };

testing::Objective objective(Side side, const PreferenceOptions& options) {
  const auto loss = [=](const std::vector<at::Tensor>& x, const at::Tensor& mask_BT) {
    const bool first = side == Side::chosen;
    const auto rows = [&](std::size_t i) { return first ? in_turns(x[i], x[i + 1]) : in_turns(x[i + 1], x[i]); };
    const at::Tensor mask = mask_BT.dim() == 2 ? in_turns(mask_BT, mask_BT) : mask_BT;
    return preference_loss({rows(0), rows(2), mask, x.size() > 4 ? rows(4) : at::Tensor()}, options);
  };
  std::vector<at::Tensor> inputs;
  for (uint64_t i = 0; i < 4; ++i) inputs.push_back(testing::normal_BT(5, 6, -1, 0.5, i + 1));
  for (uint64_t i = 4; options.target == "soft" && i < 6; ++i)
    inputs.push_back(at::sigmoid(testing::normal_BT(5, 6, 0, 1, i + 1)));
  return {.loss = loss, .inputs_BT = inputs, .mask_BT = testing::uneven_mask()};
}

TEST(PreferenceLoss, HasTheFiveProperties) {
  for (const char* target : {"hard", "soft"}) {
    for (const double nll : {0.0, 0.7}) {
      for (const Side side : {Side::chosen, Side::rejected})
        testing::check_all_properties(objective(side, {.beta = 0.6, .nll = nll, .target = target}));
    }
  }
}

// One pair of two-token completions: log-probs −3 and −5, references −4 and −4.5; so Δ = 1 − (−0.5) = 1.5.
PairRows one_pair() {
  return {.logp_BT = at::tensor({-1.0, -2.0, 7.0, -4.0, -1.0, 7.0}).view({2, 3}),
          .reference_BT = at::tensor({-2.0, -2.0, 7.0, -2.5, -2.0, 7.0}).view({2, 3}),
          .mask_BT = at::tensor({1, 1, 0, 1, 1, 0}).to(at::kBool).view({2, 3}),
          .win_rate_BT = at::tensor({0.9, 0.9, 7.0, 0.2, 0.2, 7.0}).view({2, 3})};
}

TEST(PreferenceLoss, ByHand) {
  const auto loss = preference_loss(one_pair(), {.beta = 2});
  EXPECT_NEAR(loss.sum.item<double>(), -std::log(sigma(3)), 1e-6);
  EXPECT_EQ(loss.count, 1);
  const std::map<std::string, double> expected = {{"chosen_logp", -3},      {"rejected_logp", -5}, {"chosen_shift", 1},
                                                  {"rejected_shift", -0.5}, {"margin", 3},         {"accuracy", 1},
                                                  {"chosen_length", 2},     {"rejected_length", 2}};
  ASSERT_EQ(loss.metrics.size(), expected.size());
  for (const auto& [name, value] : expected) EXPECT_NEAR(loss.metrics.at(name), value, 1e-6) << name;

  // p = σ(0.9 − 0.2).
  const double p = sigma(0.7), soft = -(p * std::log(sigma(3)) + (1 - p) * std::log(sigma(-3)));
  EXPECT_NEAR(preference_loss(one_pair(), {.beta = 2, .target = "soft"}).sum.item<double>(), soft, 1e-6);
  // −log π(y⁺) ÷ 2 tokens = 1.5.
  EXPECT_NEAR(preference_loss(one_pair(), {.beta = 2, .nll = 0.1}).sum.item<double>(), 0.15 - std::log(sigma(3)), 1e-6);
}

TEST(PreferenceLoss, TheGradientIsDpos) {
  // ∂L/∂log π of a chosen token: −β σ(−β Δ); of a rejected one: β σ(−β Δ).
  auto pairs = one_pair();
  pairs.logp_BT.requires_grad_();
  preference_loss(pairs, {.beta = 2}).sum.backward();
  const double pull = 2 * sigma(-3);
  const auto expected = at::tensor({-pull, -pull, 0.0, pull, pull, 0.0}).view({2, 3});
  EXPECT_TRUE(at::allclose(pairs.logp_BT.grad().to(at::kDouble), expected.to(at::kDouble), 1e-5, 1e-6));
}

TEST(PreferenceLoss, ReferenceAndWinRatesAreData) {
  auto pairs = one_pair();
  pairs.logp_BT.requires_grad_();
  pairs.reference_BT.requires_grad_();
  pairs.win_rate_BT.requires_grad_();
  preference_loss(pairs, {.target = "soft"}).sum.backward();
  EXPECT_FALSE(pairs.reference_BT.grad().defined());
  EXPECT_FALSE(pairs.win_rate_BT.grad().defined());
}

// Soft targets say how much, so the order of the two does not matter; hard ones say which.
TEST(PreferenceLoss, SoftTargetsDoNotDependOnTheOrder) {
  const auto forward = one_pair();
  PairRows backward;
  for (auto column : {&PairRows::logp_BT, &PairRows::reference_BT, &PairRows::mask_BT, &PairRows::win_rate_BT})
    backward.*column = (forward.*column).flip({0});
  const PreferenceOptions soft{.beta = 2, .target = "soft"};
  EXPECT_NEAR(preference_loss(forward, soft).sum.item<double>(), preference_loss(backward, soft).sum.item<double>(),
              1e-9);
  EXPECT_GT(preference_loss(backward, {.beta = 2}).sum.item<double>(),
            preference_loss(forward, {.beta = 2}).sum.item<double>());
  EXPECT_EQ(preference_loss(backward, {.beta = 2}).metrics.at("accuracy"), 0);
}

// The policy that minimises the soft loss over all pairs of three one-token completions is ref · exp(r/β), normalised.
TEST(PreferenceLoss, SoftTargetsGiveSoftPolicyIteration) {
  constexpr double kBeta = 0.5;
  const auto reference = at::tensor({0.6, 0.3, 0.1}, at::kDouble), win = at::tensor({0.3, 0.8, 0.5}, at::kDouble);
  const auto rows = at::tensor({0, 1, 1, 2, 2, 0});  // pairs (0, 1), (1, 2), (2, 0)
  const auto column = [&](const at::Tensor& x) { return x.index_select(0, rows).view({6, 1}); };
  at::Tensor logits = at::zeros({3}, at::kDouble);
  for (int step = 0; step < 3000; ++step) {
    const at::Tensor leaf = logits.detach().requires_grad_();
    preference_loss({column(leaf.log_softmax(0)), column(reference.log()), at::ones({6, 1}, at::kBool), column(win)},
                    {.beta = kBeta, .target = "soft"})
        .sum.backward();
    logits = leaf.detach() - 2 * leaf.grad();
  }
  const auto expected = (reference.log() + win / kBeta).softmax(0);
  EXPECT_TRUE(at::allclose(logits.softmax(0), expected, 1e-6, 1e-8)) << logits.softmax(0) << expected;
}

TEST(PreferenceLoss, AbsurdMarginsStayFinite) {
  auto pairs = one_pair();
  pairs.logp_BT = (pairs.logp_BT * 1e6).requires_grad_();
  for (const char* target : {"hard", "soft"}) {
    const auto loss = preference_loss(pairs, {.beta = 10, .target = target});
    loss.sum.backward();
    EXPECT_TRUE(std::isfinite(loss.sum.item<double>()));
    EXPECT_TRUE(pairs.logp_BT.grad().isfinite().all().item<bool>());
  }
}

TEST(PreferenceLoss, LengthsMayDiffer) {
  auto pairs = one_pair();
  pairs.mask_BT = at::tensor({1, 0, 0, 1, 1, 0}).to(at::kBool).view({2, 3});
  const auto loss = preference_loss(pairs, {.beta = 1});  // Δ = (−1 + 2) − (−0.5) = 1.5
  EXPECT_NEAR(loss.metrics.at("margin"), 1.5, 1e-6);
  EXPECT_EQ(loss.metrics.at("chosen_length"), 1);
  EXPECT_EQ(loss.metrics.at("rejected_length"), 2);
}

TEST(PreferenceLoss, RefusesWhatIsNoPair) {
  auto pairs = one_pair();
  for (auto column : {&PairRows::logp_BT, &PairRows::reference_BT, &PairRows::mask_BT})
    pairs.*column = (pairs.*column).slice(0, 0, 1);
  EXPECT_THROW(preference_loss(pairs, {}), Error);
  pairs = one_pair();
  pairs.win_rate_BT = at::Tensor();
  EXPECT_NO_THROW(preference_loss(pairs, {}));
  EXPECT_THROW(preference_loss(pairs, {.target = "soft"}), Error);
  EXPECT_THROW(preference_loss(pairs, {.target = "firm"}), Error);
}

}  // namespace
}  // namespace hone::objectives
