// Reward model: a language model with a scalar head learns from choices between two completions (Ouyang et al.,
// arXiv:2203.02155, §3.5; Stiennon et al., arXiv:2009.01325).
//
// How this differs from the papers: (1) a small decoder and a toy world whose gold reward is known, or a model folder
// and a file of choices; (2) the mean reward is set to 0 by moving the head, which has no bias; (3) held-out accuracy
// is against the gold order, without the coin that labels the choices, since no model foresees a coin.
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/evaluate/best_of_n.h"
#include "hone/evaluate/summary.h"
#include "hone/evaluate/summary_file.h"
#include "hone/models/scalar.h"
#include "hone/rewards/attempts.h"
#include "hone/tasks/jsonl.h"
#include "hone/train/base_model.h"
#include "hone/train/fit.h"
#include "hone/train/policy.h"
#include "hone/train/reward_fit.h"
#include "recipes/reward_model/length.h"
#include "recipes/reward_model/measure.h"

#include <fmt/format.h>

#include <set>

namespace hone::recipes::reward_model {
namespace {

constexpr uint64_t kHeldOutSeed = 20250314;
constexpr const char* kModel = "reward_model";
constexpr const char* kFew = "reward_model_few";

constexpr tasks::AnnotatorOptions kCareful{.care = 1, .spread = 0, .repeat = 0, .unfinished = 0};

// What every part works with.
struct Lab {
  train::Env& env;
  train::Session& session;
  const Options& options;
  const models::Model& base;  ///< the policy that was fine-tuned, or the model folder

  train::MicroOptions micro() const { return train::own_rows(base.decoder, options.reward.micro_tokens); }
};

// At most `most` of the examples, evenly spread.
std::vector<data::Example> some_of(const std::vector<data::Example>& all, std::size_t most) {
  if (all.size() <= most) return all;
  std::vector<data::Example> out;
  for (std::size_t i = 0; i < most; ++i) out.push_back(all[i * all.size() / most]);
  return out;
}

// What the mean reward of is to be 0: what the policy said or, with a file, what was chosen.
std::vector<data::Example> zero_of(const Lab& lab, const data::PairSet& set) {
  constexpr std::size_t kMost = 2000;
  if (lab.options.data.empty()) return some_of(train::examples_of(set.pairs), kMost);
  std::vector<data::Example> chosen;
  for (const auto& pair : set.pairs) chosen.push_back(pair.chosen);
  return some_of(chosen, kMost);
}

models::Model train_rewards(const Lab& lab, const std::string& name, const data::PairSet& set) {
  auto model = train::policy_of(lab.env, lab.base, lab.options.lora, name);
  model.decoder = models::scalar_of(model.decoder);
  train::fit_rewards(lab.env, lab.session, name,
                     {model.decoder, set, lab.options.reward, lab.env.rng.fork("order of " + name)});
  const double mean = train::centre_rewards(model.decoder, zero_of(lab, set), lab.micro(), lab.env.pool);
  lab.session.once(name + ".saved", [&] {
    evaluate::save_model(lab.env, name, model);
    lab.env.record.event("rewards_centred",
                         {{"phase", name}, {"mean_before", mean}, {"pairs", set.pairs.size()}, {"equal", set.equal}});
    return Json(mean);
  });
  return model;
}

// ---- the toy world ----

models::Model demonstrated_policy(train::Env& env, train::Session& session, const Options& o) {
  auto model =
      train::fresh_model(env, o.fresh, text::Tokenizer::symbols(text::standard_specials(), tasks::helpful_words()));
  const auto careful = static_cast<int64_t>(o.helpful.careful * static_cast<double>(o.sft.steps));
  const auto source = train::made(env, o.sft.batch, [&](int64_t step, Rng rng) {
    return demonstration(step < careful ? kCareful : o.helpful.annotator, model.tokenizer, rng);
  });
  train::fit(env, session, "sft", model.decoder, o.sft, source);
  return model;
}

data::PairSet world_choices(const Lab& lab) {
  const Json rows = lab.session.once("choices", [&] {
    evaluate::save_model(lab.env, "base", lab.base);
    const auto drawn = draw_choices(lab.base, lab.options.helpful, lab.env.pool, lab.env.rng.fork("choices"));
    base::write_file_atomic(lab.env.dir / "choices.jsonl", tasks::jsonl_text(drawn));
    return Json(drawn);
  });
  const auto parsed = data::parse_pair_rows(tasks::jsonl_text(rows.get<std::vector<Json>>()), "choices.jsonl");
  return data::tokenize_pairs(parsed, rewards::encoder_of(lab.base), lab.base.decoder.config.context,
                              data::TooLong::refuse);
}

data::PairSet first_of(const data::PairSet& set, int64_t count) {
  const auto size = std::min(set.pairs.size(), static_cast<std::size_t>(count));
  const auto end = static_cast<std::ptrdiff_t>(size);
  return {{set.pairs.begin(), set.pairs.begin() + end}, {set.prompts.begin(), set.prompts.begin() + end}};
}

Scores model_scores(const Lab& lab, const models::Model& model, const std::vector<Responses>& responses) {
  std::vector<data::Example> all;
  for (const auto& r : responses) all.insert(all.end(), r.examples.begin(), r.examples.end());
  const auto flat = train::final_values(model.decoder, all, lab.micro(), lab.env.pool);
  Scores scores;
  for (auto at = flat.begin(); const auto& r : responses) {
    const auto end = at + static_cast<std::ptrdiff_t>(r.examples.size());
    scores.emplace_back(at, end);
    at = end;
  }
  return scores;
}

Scores length_scores(const LengthScore& length, const std::vector<Responses>& responses) {
  Scores scores;
  for (const auto& r : responses) {
    scores.emplace_back();
    for (const auto& example : r.examples) scores.back().push_back(length.of(example));
  }
  return scores;
}

// Gold reward and score of best-of-n, less those of n = 1: one chart a reward model.
void log_best_of(const Lab& lab, const std::string& name, const std::vector<Responses>& responses,
                 const Scores& score) {
  const auto one = best_of(responses, score, score, 1);
  const double gold = evaluate::mean(one.at("gold")), start = evaluate::mean(one.at("score"));
  for (const int64_t n : sizes_up_to(lab.options.helpful.best_of)) {
    const auto values = best_of(responses, score, score, n);
    lab.env.record.metrics(name + ".best_of_n", n,
                           {{"gain over n = 1/gold reward", evaluate::mean(values.at("gold")) - gold},
                            {"gain over n = 1/reward model", evaluate::mean(values.at("score")) - start},
                            {"kl", evaluate::best_of_n_kl(n)}});
  }
}

using Outcomes = std::map<std::string, Values>;

Outcomes world_outcomes(const Lab& lab, const data::PairSet& set, const models::Model& model,
                        const models::Model* few) {
  constexpr int64_t kShown[] = {2, 4, 8, 16};
  const auto& o = lab.options;
  const auto problems = tasks::draw_helpful(tasks::HelpfulSplit::held_out, o.test, Rng(kHeldOutSeed));
  const auto responses =
      respond(lab.base, problems, o.helpful.best_of, o.helpful, lab.env.pool, lab.env.rng.fork("held-out responses"));
  const auto score = model_scores(lab, model, responses);
  const auto length = length_scores(LengthScore(set.pairs), responses);
  Outcomes out;
  out["sft"] = best_of(responses, score, score, 1);
  for (const int64_t n : kShown) out[fmt::format("best_of_{}", n)] = best_of(responses, score, score, n);
  out["length"] = accuracies(responses, length);
  out["length"].merge(best_of(responses, length, score, kShown[3]));
  out[kModel] = accuracies(responses, score);
  out[kModel].merge(best_of(responses, score, score, kShown[3]));
  log_best_of(lab, kModel, responses, score);
  if (few) {
    const auto guess = model_scores(lab, *few, responses);
    out[kFew] = accuracies(responses, guess);
    out[kFew].merge(best_of(responses, guess, score, kShown[3]));
    log_best_of(lab, kFew, responses, guess);
  }
  return out;
}

Outcomes run_world(const Lab& lab) {
  const auto set = world_choices(lab);
  const auto model = train_rewards(lab, kModel, set);
  std::optional<models::Model> few;
  const int64_t count = lab.options.helpful.few_pairs;
  if (count > 0) few = train_rewards(lab, kFew, first_of(set, count));
  return lab.session.once("outcomes", [&] { return Json(world_outcomes(lab, set, model, few ? &*few : nullptr)); })
      .get<Outcomes>();
}

// ---- a file of choices ----

struct Split {
  data::PairSet train, held_out;
};

data::PairSet read_choices(const Lab& lab, const std::string& file) {
  const auto cut = lab.options.too_long == "truncate" ? data::TooLong::truncate : data::TooLong::refuse;
  return data::tokenize_pairs(data::read_pair_rows(file), rewards::encoder_of(lab.base),
                              lab.base.decoder.config.context, cut);
}

// Whole prompts are held out, the same for every seed.
Split split_by_prompt(const data::PairSet& all, double share) {
  const std::set<std::size_t> prompts(all.prompts.begin(), all.prompts.end());
  require(prompts.size() >= 2, ErrorKind::data, "the choices of one prompt can't be split into training and held-out");
  std::vector<std::size_t> order(prompts.begin(), prompts.end());
  Rng(kHeldOutSeed).shuffle(order);
  const auto wanted = static_cast<std::size_t>(share * static_cast<double>(order.size()));
  order.resize(std::max<std::size_t>(1, wanted));
  const std::set<std::size_t> held_out(order.begin(), order.end());
  Split split;
  split.train.equal = all.equal;
  for (std::size_t i = 0; i < all.pairs.size(); ++i) {
    auto& side = held_out.contains(all.prompts[i]) ? split.held_out : split.train;
    side.pairs.push_back(all.pairs[i]);
    side.prompts.push_back(all.prompts[i]);
  }
  return split;
}

Outcomes run_file(const Lab& lab) {
  const auto& o = lab.options;
  auto split = o.test_data.empty() ? split_by_prompt(read_choices(lab, o.data), o.held_out)
                                   : Split{read_choices(lab, o.data), read_choices(lab, o.test_data)};
  const auto model = train_rewards(lab, kModel, split.train);
  const Json outcomes = lab.session.once("outcomes", [&] {
    const auto score =
        train::final_values(model.decoder, train::examples_of(split.held_out.pairs), lab.micro(), lab.env.pool);
    const LengthScore length(split.train.pairs);
    Outcomes out;
    for (std::size_t i = 0; i < split.held_out.pairs.size(); ++i) {
      const auto& [chosen, rejected] = split.held_out.pairs[i];
      const double order[] = {1, 0};
      const double by_model[] = {score[2 * i], score[2 * i + 1]};
      const double by_length[] = {length.of(chosen), length.of(rejected)};
      out[kModel]["accuracy"].push_back(agreement(by_model, order).accuracy);
      out[kModel]["gap"].push_back(score[2 * i] - score[2 * i + 1]);
      out["length"]["accuracy"].push_back(agreement(by_length, order).accuracy);
    }
    return Json(out);
  });
  return outcomes.get<Outcomes>();
}

void write(const Lab& lab, const Outcomes& outcomes) {
  evaluate::SummaryFile file{.improved = kModel, .base = "length"};
  const auto any = [&](const char* metric) {
    return std::any_of(outcomes.begin(), outcomes.end(), [&](const auto& arm) { return arm.second.contains(metric); });
  };
  const std::vector<evaluate::ShownMetric> metrics = {
      {"accuracy", "pairs in the right order", "%", {{"accuracy", 1}}},
      {"gold", "gold reward", "", {{"gold", 1}}},
      {"score", "reward model's score", "", {{"score", 1}}},
      {"gap", "chosen − rejected", "", {{"gap", 1}}},
      {"coin", "agreement with the coin that labels", "%", {{"coin", 1}}},
      {"ceiling", "the most that it can be", "%", {{"ceiling", 1}}}};
  for (const auto& metric : metrics)
    if (any(metric.name.c_str())) file.metrics.push_back(metric);
  file.labels = {{"sft", "policy (n = 1)"}, {"length", "by length alone"}, {kModel, "by the reward model"}};
  for (const char* arm : {"sft", "best_of_2", "best_of_4", "best_of_8", "best_of_16", "length", kModel, kFew}) {
    const auto found = outcomes.find(arm);
    if (found == outcomes.end()) continue;
    file.arms.emplace_back(arm);
    file.outcomes.arms[arm] = found->second;
    file.held_out = static_cast<int64_t>(found->second.begin()->second.size());
  }
  evaluate::write_summary(lab.env, file);
}

std::vector<report::PhasePlan> progress_plan(const Options& o) {
  const auto steps = [&](int64_t pairs) { return o.reward.epochs * ((pairs + o.reward.batch - 1) / o.reward.batch); };
  std::vector<report::PhasePlan> phases;
  if (!o.data.empty()) return phases;
  phases.push_back({"sft", o.sft.steps, 0.1});
  phases.push_back({kModel, steps(o.helpful.pairs), 0.2});
  if (o.helpful.few_pairs > 0) phases.push_back({kFew, steps(o.helpful.few_pairs), 0.2});
  return phases;
}

}  // namespace

void run(train::Env& env, const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  check(given);
  if (auto* progress = env.record.progress()) progress->plan(progress_plan(o));
  train::Session session(env);
  auto chosen = train::given_model(env, o.model, o.data);
  const auto base = chosen ? std::move(*chosen) : demonstrated_policy(env, session, o);
  const Lab lab{env, session, o, base};
  write(lab, o.data.empty() ? run_world(lab) : run_file(lab));
}

}  // namespace hone::recipes::reward_model
