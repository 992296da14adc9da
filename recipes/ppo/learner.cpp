#include "recipes/ppo/learner.h"

#include "hone/base/error.h"
#include "hone/evaluate/summary_file.h"
#include "hone/evaluate/task_eval.h"
#include "hone/evaluate/two_turn.h"
#include "hone/models/scalar.h"
#include "hone/train/policy.h"
#include "hone/train/step_log.h"
#include "recipes/ppo/losses.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

namespace hone::recipes::ppo {
namespace {

// How far the first update of a batch may be from the policy that sampled it: the ratio, and, since gaps of both signs
// cancel in its mean, the divergence of ratios of 1 ± as much.
constexpr double kRatioGap = 1e-3;

models::Model critic_of(const Lab& lab, const std::string& arm) {
  const auto& o = lab.options;
  const bool judge = o.critic.start == "reward_model";
  auto critic = train::policy_of(lab.env, judge ? *lab.reward_model : lab.base, o.lora, arm + " critic");
  if (!critic.decoder.scalar()) critic.decoder = models::scalar_of(critic.decoder);
  return critic;
}

RewardOf reward_of(const Lab& lab, const text::Tokenizer& tokenizer) {
  if (lab.reward_model) return model_reward(lab.reward_model, tokenizer, lab.env.pool);
  if (lab.options.reward == "rating") return rating_reward(tokenizer, lab.env.pool);
  return verifier_reward(lab.tasks.verifier, tokenizer, lab.env.pool);
}

// The policy's numbers in storage of their own; what it shares with the base stays shared.
models::Decoder snapshot(const models::Decoder& policy) {
  if (!policy.adapted()) return models::copy(policy);
  models::Decoder out = policy;
  models::bind_adapter(out, policy.adapter.flat.clone());
  return out;
}

// Sums `value` under `key`; every `steps` steps the mean since the last time.
std::optional<double> window_mean(Json& notes, const char* key, double value, int64_t step, int64_t steps) {
  const double sum = notes.value(key, 0.0) + value;
  const bool full = (step + 1) % steps == 0;
  notes[key] = full ? 0.0 : sum;
  return full ? std::optional(sum / static_cast<double>(steps)) : std::nullopt;
}

void start_again(optim::AdamW& optimizer) {
  optimizer.first_moment().zero_();
  optimizer.second_moment().zero_();
  optimizer.set_steps(0);
}

std::vector<data::Example> picked(const std::vector<data::Example>& from, const std::vector<std::size_t>& which) {
  std::vector<data::Example> out;
  for (const std::size_t i : which) out.push_back(from[i]);
  return out;
}

}  // namespace

Learner::Learner(const Lab& lab, const std::string& arm)
    : lab_(lab),
      o_(options_of(arm, lab.options)),
      arm_(arm),
      policy_(train::policy_of(lab.env, lab.base, o_.lora, arm)),
      critic_(rule_of(arm) == "grpo" ? std::nullopt : std::optional(critic_of(lab, arm))),
      peak_(lab.gold ? std::optional(policy_) : std::nullopt),
      own_reference_(o_.ref_reset > 0 ? std::optional(snapshot(policy_.decoder)) : std::nullopt),
      optimizer_(train::adamw_for(policy_.decoder, o_.optim)),
      slots_(policy_.decoder, lab.env.pool),
      engine_(policy_.decoder, lab.env.pool, &policy_.tokenizer),
      reward_(reward_of(lab, policy_.tokenizer)),
      state_{policy_.decoder, optimizer_},
      penalty_(o_.kl.weight, o_.kl.target, o_.kl.horizon) {
  if (critic_) {
    critic_optimizer_.emplace(train::adamw_for(critic_->decoder, o_.critic.optim));
    critic_slots_.emplace(critic_->decoder, lab.env.pool);
    state_.companions.push_back({"critic", critic_->decoder, &*critic_optimizer_});
  }
  if (own_reference_) state_.companions.push_back({"reference", *own_reference_});
  if (peak_) {
    peak_->decoder = snapshot(policy_.decoder);
    state_.companions.push_back({"peak", peak_->decoder});
  }
}

void Learner::train() {
  lab_.session.phase(arm_, o_.steps, state_, [&](int64_t s) { return step(s); });
}

Batch Learner::sample(int64_t step) {
  const auto number = static_cast<uint64_t>(step);
  const auto problems = tasks::draw(lab_.tasks.train, o_.problems, lab_.env.rng.fork(arm_ + " draw", {number}));
  engine_.refresh(policy_.decoder);
  const rewards::Dialogue dialogue{1, "auto", o_.max_tokens, data::prompts_of(o_.task.prompts)};
  const auto requests = rewards::make_requests(problems, rewards::encoder_of(policy_), dialogue, o_.samples);
  generate::RollStats stats;
  const auto rollouts =
      engine_.roll(requests, {.temperature = o_.temperature}, lab_.env.rng.fork(arm_ + " roll", {number}), &stats);
  const Answered answered{problems, requests, rollouts};
  auto batch = collect(answered, reward_, o_);
  if (lab_.gold) batch.gold = lab_.gold(answered);
  batch.sampled_tokens = stats.sampled_tokens;
  auto scores = train::score_examples(reference(), batch.policy, train::policy_rows(policy_.decoder), lab_.env.pool,
                                      o_.temperature);
  for (std::size_t i = 0; i < scores.size(); ++i) batch.policy[i].reference = std::move(scores[i]);
  return batch;
}

// Policy and critic see the same sequences in the same order.
train::StepReport Learner::update(Batch& batch, int64_t step) {
  const auto policy_loss = policy_loss_of(arm_, o_), critic_loss = critic_loss_of(o_);
  const double lr = optim::learning_rate(o_.optim, step, o_.steps);
  const double critic_lr = optim::learning_rate(o_.critic.optim, step, o_.steps);
  const auto count = batch.policy.size(),
             parts = std::min<std::size_t>(count, static_cast<std::size_t>(o_.minibatches));
  train::StepReport r;
  for (int64_t epoch = 0; epoch < (critic_ ? o_.epochs : o_.grpo_epochs); ++epoch) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    const std::initializer_list<uint64_t> when = {static_cast<uint64_t>(step), static_cast<uint64_t>(epoch)};
    if (parts > 1) lab_.env.rng.fork(arm_ + " minibatches", when).shuffle(order);
    for (std::size_t part = 0; part < parts; ++part) {
      const std::vector<std::size_t> mine(order.begin() + static_cast<std::ptrdiff_t>(count * part / parts),
                                          order.begin() + static_cast<std::ptrdiff_t>(count * (part + 1) / parts));
      const auto own = picked(batch.policy, mine);
      r = slots_.step(train::micro_batches(own, train::policy_rows(policy_.decoder)), policy_loss, optimizer_, lr);
      if (epoch == 0 && part == 0) check_first_ratio(r, step);
      if (!critic_) continue;
      const auto seen = picked(batch.critic, mine);
      const auto c = critic_slots_->step(train::micro_batches(seen, train::own_rows(critic_->decoder)), critic_loss,
                                         *critic_optimizer_, critic_lr);
      critic_metrics_ = c.metrics;
      critic_metrics_["critic_grad_norm"] = c.grad_norm;
    }
  }
  return r;
}

void Learner::check_first_ratio(const train::StepReport& r, int64_t step) const {
  if (policy_.decoder.activations != at::kFloat || r.count <= 0) return;  // check_on_policy's limit is for bfloat16
  const double gap = std::abs(r.metrics.at("ratio") - 1), divergence = r.metrics.at("approx_kl");
  if (gap <= kRatioGap && divergence <= kRatioGap * kRatioGap / 2) return;
  throw Error(ErrorKind::numeric,
              fmt::format("{}: step {}: before its first update the policy is not the one that sampled: mean ratio "
                          "1 {:+.1e}, divergence {:.1e} nats a token",
                          arm_, step, r.metrics.at("ratio") - 1, divergence),
              "this is a bug in sampling or scoring: please report it with the run's options");
}

void Learner::renew_reference(int64_t step) {
  own_reference_->trained().copy_(policy_.decoder.trained());
  start_again(optimizer_);
  if (critic_optimizer_) start_again(*critic_optimizer_);
  state_.notes["resets"] = state_.notes.value("resets", int64_t{0}) + 1;
  lab_.env.record.event("reference_reset", {{"phase", arm_}, {"step", step}, {"best", state_.notes["best"]}});
}

// Every check_every steps: is the policy better than it ever was under this reference?
void Learner::look(int64_t step, double reward) {
  if (o_.ref_reset == 0) return;
  Json& notes = state_.notes;
  const auto mean_reward = window_mean(notes, "reward_sum", reward, step, o_.check_every);
  if (!mean_reward) return;
  const double reached = lab_.tasks.validation.empty() || lab_.reward_model
                             ? *mean_reward
                             : evaluate::greedy_accuracy(policy_, lab_.tasks.validation, 256, lab_.tasks.verifier,
                                                         o_.max_tokens, lab_.env.pool);
  if (!notes.contains("best") || reached > notes["best"].get<double>()) {
    notes["best"] = reached;
    notes["since"] = 0;
    return;
  }
  notes["since"] = notes.value("since", int64_t{0}) + 1;
  if (notes["since"].get<int64_t>() < o_.ref_reset) return;
  renew_reference(step);
  notes["since"] = 0;
}

// Every check_every steps: were responses ever worth more than since the last look?
void Learner::keep_peak(int64_t step, double gold) {
  Json& notes = state_.notes;
  const auto reached = window_mean(notes, "gold_sum", gold, step, o_.check_every);
  if (!reached || (notes.contains("gold_best") && *reached <= notes["gold_best"].get<double>())) return;
  notes["gold_best"] = *reached;
  notes["gold_step"] = step + 1;
  peak_->decoder.trained().copy_(policy_.decoder.trained());
}

train::Next Learner::step(int64_t step) {
  train::StepLog log(lab_.env, arm_, step);
  penalty_.restore(state_.notes.value("beta", o_.kl.weight));
  const double beta = penalty_.weight();
  auto batch = sample(step);
  if (step == 0 && o_.temperature == 1.0)
    train::check_on_policy(policy_.decoder, batch.policy, train::own_rows(policy_.decoder), lab_.env.pool);
  double explained = 0;
  if (critic_)
    explained = add_advantages(
        batch, train::value_examples(critic_->decoder, batch.policy, train::own_rows(critic_->decoder), lab_.env.pool),
        o_, beta);
  else
    add_group_advantages(batch, o_, beta);
  const auto r = update(batch, step);
  const double kl = evaluate::mean(sequence_kl(batch.policy)), reward = evaluate::mean(batch.reward);
  penalty_.update(kl, static_cast<int64_t>(batch.policy.size()));
  state_.notes["beta"] = penalty_.weight();

  const auto tokens = static_cast<double>(batch.sampled_tokens);
  log.stop(tokens);
  report::Metrics metrics = {{"reward", reward},
                             {"kl", kl},
                             {"beta", beta},
                             {"length", mean_length(batch.policy)},
                             {"cut_at_limit", batch.cut},
                             {"grad_norm", r.grad_norm},
                             {"lr", r.lr},
                             {"sampled_tokens", tokens}};
  if (critic_) metrics.emplace_back("explained_variance", explained);
  if (lab_.gold) metrics.emplace_back("gold", evaluate::mean(batch.gold));
  for (const auto& [name, value] : r.metrics) metrics.emplace_back(name == "approx_kl" ? "policy_kl" : name, value);
  for (const auto& [name, value] : critic_metrics_) metrics.emplace_back(name, value);
  log.write(metrics, {{"reward", fmt::format("{:.2f}", reward)}, {"KL", fmt::format("{:.2f}", kl)}});
  look(step, reward);
  if (lab_.gold) keep_peak(step, evaluate::mean(batch.gold));
  return train::Next::go_on;
}

}  // namespace hone::recipes::ppo
