// The supervised baselines of SCoRe's table: STaR and Pair-SFT, with and without right→right data.
#include "recipes/score/arms.h"

#include "hone/base/error.h"
#include "hone/data/rows.h"
#include "hone/train/fit.h"
#include "hone/train/loop.h"
#include "hone/train/policy.h"
#include "hone/train/policy_data.h"

#include <algorithm>

namespace hone::recipes::score {
namespace {

using train::LoopRows;
using train::Round;

// Pieces of a round's samples; no part of the results, since a request's key is its place among all.
constexpr int64_t kParts = 4;

/// One supervised arm as a loop.
struct Arm {
  std::string name;
  enum class Data { two_turn_traces, paired_attempts } data = Data::two_turn_traces;
  enum class Firsts { wrong_only, all } firsts = Firsts::wrong_only;
  int64_t rounds = 1;
};

Arm arm_of(std::string_view name, const Options& o) {
  Arm arm{.name = std::string(name)};
  if (name.starts_with("pair_sft"))
    arm.data = Arm::Data::paired_attempts;
  else
    arm.rounds = o.sft.iterations;
  if (name.ends_with("_plus")) arm.firsts = Arm::Firsts::all;
  return arm;
}

// The training problems sampled in a round.
std::vector<tasks::Problem> problems_of(const Lab& lab, const Round& round) {
  auto problems = lab.tasks.train;
  lab.env.rng.fork("sft problems", {static_cast<uint64_t>(round.iteration - 1)}).shuffle(problems);
  problems.resize(std::min(problems.size(), static_cast<std::size_t>(lab.options.sft.problems)));
  return problems;
}

// Rollouts of rows, their requests being places among the round's problems.
std::vector<generate::Rollout> rollouts_of(const LoopRows& rows, const train::Asked& asked) {
  std::vector<generate::Rollout> out;
  for (const Json& row : rows)
    out.push_back({static_cast<int64_t>(asked.place_of(row)), base::get_int(row, "sample", 0, INT64_MAX, "row"),
                   train::turns_of(row, "row")});
  return out;
}

// Two attempts of the model as it is, or single ones to be paired.
LoopRows sample(const Lab& lab, const Arm& arm, const models::Model& model, const Round& round, int64_t part) {
  const auto [asked, begin] = train::part_of(problems_of(lab, round), part, kParts);
  auto dialogue = lab.dialogue();
  const bool paired = arm.data == Arm::Data::paired_attempts;
  if (paired) dialogue.turns = 1;
  auto requests = rewards::make_requests(asked, rewards::encoder_of(model), dialogue, lab.options.sft.samples);
  for (auto& request : requests) request.key += begin;
  const generate::Engine engine(model.decoder, lab.env.pool, &model.tokenizer);
  const Rng rng =
      paired ? lab.env.rng.fork("pairs") : lab.env.rng.fork("star", {static_cast<uint64_t>(round.iteration - 1)});
  LoopRows rows;
  for (const auto& rollout : engine.roll(requests, {}, rng))
    rows.push_back(train::rollout_row(asked[static_cast<std::size_t>(rollout.request)], rollout, model.tokenizer));
  return rows;
}

LoopRows judge(const Lab& lab, const Round& round, LoopRows rows) {
  const train::Asked asked(problems_of(lab, round));
  const auto attempts =
      rewards::judge(rollouts_of(rows, asked), asked.problems(), lab.tasks.verifier, lab.base.tokenizer, lab.env.pool);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i]["rewards"] = Json::array();
    for (const auto& attempt : attempts[i]) rows[i]["rewards"].push_back(attempt.verdict.reward);
  }
  return rows;
}

bool is_right(const Json& row, std::size_t turn) { return row.at("rewards").at(turn).get<double>() > 0.5; }

// Two-turn traces that end right.
LoopRows keep_traces(const Arm& arm, const LoopRows& judged) {
  LoopRows kept;
  for (const Json& row : judged)
    if (is_right(row, 1) && (!is_right(row, 0) || arm.firsts == Arm::Firsts::all)) kept.push_back(row);
  return kept;
}

// Single attempts at one problem, paired: every (wrong or right) first with the next right one.
LoopRows keep_pairs(const Lab& lab, const Arm& arm, const LoopRows& judged) {
  LoopRows kept;
  const auto k = static_cast<std::size_t>(lab.options.sft.samples);
  for (std::size_t begin = 0; begin < judged.size(); begin += k) {
    for (std::size_t i = begin; i < begin + k; ++i) {
      if (is_right(judged[i], 0) && arm.firsts == Arm::Firsts::wrong_only) continue;
      for (std::size_t step = 1; step < k; ++step) {
        const std::size_t j = begin + (i - begin + step) % k;
        if (!is_right(judged[j], 0)) continue;
        Json pair = judged[i];
        pair["turns"].push_back(judged[j].at("turns").at(0));
        pair["rewards"].push_back(judged[j].at("rewards").at(0));
        kept.push_back(std::move(pair));
        break;
      }
    }
  }
  return kept;
}

// Two-turn conversations with loss on the attempts that are right.
std::vector<data::Example> traces_of(const Lab& lab, const Round& round, const LoopRows& kept) {
  const train::Asked asked(problems_of(lab, round));
  const auto requests = rewards::make_requests(asked.problems(), rewards::encoder_of(lab.base), lab.dialogue(), 1);
  const auto rollouts = rollouts_of(kept, asked);
  std::vector<data::Example> out;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    auto e = train::policy_example(requests[static_cast<std::size_t>(rollouts[i].request)], rollouts[i],
                                   std::vector<double>{is_right(kept[i], 0) ? 1.0 : 0.0, 1.0});
    for (std::size_t t = 0; t < e.ids.size(); ++t) e.loss_mask[t] = e.loss_mask[t] && e.advantage[t] > 0;
    e.advantage.clear();
    e.behavior.clear();
    out.push_back(std::move(e));
  }
  return out;
}

void train_on(const Lab& lab, const std::string& phase, models::Model& model,
              const std::vector<data::Example>& examples) {
  if (examples.empty()) return;  // nothing passed the filter: the model stays what it was
  auto fit = lab.options.sft.fit;
  // One epoch at least, the stated number of steps at most.
  const auto epoch = static_cast<int64_t>(examples.size()) / fit.batch + 1;
  fit.steps = std::min(fit.steps, std::max<int64_t>(epoch, fit.steps / 4));
  train::fit(lab.env, lab.session, phase, model.decoder, fit,
             train::cycle(examples, fit.batch, lab.env.rng.fork(phase)));
}

}  // namespace

Json train_sft_arm(const Lab& lab, std::string_view name, models::Model& model) {
  const Arm arm = arm_of(name, lab.options);
  const bool paired = arm.data == Arm::Data::paired_attempts;
  Json collected = Json::array();
  train::LoopPlan plan{.name = arm.name, .iterations = arm.rounds, .parts = kParts};
  plan.sample = [&](const Round& round, int64_t part) { return sample(lab, arm, model, round, part); };
  plan.judge = [&](const Round& round, LoopRows rows) { return judge(lab, round, std::move(rows)); };
  plan.filter = [&](const Round&, const LoopRows& judged) {
    return paired ? keep_pairs(lab, arm, judged) : keep_traces(arm, judged);
  };
  plan.train = [&](const Round& round, const LoopRows& kept) {
    collected.push_back(kept.size());
    // STaR trains the original model on each round's set.
    model = train::policy_of(lab.env, lab.base, lab.options.lora, arm.name);
    train_on(lab, paired ? arm.name : fmt::format("{}.{}", arm.name, round.iteration), model,
             traces_of(lab, round, kept));
  };
  train::run_loop(lab.env, lab.session, model.decoder, plan);
  return {{"arm", arm.name}, {"collected", collected}};
}

}  // namespace hone::recipes::score
