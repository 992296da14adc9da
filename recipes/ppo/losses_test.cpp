#include "recipes/ppo/losses.h"

#include "hone/generate/test_models.h"
#include "hone/models/scalar.h"
#include "hone/objectives/policy.h"
#include "hone/train/test_run.h"
#include "recipes/ppo/rollouts.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

namespace hone::recipes::ppo {
namespace {

// While the policy is the one that sampled, one pass of PPO is REINFORCE with the critic as its baseline.
TEST(PpoLosses, TheFirstGradientIsReinforceWithABaseline) {
  auto model = generate::tiny_model(models::Family::llama);
  base::Pool pool(train::test_threads(2), tensor::set_single_threaded);
  const train::MicroOptions micro{.vocab = model.config.vocab, .context = model.config.context};
  Batch batch;
  batch.policy = train::random_examples(24, 4, 12, model.config.vocab);
  const auto scores = train::score_examples(model, batch.policy, micro, pool);
  std::vector<std::vector<float>> values;
  Rng rng(4);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    batch.policy[i].behavior = batch.policy[i].reference = scores[i];
    batch.reward.push_back(static_cast<double>(i % 3));
    values.emplace_back(scores[i].size());
    for (float& v : values.back()) v = static_cast<float>(rng.normal());
  }
  Options o;
  o.critic.trace = 1;
  o.whiten = "nothing";
  add_advantages(batch, values, o, 0.1);
  const auto gradient_of = [&](const train::MicroLoss& loss) {
    train::Slots slots(model, pool);
    optim::AdamW optimizer(model.flat, train::decay_segments(model, 0), {});
    slots.step(train::micro_batches(batch.policy, micro), loss, optimizer, 0);
    return slots.gradient().clone();
  };
  const auto ppo = gradient_of(policy_loss_of("ppo", o));
  // REINFORCE: −Σ (r − V) log π with the reward of the whole sequence.
  for (std::size_t i = 0; i < batch.policy.size(); ++i)
    for (std::size_t t = 0; t < values[i].size(); ++t)
      batch.policy[i].advantage[t] =
          batch.policy[i].loss_mask[t] ? static_cast<float>(batch.reward[i]) - values[i][t] : 0;
  const auto reinforce = gradient_of([&](const models::Decoder& m, const tensor::Batch& b) {
    const auto tokens = objectives::token_weights(b.loss_mask_BT, objectives::Normalisation::dapo, 1);
    return objectives::policy_gradient(models::logprobs(m, b), b.advantage_BT, tokens);
  });
  EXPECT_GT(ppo.abs().max().item<double>(), 1e-3);
  EXPECT_LE((ppo - reinforce).abs().max().item<double>(), 1e-5 * reinforce.abs().max().item<double>());
}

// Around the sampler the residual is −c Â while nothing has moved; around the reference what lies between adds to it.
TEST(PpoLosses, ApaIsAroundWhatItsAnchorSays) {
  auto model = generate::tiny_model(models::Family::llama);
  base::Pool pool(1, tensor::set_single_threaded);
  const train::MicroOptions micro{.vocab = model.config.vocab, .context = model.config.context};
  auto examples = train::random_examples(6, 4, 9, model.config.vocab);
  const auto scores = train::score_examples(model, examples, micro, pool);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    examples[i].behavior = examples[i].reference = scores[i];
    for (float& r : examples[i].reference) r -= 0.25f;
    examples[i].advantage.assign(scores[i].size(), 0.5f);
  }
  const auto residual = [&](const char* anchor) {
    Options o;
    o.apa.strength = 2;
    o.apa.anchor = anchor;
    train::Slots slots(model, pool);
    optim::AdamW optimizer(model.flat, train::decay_segments(model, 0), {});
    return slots.step(train::micro_batches(examples, micro), policy_loss_of("apa", o), optimizer, 0)
        .metrics.at("residual");
  };
  EXPECT_NEAR(residual("sampler"), 1, 1e-4);
  EXPECT_NEAR(residual("reference"), 0.75 * 0.75, 1e-4);
}

// What lies outside the mask changes nothing in any loss, nor in its gradient, whatever it is.
TEST(PpoLosses, MaskedPlacesDoNotMatter) {
  const auto model = generate::tiny_model(models::Family::llama);
  const auto critic = models::scalar_of(model);
  const auto examples = train::random_examples(6, 5, 9, model.config.vocab);
  auto batch = train::collate(examples, train::Rows::one_each, 0, model.config.vocab, model.config.context);
  Options o;
  o.kl.weight = 0.1;
  o.critic.clip = 3;  // values begin at 0, at 2 from what the column calls the old ones
  const auto fill = [&](float outside) {
    const auto column = [&](float inside) {
      return at::where(batch.loss_mask_BT, at::full({}, inside, at::kFloat), at::full({}, outside, at::kFloat));
    };
    batch.advantage_BT = column(0.7f), batch.behavior_BT = column(-2);
    batch.reference_BT = column(-2.5f), batch.kl_weight_BT = column(0.1f);
  };
  const auto gradient_of = [&](const models::Decoder& of, const train::MicroLoss& loss) {
    auto replica = models::replica(of);
    loss(replica, batch).sum.backward();
    std::vector<at::Tensor> parts;
    replica.visit_trained([&](const std::string&, at::Tensor& t) {
      parts.push_back(t.grad().defined() ? t.grad().flatten() : at::zeros({t.numel()}));
    });
    return at::cat(parts);
  };
  for (const char* arm : {"ppo", "apa", "awr", "grpo", "critic"}) {
    const bool of_critic = std::string(arm) == "critic";
    const auto loss = of_critic ? critic_loss_of(o) : policy_loss_of(arm, o);
    const auto& of = of_critic ? critic : model;
    fill(0);
    const auto clean = gradient_of(of, loss);
    fill(std::numeric_limits<float>::quiet_NaN());
    EXPECT_TRUE(at::equal(gradient_of(of, loss), clean)) << arm;
    EXPECT_GT(clean.abs().max().item<float>(), 0) << arm;
  }
}

}  // namespace
}  // namespace hone::recipes::ppo
