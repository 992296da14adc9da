// Reinforcement learning with a critic: PPO (arXiv:1707.06347), APA (arXiv:2306.02231) and AWR (arXiv:1910.00177), and
// GRPO beside them at equal samples.
//
// How this differs from the papers: (1) the base is a small decoder trained from scratch on Countdown, or a model
// folder; (2) the reward is a verifier's unless `reward_model` names a folder; (3) policy and critic are updated in
// turn by optimisers of their own, so that there is no weight between their losses.
#include "hone/evaluate/pass_at_k.h"
#include "hone/evaluate/summary.h"
#include "hone/evaluate/two_turn.h"
#include "hone/report/recipe_card.h"
#include "hone/tasks/search/tree.h"
#include "hone/train/base_model.h"
#include "recipes/ppo/helpful.h"
#include "recipes/ppo/learner.h"

#include <fmt/format.h>

namespace hone::recipes::ppo {
namespace {

// Means over a few samples of every held-out problem, by name; and over greedy searches.
using Means = std::map<std::string, std::vector<double>>;
const evaluate::ShownMetric kShown[] = {{"kl", "KL to the base", "", {{"kl", 1}}},
                                        {"gold", "gold reward", "", {{"gold", 1}}},
                                        {"score", "reward model's score", "", {{"score", 1}}},
                                        {"arithmetic", "mistakes in arithmetic", "", {{"arithmetic", 1}}},
                                        {"nodes", "operations tried", "", {{"nodes", 1}}},
                                        {"nodes_saved", "saved where both solve", "", {{"nodes_saved", 1}}}};

std::shared_ptr<const models::Model> reward_model_of(const train::Env& env, const Options& o) {
  if (o.reward_model.empty()) return nullptr;
  return std::make_shared<const models::Model>(train::on_device(env, models::open(o.reward_model)));
}

// Per held-out problem the mean over samples of Σ_t (log π − log base), nats, and where they are known of the gold
// reward and the reward model's score.
Means sampled_means(const Lab& lab, const models::Model& model) {
  const auto& o = lab.options;
  const auto& problems = lab.tasks.held_out;
  const generate::Engine engine(model.decoder, lab.env.pool, &model.tokenizer);
  const rewards::Dialogue dialogue{1, "auto", o.max_tokens, data::prompts_of(o.task.prompts)};
  const auto requests = rewards::make_requests(problems, rewards::encoder_of(model), dialogue, o.kl_samples);
  const auto rollouts = engine.roll(requests, {}, lab.env.rng.fork("drift"));
  const Answered answered{problems, requests, rollouts};
  const RewardOf none = [](const Answered& a) { return std::vector<double>(a.rollouts.size()); };
  auto batch = collect(answered, none, o);
  auto scores = train::score_examples(lab.base.decoder, batch.policy, train::own_rows(lab.base.decoder), lab.env.pool);
  for (std::size_t i = 0; i < scores.size(); ++i) batch.policy[i].reference = std::move(scores[i]);
  Means means;
  const auto add = [&](const char* name, const std::vector<double>& values) {
    auto& mean = means[name];
    mean.assign(problems.size(), 0);
    for (std::size_t i = 0; i < values.size(); ++i)
      mean[static_cast<std::size_t>(rollouts[i].request)] += values[i] / static_cast<double>(o.kl_samples);
  };
  if (&model == &lab.base)
    means["kl"].assign(problems.size(), 0);  // what sampler and trainer differ by is no distance
  else
    add("kl", sequence_kl(batch.policy));
  if (lab.gold) add("gold", lab.gold(answered));
  if (lab.reward_model) add("score", model_reward(lab.reward_model, model.tokenizer, lab.env.pool)(answered));
  return means;
}

// Of greedy searches: mistakes in arithmetic, and operations tried.
Means search_means(const Lab& lab, const std::vector<evaluate::Passes>& passes) {
  namespace search = tasks::search;
  Means means;
  for (std::size_t i = 0; i < passes.size(); ++i) {
    const auto& problem = lab.tasks.held_out[i];
    const auto trace =
        search::read_compact(search::compact_prompt(problem.numbers, problem.target) + " " + passes[i].greedy.text);
    const auto tree = search::build_tree(trace, problem.numbers, problem.target);
    means["arithmetic"].push_back(
        static_cast<double>(tree.counts[static_cast<std::size_t>(search::Fault::arithmetic)]));
    means["nodes"].push_back(static_cast<double>(tree.explored));
  }
  return means;
}

// What is measured of the base and of every arm, and what the summary makes of it.
class Findings {
 public:
  explicit Findings(const Lab& lab) : lab_(lab), summary_(lab.tasks.held_out) {
    // Against a reward model the exactly best answer is not what is asked for.
    if (lab.gold) summary_.lead_with({"gold", "score", "kl"});
  }

  void measure(const std::string& arm, const models::Model* model) {
    const auto value = lab_.session.once("outcomes." + arm, [&] {
      evaluate::save_model(lab_.env, arm, *model);
      const evaluate::PassOptions options{.samples = lab_.options.pass_at,
                                          .max_tokens = lab_.options.max_tokens,
                                          .prompts = data::prompts_of(lab_.options.task.prompts)};
      const auto passes = evaluate::pass_at_k(*model, lab_.tasks.held_out, lab_.tasks.verifier, options, lab_.env.pool,
                                              lab_.env.rng.fork("evaluate"));
      return Json{{"passes", evaluate::to_json(passes)}, {"means", sampled_means(lab_, *model)}};
    });
    auto passes = evaluate::pass_from_json(value.at("passes"));
    auto means = value.at("means").get<Means>();
    if (lab_.options.task.verifier == "search") means.merge(search_means(lab_, passes));
    if (means.contains("nodes")) means["nodes_saved"] = saved(passes, means["nodes"]);
    summary_.add(arm, std::move(passes));
    for (const auto& metric : kShown)
      if (const auto found = means.find(metric.name); found != means.end())
        summary_.also(arm, metric, std::move(found->second));
  }
  void write(const std::string& improved) const { summary_.write(lab_.env, improved); }

 private:
  // Operations that the base, which is measured first, tries more than the arm, where both solve the problem; else 0.
  std::vector<double> saved(const std::vector<evaluate::Passes>& passes, const std::vector<double>& nodes) {
    const auto right = [](const evaluate::Passes& p) { return p.greedy.verdict.reward > 0.5; };
    if (base_nodes_.empty()) {
      base_nodes_ = nodes;
      for (const auto& p : passes) base_right_.push_back(right(p));
    }
    std::vector<double> less(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (base_right_[i] && right(passes[i])) less[i] = base_nodes_[i] - nodes[i];
    return less;
  }

  const Lab& lab_;
  evaluate::PassSummary summary_;
  std::vector<double> base_nodes_;
  std::vector<bool> base_right_;
};

void run_arm(const Lab& lab, const std::string& arm, Findings& findings) {
  std::optional<Learner> learner;
  if (!lab.session.has("outcomes." + arm)) {
    learner.emplace(lab, arm);
    learner->train();
    if (learner->critic()) evaluate::save_model(lab.env, arm + "_critic", *learner->critic());
  }
  // Before the arm itself, whose outcomes say that the arm is done.
  if (lab.gold) findings.measure(arm + "_peak", learner ? learner->peak() : nullptr);
  findings.measure(arm, learner ? &learner->policy() : nullptr);
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  check(given);
  const auto arms = report::parse_arms(o.arms, arm_names());
  if (auto* progress = env.record.progress()) {
    std::vector<report::PhasePlan> phases;
    if (o.base.model.empty()) phases.push_back({"base", o.base.fit.steps, 0.2});
    for (const auto& arm : arms) phases.push_back({arm, o.steps, 0.8});
    progress->plan(phases);
  }
  const auto tasks =
      o.helpful ? helpful_tasks(o.task, env.rng.fork("tasks")) : tasks::load_tasks(o.task, env.rng.fork("tasks"));
  train::Session session(env);
  const auto accuracy = [&](const models::Model& model) {
    return evaluate::greedy_accuracy(model, tasks.validation, 256, tasks.verifier, o.max_tokens, env.pool);
  };
  const auto base = train::base_model(env, session, o.base, o.task, tasks, accuracy);
  const Lab lab{
      env, session, o, tasks, base, reward_model_of(env, o), o.helpful ? gold_reward(base.tokenizer) : RewardOf()};

  Findings findings(lab);
  findings.measure("base", &base);
  for (const auto& arm : arms) run_arm(lab, arm, findings);
  findings.write(arms.front());
}

}  // namespace hone::recipes::ppo
