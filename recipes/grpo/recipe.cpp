// GRPO: policy gradient with the group's own mean as baseline (DeepSeekMath, arXiv:2402.03300), and REINFORCE with a
// batch-mean baseline as its rival at equal samples.
//
// How this differs from the paper: (1) the base is a small decoder trained from scratch on Countdown, or a model
// folder; (2) the default normalisation is over all tokens of the batch (dapo) and the KL penalty is off, as in today's
// practice; (3) one update per rollout batch unless `epochs` says otherwise.
#include "hone/evaluate/pass_at_k.h"
#include "hone/evaluate/summary.h"
#include "hone/objectives/advantages.h"
#include "hone/objectives/kl.h"
#include "hone/objectives/policy.h"
#include "hone/train/base_model.h"
#include "hone/train/policy.h"
#include "hone/train/policy_data.h"
#include "hone/train/step_log.h"
#include "recipes/grpo/options.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace hone::recipes::grpo {
namespace {

using evaluate::PassSummary;

struct Lab {
  train::Env& env;
  train::Session& session;
  const Options& options;
  const tasks::TaskSet& tasks;
  const models::Model& base;
  rewards::Dialogue dialogue() const { return {1, "auto", options.max_tokens, data::prompts_of(options.task.prompts)}; }
};

// reward [G, K] → advantage [G, K]
at::Tensor advantage_of(const at::Tensor& reward_GK, const std::string& arm, const Options& o) {
  if (arm == "reinforce") return reward_GK - reward_GK.mean();
  return objectives::group_advantage(reward_GK, objectives::scale_of(o.advantage_scale), 1e-4);
}

// Share of groups whose samples all earned the same: they teach nothing.
double share_without_signal(const at::Tensor& reward_GK) {
  return reward_GK.eq(reward_GK.narrow(1, 0, 1)).all(1).to(at::kDouble).mean().item<double>();
}

// One batch of rollouts with rewards and advantages.
struct Batch {
  std::vector<data::Example> examples;
  at::Tensor reward_GK;
  int64_t sampled_tokens = 0;
  double cut = 0;  ///< share of completions that hit the length limit
};

Batch collect(const Lab& lab, const models::Model& policy, generate::Engine& engine, const std::string& arm, uint64_t step) {
  const auto& o = lab.options;
  const auto problems = tasks::draw(lab.tasks.train, o.problems, lab.env.rng.fork(arm + " draw", {step}));
  engine.refresh(policy.decoder);
  const auto requests = rewards::make_requests(problems, rewards::encoder_of(policy), lab.dialogue(), o.samples);
  generate::RollStats stats;
  const auto rollouts = engine.roll(requests, {.temperature = o.temperature}, lab.env.rng.fork(arm + " roll", {step}), &stats);
  const auto attempts = rewards::judge(rollouts, problems, lab.tasks.verifier, policy.tokenizer, lab.env.pool);

  Batch batch{.reward_GK = at::empty({o.problems, o.samples}), .sampled_tokens = stats.sampled_tokens};
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    batch.reward_GK.data_ptr<float>()[i] = static_cast<float>(attempts[i][0].verdict.reward);
    batch.cut += rollouts[i].turns[0].finish == text::Finish::length;
  }
  batch.cut /= static_cast<double>(attempts.size());
  const auto advantage = advantage_of(batch.reward_GK, arm, o).contiguous();
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    const std::array<double, 1> a{advantage.data_ptr<float>()[i]}, kl{o.kl};
    batch.examples.push_back(train::policy_example(requests[static_cast<std::size_t>(rollouts[i].request)], rollouts[i], a, kl));
  }
  return batch;
}

// The loss of a micro-batch: clipped policy gradient, and a KL anchor to the base model when kl > 0.
train::MicroLoss loss_of(const Options& o) {
  const auto norm = objectives::normalisation_of(o.normalisation);
  const auto gradient = objectives::kl_gradient_of(o.kl_gradient);
  return [=, clip = o.clip, temperature = o.temperature, kl = o.kl, max_tokens = o.max_tokens](
             const models::Decoder& model, const tensor::Batch& b) {
    const auto logp = models::logprobs(model, b, temperature);
    const auto tokens = objectives::token_weights(b.loss_mask_BT, norm, max_tokens, b.segments_BT);
    auto loss = objectives::clipped_policy(logp, b.behavior_BT, b.advantage_BT, tokens, clip);
    if (kl == 0) return loss;
    return objectives::add_penalty(std::move(loss), objectives::kl_loss(logp, b.reference_BT, b.kl_weight_BT, tokens, gradient));
  };
}

void train_arm(const Lab& lab, const std::string& arm, models::Model& policy) {
  const auto& o = lab.options;
  auto optimizer = train::adamw_for(policy.decoder, o.optim);
  train::Slots slots(policy.decoder, lab.env.pool);
  generate::Engine engine(policy.decoder, lab.env.pool, &policy.tokenizer);
  const auto micro = train::policy_rows(policy.decoder);
  const auto loss = loss_of(o);
  train::TrainState state{policy.decoder, optimizer};

  lab.session.phase(arm, o.steps, state, [&](int64_t step) {
    train::StepLog log(lab.env, arm, step);
    auto batch = collect(lab, policy, engine, arm, static_cast<uint64_t>(step));
    if (step == 0 && o.temperature == 1.0) check_on_policy(policy.decoder, batch.examples, micro, lab.env.pool);
    if (o.kl > 0) {
      auto reference = score_examples(lab.base.decoder, batch.examples, micro, lab.env.pool, o.temperature);
      for (std::size_t i = 0; i < reference.size(); ++i) batch.examples[i].reference = std::move(reference[i]);
    }
    const auto micros = micro_batches(batch.examples, micro);
    train::StepReport r;
    for (int64_t epoch = 0; epoch < o.epochs; ++epoch)
      r = slots.step(micros, loss, optimizer, optim::learning_rate(o.optim, step, o.steps));

    log.stop(static_cast<double>(batch.sampled_tokens));
    const double reward = batch.reward_GK.mean().item<double>(), silent = share_without_signal(batch.reward_GK);
    report::Metrics metrics = {{"reward", reward}, {"groups_without_signal", silent}, {"cut_at_limit", batch.cut},
                               {"grad_norm", r.grad_norm}, {"lr", r.lr},
                               {"sampled_tokens", static_cast<double>(batch.sampled_tokens)}};
    for (const auto& [name, value] : r.metrics) metrics.emplace_back(name, value);
    log.write(metrics, {{"reward", fmt::format("{:.2f}", reward)}, {"no signal", fmt::format("{:.0f}%", 100 * silent)}});
    return train::Next::go_on;
  });
}

void measure(const Lab& lab, const std::string& arm, const models::Model& model, PassSummary& summary) {
  const auto value = lab.session.once("outcomes." + arm, [&] {
    evaluate::save_model(lab.env, arm, model);
    const evaluate::PassOptions options{.samples = lab.options.pass_at, .max_tokens = lab.options.max_tokens,
                                        .prompts = lab.dialogue().prompts};
    return evaluate::to_json(evaluate::pass_at_k(model, lab.tasks.held_out, lab.tasks.verifier, options, lab.env.pool,
                                                 lab.env.rng.fork("evaluate")));
  });
  summary.add(arm, evaluate::pass_from_json(value));
}

std::vector<std::string> arms_of(const Options& o) {
  return o.arms == "both" ? std::vector<std::string>{"reinforce", "grpo"} : std::vector<std::string>{o.arms};
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  if (auto* progress = env.record.progress()) {
    std::vector<report::PhasePlan> phases;
    if (o.base.model.empty()) phases.push_back({"base", o.base.fit.steps, 0.2});
    for (const auto& arm : arms_of(o)) phases.push_back({arm, o.steps, 0.8});
    progress->plan(phases);
  }
  const auto tasks = tasks::load_tasks(o.task, env.rng.fork("tasks"));
  train::Session session(env);
  const auto accuracy = [&](const models::Model& model) {
    return evaluate::greedy_accuracy(model, tasks.validation, 256, tasks.verifier, o.max_tokens, env.pool);
  };
  const auto base = train::base_model(env, session, o.base, o.task, tasks, accuracy);
  const Lab lab{env, session, o, tasks, base};

  PassSummary summary(tasks.held_out);
  measure(lab, "base", base, summary);
  for (const auto& arm : arms_of(o)) {
    auto policy = train::policy_of(env, base, o.lora, arm);
    if (!session.has("outcomes." + arm)) train_arm(lab, arm, policy);
    measure(lab, arm, policy, summary);
  }
  summary.write(env, arms_of(o).back());
}

}  // namespace hone::recipes::grpo
