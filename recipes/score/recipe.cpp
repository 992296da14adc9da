// SCoRe: one model learns to improve its own answer on a second attempt (Kumar et al., arXiv:2409.12917).
//
// How this differs from the paper: (1) the base is a small decoder trained from scratch on Countdown, or a model
// folder; (2) attempt 2's baseline is the mean over rollouts with the same first outcome; (3) the KL anchor is a loss
// on sampled tokens (k2, whose gradient is the reverse KL's), not a full-distribution sum; (4) Adam with a clipped
// gradient instead of a reward normalised by hand.
#include "hone/base/error.h"
#include "hone/evaluate/summary.h"
#include "hone/evaluate/summary_file.h"
#include "hone/evaluate/two_turn.h"
#include "hone/objectives/kl.h"
#include "hone/objectives/policy.h"
#include "hone/train/base_model.h"
#include "hone/train/policy.h"
#include "hone/train/policy_data.h"
#include "hone/train/step_log.h"
#include "recipes/score/arms.h"
#include "recipes/score/credit.h"

#include <fmt/format.h>


namespace hone::recipes::score {
namespace {

// What one stage of reinforcement learning does differently from the next.
struct Plan {
  std::string phase;
  Stage stage = Stage::second;
  StageOptions options;
  double alpha = 0;
  Credit credit = Credit::per_attempt;
  int turns = 2;
};

struct StepResult {
  train::StepReport report;
  report::Metrics metrics;
};

// Everything a stage keeps from step to step.
class Stager {
 public:
  Stager(const Lab& lab, const Plan& plan, models::Model& policy)
      : lab_(lab), plan_(plan), policy_(policy), engine_(policy.decoder, lab.env.pool, &policy.tokenizer),
        slots_(policy.decoder, lab.env.pool),
        optimizer_(train::adamw_for(policy.decoder, lab.options.optim)), micro_(train::own_rows(policy.decoder)) {}

  void run() {
    train::TrainState state{policy_.decoder, optimizer_};
    lab_.session.phase(plan_.phase, plan_.options.steps, state, [&](int64_t step) {
      train::StepLog log(lab_.env, plan_.phase, step);
      const auto result = train_step(step);
      log.stop(sampled_);
      log.write(result.metrics, {{"right 1st", fmt::format("{:.0f}%", 100 * result.metrics[0].second)},
                                 {"2nd", fmt::format("{:.0f}%", 100 * result.metrics[1].second)}});
      return train::Next::go_on;
    });
  }

 private:
  StepResult train_step(int64_t step) {
    const auto& o = lab_.options;
    const auto at = static_cast<uint64_t>(step);
    // Sample: two attempts of the current model at fresh problems.
    engine_.refresh(policy_.decoder);
    const auto problems = tasks::draw(lab_.tasks.train, o.problems, lab_.env.rng.fork(plan_.phase + " draw", {at}));
    auto dialogue = lab_.dialogue();
    dialogue.turns = plan_.turns;
    const auto requests = rewards::make_requests(problems, rewards::encoder_of(policy_), dialogue, o.samples);
    generate::RollStats stats;
    const auto rollouts = engine_.roll(requests, {}, lab_.env.rng.fork(plan_.phase + " roll", {at}), &stats);
    sampled_ = static_cast<double>(stats.sampled_tokens);

    // Judge, and pay each attempt its own reward.
    const auto attempts = rewards::judge(rollouts, problems, lab_.tasks.verifier, policy_.tokenizer, lab_.env.pool);
    std::vector<double> r1, r2;
    for (const auto& pair : attempts) {
      r1.push_back(pair.front().verdict.reward);
      r2.push_back(pair.back().verdict.reward);
    }
    const auto advantages = attempt_advantages(r1, r2, o.samples, plan_.stage, plan_.alpha, plan_.credit);

    // Train: policy gradient per attempt, KL anchor to the base model per attempt.
    std::vector<data::Example> examples;
    const std::array<double, 2> kl{plan_.options.kl_first, plan_.options.kl_second};
    for (std::size_t i = 0; i < rollouts.size(); ++i)
      examples.push_back(train::policy_example(requests[static_cast<std::size_t>(rollouts[i].request)], rollouts[i],
                                               advantages[i], kl));
    if (step == 0) check_on_policy(policy_.decoder, examples, micro_, lab_.env.pool);
    auto reference = score_examples(lab_.base.decoder, examples, micro_, lab_.env.pool);
    for (std::size_t i = 0; i < examples.size(); ++i) examples[i].reference = std::move(reference[i]);
    const auto loss = [gradient = objectives::kl_gradient_of(o.kl)](const models::Decoder& model, const tensor::Batch& b) {
      const auto logp = models::logprobs(model, b);
      // Sums over an attempt's tokens, averaged over rollouts: one rollout a row, every token weighs 1.
      const auto tokens = objectives::token_weights(b.loss_mask_BT, objectives::Normalisation::dr_grpo, 1);
      return objectives::add_penalty(objectives::policy_gradient(logp, b.advantage_BT, tokens),
                                     objectives::kl_loss(logp, b.reference_BT, b.kl_weight_BT, tokens, gradient));
    };
    StepResult result;
    result.report = slots_.step(micro_batches(examples, micro_), loss, optimizer_,
                                optim::learning_rate(o.optim, step, plan_.options.steps));
    double fixed = 0, broken = 0;
    for (std::size_t i = 0; i < r1.size(); ++i) {
      fixed += (1 - r1[i]) * r2[i];
      broken += r1[i] * (1 - r2[i]);
    }
    const auto rollouts_made = static_cast<double>(r1.size());
    result.metrics = {{"reward_1", evaluate::mean(r1)}, {"reward_2", evaluate::mean(r2)},
                      {"wrong_to_right", fixed / rollouts_made}, {"right_to_wrong", broken / rollouts_made},
                      {"kl", result.report.metrics["kl"]}, {"grad_norm", result.report.grad_norm},
                      {"lr", result.report.lr}, {"sampled_tokens", sampled_}};
    return result;
  }

  const Lab& lab_;
  const Plan& plan_;
  models::Model& policy_;
  generate::Engine engine_;
  train::Slots slots_;
  optim::AdamW optimizer_;
  train::MicroOptions micro_;
  double sampled_ = 0;
};

// The reinforcement-learning stages of an arm.
std::vector<Plan> plans_of(const std::string& arm, const Options& o) {
  const auto credit = arm == "whole_return" || o.credit == "whole_return" ? Credit::whole_return : Credit::per_attempt;
  const Plan first{arm + ".stage1", Stage::first, o.stage1, 0, credit, 2};
  Plan second{arm + ".stage2", Stage::second, o.stage2, arm == "no_shaping" ? 0 : o.alpha, credit, 2};
  if (arm == "single_turn_rl" || arm == "no_stage1") second.options.steps += o.stage1.steps;  // equal steps
  if (arm == "single_turn_rl") {
    second.turns = 1;
    second.alpha = 0;
  }
  if (arm == "single_turn_rl" || arm == "no_stage1") return {second};
  return {first, second};
}

void train_arm(const Lab& lab, const std::string& arm, models::Model& model) {
  if (arm.starts_with("star") || arm.starts_with("pair_sft")) {
    const auto collected = train_sft_arm(lab, arm, model);
    lab.session.once(arm + ".collected", [&] {
      lab.env.record.event("collected", collected);
      return collected;
    });
    return;
  }
  for (const auto& plan : plans_of(arm, lab.options)) Stager(lab, plan, model).run();
}

// Greedy outcomes of an arm on the held-out problems; for self_refine attempt 2 is a fresh draw of the base model.
std::vector<evaluate::TwoTurn> outcomes_of(const Lab& lab, const std::string& arm, const models::Model& model) {
  evaluate::TwoTurnOptions options{.dialogue = lab.dialogue()};
  const auto& held_out = lab.tasks.held_out;
  auto greedy = two_turn(model, held_out, lab.tasks.verifier, options, lab.env.pool, lab.env.rng.fork("evaluate"));
  add_samples(greedy, model, held_out, lab.tasks.verifier, lab.dialogue(), 4, lab.env.pool, lab.env.rng.fork("samples"));
  if (arm != "self_refine") return greedy;
  options.dialogue.turns = 1;
  options.sampling.choice = generate::Choice::sample;
  auto again = two_turn(model, held_out, lab.tasks.verifier, options, lab.env.pool, lab.env.rng.fork("refine"));
  add_samples(again, model, held_out, lab.tasks.verifier, options.dialogue, 4, lab.env.pool, lab.env.rng.fork("refine samples"));
  for (std::size_t i = 0; i < greedy.size(); ++i) {
    greedy[i].second = again[i].first;
    greedy[i].sampled_second = again[i].sampled_first;
  }
  return greedy;
}

void measure(const Lab& lab, const std::string& arm, const models::Model& model, evaluate::TwoTurnSummary& summary) {
  const auto value = lab.session.once("outcomes." + arm, [&] {
    const auto outcomes = outcomes_of(lab, arm, model);
    if (arm != "self_refine") evaluate::save_model(lab.env, arm, model);
    return evaluate::to_json(outcomes);
  });
  summary.add(arm, evaluate::two_turns_from_json(value));
}

std::vector<report::PhasePlan> progress_plan(const Options& o) {
  std::vector<report::PhasePlan> phases;
  if (o.base.model.empty()) phases.push_back({"base", o.base.fit.steps, 0.2});
  for (const auto& arm : parse_arms(o.arms)) {
    if (arm == "pair_sft" || arm == "pair_sft_plus") phases.push_back({arm, o.sft.fit.steps, 0.3});
    else if (arm.starts_with("star"))
      for (int64_t i = 1; i <= o.sft.iterations; ++i) phases.push_back({arm + "." + std::to_string(i), o.sft.fit.steps, 0.3});
    else if (arm != "base" && arm != "self_refine")
      for (const auto& plan : plans_of(arm, o)) phases.push_back({plan.phase, plan.options.steps, 0.6});
  }
  return phases;
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  if (auto* progress = env.record.progress()) progress->plan(progress_plan(o));
  const auto tasks = tasks::load_tasks(o.task, env.rng.fork("tasks"));
  train::Session session(env);

  const auto accuracy = [&](const models::Model& model) {
    return evaluate::greedy_accuracy(model, tasks.validation, 256, tasks.verifier, o.max_tokens, env.pool);
  };
  const auto base = train::base_model(env, session, o.base, o.task, tasks, accuracy);
  const Lab lab{env, session, o, tasks, base};

  evaluate::TwoTurnSummary summary(tasks.held_out);
  measure(lab, "base", base, summary);
  for (const auto& arm : parse_arms(o.arms)) {
    if (arm == "base") continue;
    auto model = train::policy_of(env, base, o.lora, arm);
    if (arm != "self_refine" && !session.has("outcomes." + arm)) train_arm(lab, arm, model);
    measure(lab, arm, model, summary);
  }
  summary.write(env, "score");
}

}  // namespace hone::recipes::score
