// Reinforcement learning with a critic: PPO (arXiv:1707.06347), APA (arXiv:2306.02231) and AWR (arXiv:1910.00177), and
// GRPO beside them at equal samples.
//
// How this differs from the papers: (1) the base is a small decoder trained from scratch on Countdown, or a model
// folder; (2) the reward is a verifier's unless `reward_model` names a folder; (3) policy and critic are updated in
// turn by optimisers of their own, so that there is no weight between their losses.
#include "hone/base/error.h"
#include "hone/evaluate/pass_at_k.h"
#include "hone/evaluate/summary.h"
#include "hone/evaluate/two_turn.h"
#include "hone/report/recipe_card.h"
#include "hone/tasks/search/tree.h"
#include "hone/train/base_model.h"
#include "recipes/ppo/learner.h"

#include <fmt/format.h>

namespace hone::recipes::ppo {
namespace {

const evaluate::ShownMetric kDrift{"kl", "KL to the base", "", {{"kl", 1}}};

void check(const Options& o) {
  require(
      o.lora.dropout == 0, ErrorKind::usage,
      "lora.dropout is {}; here it must be 0: the policy that is trained would be another than the one that sampled",
      o.lora.dropout);
  const bool searches = o.task.verifier == "search";
  require(o.reward != "rating" || searches, ErrorKind::usage,
          "reward = \"rating\" is of searches; the verifier is {}, not search", o.task.verifier);
  if (searches && o.base.model.empty())
    throw Error(ErrorKind::usage, "the verifier search needs a model that writes searches",
                "give --model DIR of a stream_of_search run: its models/sos");
  require(o.critic.start != "reward_model" || !o.reward_model.empty(), ErrorKind::usage,
          "critic.start = \"reward_model\" needs reward_model: the folder of a scalar model");
}

std::shared_ptr<const models::Model> reward_model_of(const train::Env& env, const Options& o) {
  if (o.reward_model.empty()) return nullptr;
  return std::make_shared<const models::Model>(train::on_device(env, models::open(o.reward_model)));
}

// Per held-out problem the mean over samples of Σ_t (log π − log base), nats.
std::vector<double> drift(const Lab& lab, const models::Model& model) {
  const auto& o = lab.options;
  const generate::Engine engine(model.decoder, lab.env.pool, &model.tokenizer);
  const rewards::Dialogue dialogue{1, "auto", o.max_tokens, data::prompts_of(o.task.prompts)};
  const auto requests = rewards::make_requests(lab.tasks.held_out, rewards::encoder_of(model), dialogue, o.kl_samples);
  const auto rollouts = engine.roll(requests, {}, lab.env.rng.fork("drift"));
  const RewardOf none = [&](const Answered& answered) { return std::vector<double>(answered.rollouts.size()); };
  auto batch = collect({lab.tasks.held_out, requests, rollouts}, none, o);
  auto scores = train::score_examples(lab.base.decoder, batch.policy, train::own_rows(lab.base.decoder), lab.env.pool);
  for (std::size_t i = 0; i < scores.size(); ++i) batch.policy[i].reference = std::move(scores[i]);
  const auto kl = sequence_kl(batch.policy);
  std::vector<double> per_problem(lab.tasks.held_out.size());
  for (std::size_t i = 0; i < kl.size(); ++i)
    per_problem[static_cast<std::size_t>(rollouts[i].request)] += kl[i] / static_cast<double>(o.kl_samples);
  return per_problem;
}

// Of greedy searches: mistakes in arithmetic, and operations tried.
void add_searches(const Lab& lab, const std::string& arm, const std::vector<evaluate::Passes>& passes,
                  evaluate::PassSummary& summary) {
  namespace search = tasks::search;
  std::vector<double> mistakes, nodes;
  for (std::size_t i = 0; i < passes.size(); ++i) {
    const auto& problem = lab.tasks.held_out[i];
    const auto trace =
        search::read_compact(search::compact_prompt(problem.numbers, problem.target) + " " + passes[i].greedy.text);
    const auto tree = search::build_tree(trace, problem.numbers, problem.target);
    mistakes.push_back(static_cast<double>(tree.counts[static_cast<std::size_t>(search::Fault::arithmetic)]));
    nodes.push_back(static_cast<double>(tree.explored));
  }
  summary.also(arm, {"arithmetic", "mistakes in arithmetic", "", {{"arithmetic", 1}}}, std::move(mistakes));
  summary.also(arm, {"nodes", "operations tried", "", {{"nodes", 1}}}, std::move(nodes));
}

void measure(const Lab& lab, const std::string& arm, const Learner* learner, evaluate::PassSummary& summary) {
  const auto value = lab.session.once("outcomes." + arm, [&] {
    const models::Model& model = learner ? learner->policy() : lab.base;
    evaluate::save_model(lab.env, arm, model);
    if (learner && learner->critic()) evaluate::save_model(lab.env, arm + "_critic", *learner->critic());
    const evaluate::PassOptions options{.samples = lab.options.pass_at,
                                        .max_tokens = lab.options.max_tokens,
                                        .prompts = data::prompts_of(lab.options.task.prompts)};
    const auto passes = evaluate::pass_at_k(model, lab.tasks.held_out, lab.tasks.verifier, options, lab.env.pool,
                                            lab.env.rng.fork("evaluate"));
    return Json{{"passes", evaluate::to_json(passes)}, {"kl", learner ? drift(lab, model) : std::vector<double>{}}};
  });
  auto passes = evaluate::pass_from_json(value.at("passes"));
  auto kl = value.at("kl").get<std::vector<double>>();
  if (kl.empty()) kl.assign(passes.size(), 0);  // the base is no distance from itself
  if (lab.options.task.verifier == "search") add_searches(lab, arm, passes, summary);
  summary.add(arm, std::move(passes));
  summary.also(arm, kDrift, std::move(kl));
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  const auto arms = report::parse_arms(o.arms, arm_names());
  check(o);
  if (auto* progress = env.record.progress()) {
    std::vector<report::PhasePlan> phases;
    if (o.base.model.empty()) phases.push_back({"base", o.base.fit.steps, 0.2});
    for (const auto& arm : arms) phases.push_back({arm, o.steps, 0.8});
    progress->plan(phases);
  }
  const auto tasks = tasks::load_tasks(o.task, env.rng.fork("tasks"));
  train::Session session(env);
  const auto accuracy = [&](const models::Model& model) {
    return evaluate::greedy_accuracy(model, tasks.validation, 256, tasks.verifier, o.max_tokens, env.pool);
  };
  const auto base = train::base_model(env, session, o.base, o.task, tasks, accuracy);
  const Lab lab{env, session, o, tasks, base, reward_model_of(env, o)};

  evaluate::PassSummary summary(tasks.held_out);
  measure(lab, "base", nullptr, summary);
  for (const auto& arm : arms) {
    std::optional<Learner> learner;
    if (!session.has("outcomes." + arm)) {
      learner.emplace(lab, arm);
      learner->train();
    }
    measure(lab, arm, learner ? &*learner : nullptr, summary);
  }
  summary.write(env, arms.front());
}

}  // namespace hone::recipes::ppo
