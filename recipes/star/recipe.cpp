// STaR: a model learns from its own rationales that end right (Zelikman et al., arXiv:2203.14465).
//
// How this differs from the paper: (1) M0 is a small decoder shown short worked additions, in place of a few-shot
// prompt, or a model folder; (2) "long" and "area" weigh lengths alike; (3) AdamW with warm-up in every round.
#include "hone/base/error.h"
#include "hone/evaluate/summary.h"
#include "hone/evaluate/summary_file.h"
#include "hone/tasks/addition.h"
#include "hone/train/base_model.h"
#include "hone/train/fit.h"
#include "hone/train/policy.h"
#include "recipes/star/rounds.h"

#include <fmt/format.h>

#include <set>

namespace hone::recipes::star {
namespace {

using Values = std::map<std::string, std::vector<double>>;  // one number per held-out place

models::Model base_model(train::Env& env, train::Session& session, const Options& o) {
  if (auto given = train::given_model(env, o.model, o.data)) return std::move(*given);
  auto model =
      train::fresh_model(env, o.fresh, text::Tokenizer::symbols(text::standard_specials(), tasks::addition_words()));
  const auto records = seed_records(o, model.tokenizer, env.rng.fork("seed records"));
  train::fit(env, session, "base", model.decoder, o.base,
             train::cycle(records, o.base.batch, env.rng.fork("base order")));
  return model;
}

// Greedy answers to every group: a vector per group, and the averages over groups "long", "area" and "valid".
Values measure(const Lab& lab, const models::Model& model) {
  Values values;
  const evaluate::TwoTurnOptions options{.dialogue = {1, "auto", lab.options.max_tokens}};
  const auto places = lab.world.groups.front().problems.size();
  for (const char* name : {"long", "area", "valid"}) values[name].assign(places, 0);
  double in_long = 0, in_area = 0;
  for (const auto& group : lab.world.groups) {
    const auto answers = evaluate::two_turn(model, group.problems, lab.world.verifier, options, lab.env.pool,
                                            lab.env.rng.fork("evaluate"));
    in_long += group.in_long;
    in_area += group.in_area;
    for (std::size_t i = 0; i < places; ++i) {
      const double right = answers[i].first.verdict.reward;
      values[group.name].push_back(right);
      if (group.in_long) values["long"][i] += right;
      if (group.in_area) values["area"][i] += right;
      if (group.in_long && lab.world.valid)
        values["valid"][i] += right > 0.5 && lab.world.valid(group.problems[i], answers[i].first.text);
    }
  }
  for (std::size_t i = 0; i < places; ++i) {
    values["long"][i] /= in_long;
    values["valid"][i] /= in_long;
    values["area"][i] /= in_area;
  }
  if (!lab.world.valid) values.erase("valid");
  return values;
}

// What one round gave, for the curves of the report: counts of rows, and accuracy afterwards.
void log_round(const Lab& lab, const Arm& arm, const train::Round& round, const train::LoopRows& kept,
               const Values& values) {
  double rationalized = 0, invalid = 0;
  std::set<std::string> problems;
  for (const Json& row : kept) {
    rationalized += row.value("source", "") == "rationalized";
    invalid += row.contains("valid") && !row.at("valid").get<bool>();
    problems.insert(row.at("problem").get<std::string>());
  }
  report::Metrics metrics = {{"kept", static_cast<double>(kept.size())},
                             {"kept_problems", static_cast<double>(problems.size())},
                             {"kept_rationalized", rationalized}};
  if (lab.world.valid) metrics.emplace_back("kept_for_wrong_reasons", invalid);
  for (const auto& [name, value] : values) metrics.emplace_back(name, evaluate::mean(value));
  lab.env.record.metrics(arm.name + ".rounds", round.iteration, metrics);
}

// The rounds of an arm; returns its outcomes, "area" being the mean over rounds.
Values train_arm(const Lab& lab, const Arm& arm, models::Model& model) {
  Values last, total;
  const auto& o = lab.options;
  train::LoopPlan plan{.name = arm.name, .iterations = o.iterations, .parts = kParts};
  plan.sample = [&](const train::Round& round, int64_t part) { return ask(lab, arm, model, round, part); };
  plan.judge = [&](const train::Round& round, train::LoopRows rows) { return judge(lab, round, std::move(rows)); };
  plan.filter = [&](const train::Round& round, const train::LoopRows& judged) { return keep(lab, round, judged); };
  plan.train = [&](const train::Round& round, const train::LoopRows& kept) {
    if (arm.from == Arm::From::base) model = train::policy_of(lab.env, lab.base, o.lora, arm.name);
    const auto examples = examples_of(lab, round, kept);
    auto fit = o.fit;
    fit.steps = steps_of(o, round.iteration);
    if (!examples.empty())
      train::fit(lab.env, lab.session, fmt::format("{}.{}", arm.name, round.iteration), model.decoder, fit,
                 train::cycle(examples, fit.batch, round.rng.fork("order")));
    const Json value = lab.session.once(fmt::format("{}.{}.measured", arm.name, round.iteration), [&] {
      const auto values = measure(lab, model);
      log_round(lab, arm, round, kept, values);
      return Json(values);
    });
    last = value.get<Values>();
    auto& area = total["area"];
    area.resize(last.at("area").size());
    for (std::size_t i = 0; i < area.size(); ++i) area[i] += last.at("area")[i] / static_cast<double>(o.iterations);
  };
  train::run_loop(lab.env, lab.session, model.decoder, plan);
  last["area"] = total.at("area");
  return last;
}

Values outcomes(const Lab& lab, const std::string& name) {
  const auto key = "outcomes." + name;
  models::Model model = name == "base" ? lab.base : train::policy_of(lab.env, lab.base, lab.options.lora, name);
  Values values;
  if (name != "base" && !lab.session.has(key)) values = train_arm(lab, arm_of(name), model);
  return lab.session
      .once(key,
            [&] {
              evaluate::save_model(lab.env, name, model);
              return Json(name == "base" ? measure(lab, model) : values);
            })
      .get<Values>();
}

void write(const Lab& lab, const std::vector<std::pair<std::string, Values>>& arms) {
  evaluate::SummaryFile file{.improved = arms.back().first,
                             .held_out = static_cast<int64_t>(lab.world.groups.front().problems.size())};
  file.metrics = {
      {"long", lab.options.data.empty() ? "sums of 3 digits and more" : "held-out accuracy", "%", {{"long", 1}}},
      {"area", "mean over rounds, 4 digits and more", "%", {{"area", 1}}}};
  if (lab.world.valid) file.metrics.push_back({"valid", "right with a right scratchpad", "%", {{"valid", 1}}});
  for (const auto& group : lab.world.groups) file.metrics.push_back({group.name, group.label, "%", {{group.name, 1}}});
  for (const auto& [name, values] : arms) {
    file.arms.push_back(name);
    file.outcomes.arms[name] = values;
    if (name == "star_rationalize") file.improved = name;
  }
  evaluate::write_summary(lab.env, file);
}

std::vector<report::PhasePlan> progress_plan(const Options& o) {
  std::vector<report::PhasePlan> phases;
  if (o.model.empty()) phases.push_back({"base", o.base.steps, 0.1});
  for (const auto& arm : parse_arms(o.arms))
    for (int64_t i = 1; i <= o.iterations; ++i) phases.push_back({fmt::format("{}.{}", arm, i), steps_of(o, i), 0.2});
  return phases;
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  check(given);
  if (auto* progress = env.record.progress()) progress->plan(progress_plan(o));
  const auto world = make_world(o, env.rng.fork("world"));
  train::Session session(env);
  const auto base = base_model(env, session, o);
  const Lab lab{env, session, o, world, base};
  std::vector<std::pair<std::string, Values>> arms = {{"base", outcomes(lab, "base")}};
  for (const auto& arm : parse_arms(o.arms)) arms.emplace_back(arm, outcomes(lab, arm));
  write(lab, arms);
}

}  // namespace hone::recipes::star
