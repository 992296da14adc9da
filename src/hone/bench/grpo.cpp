#include "hone/bench/bench.h"
#include "hone/bench/random_model.h"
#include "hone/generate/engine.h"
#include "hone/objectives/advantages.h"
#include "hone/objectives/kl.h"
#include "hone/objectives/policy.h"
#include "hone/train/policy_data.h"
#include "hone/train/step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

namespace hone::bench {
namespace {

constexpr int64_t kPrompts = 64, kSamples = 8, kPrompt = 16, kNew = 32;
constexpr double kKlWeight = 0.04;

std::vector<generate::Request> requests_of(int64_t vocab) {
  std::vector<generate::Request> requests;
  for (uint64_t i = 0; i < kPrompts; ++i) {
    const generate::TurnPlan turn{{}, {{}, {}, kNew}};
    requests.push_back({random_ids(kPrompt, vocab, Rng(3).fork("prompt", {i})), {turn}, kSamples, i});
  }
  return requests;
}

// Share of even tokens: a reward that costs nothing and differs between samples.
at::Tensor rewards_of(const std::vector<generate::Rollout>& rollouts) {
  auto reward_GK = at::empty({kPrompts, kSamples});
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    const auto& ids = rollouts[i].turns[0].ids;
    const auto even = std::count_if(ids.begin(), ids.end(), [](int32_t id) { return id % 2 == 0; });
    reward_GK.data_ptr<float>()[i] = static_cast<float>(even) / static_cast<float>(ids.size());
  }
  return reward_GK;
}

tensor::Loss loss_of(const models::Decoder& model, const tensor::Batch& b) {
  const auto logp = models::logprobs(model, b);
  const auto tokens = objectives::token_weights(b.loss_mask_BT, objectives::Normalisation::dapo, kNew, b.segments_BT);
  auto loss = objectives::clipped_policy(logp, b.behavior_BT, b.advantage_BT, tokens, {});
  return objectives::add_penalty(std::move(loss), objectives::kl_loss(logp, b.reference_BT, b.kl_weight_BT, tokens,
                                                                      objectives::KlGradient::forward_k3));
}

// What a step works on.
struct Lab {
  base::Pool& pool;
  models::Decoder policy, reference;
  optim::AdamW optimizer;
  train::Slots slots;
  generate::Engine engine;
  std::vector<generate::Request> requests;
  uint64_t steps = 0;

  Lab(const Shape& s, const Plan& plan, base::Pool& threads)
      : pool(threads),
        policy(random_model(s, plan.family)),
        reference(models::copy(policy)),
        optimizer(train::adamw_for(policy, {})),
        slots(policy, threads),
        engine(policy, threads),
        requests(requests_of(s.vocab)) {}

  void step() {
    engine.refresh(policy);
    const auto rollouts = engine.roll(requests, {}, Rng(4).fork("roll", {steps++}));
    const auto advantage =
        objectives::group_advantage(rewards_of(rollouts), objectives::Scale::group, 1e-4).contiguous();
    std::vector<data::Example> examples;
    for (std::size_t i = 0; i < rollouts.size(); ++i) {
      const std::array<double, 1> a{advantage.data_ptr<float>()[i]}, kl{kKlWeight};
      const auto& request = requests[static_cast<std::size_t>(rollouts[i].request)];
      examples.push_back(train::policy_example(request, rollouts[i], a, kl));
    }
    const auto micro = train::policy_rows(policy);
    auto scores = train::score_examples(reference, examples, micro, pool);
    for (std::size_t i = 0; i < scores.size(); ++i) examples[i].reference = std::move(scores[i]);
    slots.step(train::micro_batches(examples, micro), loss_of, optimizer, 1e-4);
  }
};

Json grpo_row(const Shape& s, const Plan& plan, base::Pool& pool) {
  require(s.context >= kPrompt + kNew, ErrorKind::usage, "shape {} has a context of {}; a GRPO step needs {}", s.name,
          s.context, kPrompt + kNew);
  Lab lab(s, plan, pool);
  Json row = model_row("grpo", s, lab.policy);
  row["unit"] = "steps/s";
  row["shape"].update({{"prompts", kPrompts}, {"samples", kSamples}, {"prompt", kPrompt}, {"new", kNew}});
  const double length = kPrompt + kNew, rollouts = kPrompts * kSamples;
  // All three read a prompt once for all its samples.
  const double fed = kPrompts * kPrompt + rollouts * (kNew - 1), read = kPrompts * kPrompt + rollouts * kNew;
  row["flops_per_unit"] = fed * flops_per_token(lab.policy, 2, length / 2) +
                          read * (flops_per_token(lab.policy, 2, length) + flops_per_token(lab.policy, 6, length));
  return measured(std::move(row), plan.pace, [&] {
    lab.step();
    return 1.0;
  });
}

}  // namespace

Json grpo_rows(const Plan& plan, base::Pool& pool) {
  Json rows = Json::array();
  for (const Shape& shape : plan.shapes) rows.push_back(grpo_row(shape, plan, pool));
  return rows;
}

}  // namespace hone::bench
