// The supervised baselines of SCoRe's table: STaR and Pair-SFT, with and without right→right data.
#include "recipes/score/arms.h"

#include "hone/data/rows.h"
#include "hone/train/fit.h"
#include "hone/train/policy.h"
#include "hone/train/policy_data.h"

#include <algorithm>

namespace hone::recipes::score {
namespace {

using Examples = std::vector<data::Example>;

// The training problems sampled in one round.
std::vector<tasks::Problem> some_problems(const Lab& lab, uint64_t round) {
  auto problems = lab.tasks.train;
  lab.env.rng.fork("sft problems", {round}).shuffle(problems);
  problems.resize(std::min(problems.size(), static_cast<std::size_t>(lab.options.sft.problems)));
  return problems;
}

// A two-turn conversation with loss on the attempts marked as right.
data::Example trace(const generate::Request& request, const generate::Rollout& rollout, bool first_right) {
  auto e = train::policy_example(request, rollout, std::vector<double>{first_right ? 1.0 : 0.0, 1.0});
  for (std::size_t t = 0; t < e.ids.size(); ++t) e.loss_mask[t] = e.loss_mask[t] && e.advantage[t] > 0;
  e.advantage.clear();
  e.behavior.clear();
  return e;
}

// Two-turn traces of `model` that end right.
Examples collect_star(const Lab& lab, const models::Model& model, uint64_t round, bool keep_right_right) {
  const auto problems = some_problems(lab, round);
  const generate::Engine engine(model.decoder, lab.env.pool, &model.tokenizer);
  const auto requests = rewards::make_requests(problems, rewards::encoder_of(model), lab.dialogue(), lab.options.sft.samples);
  const auto rollouts = engine.roll(requests, {}, lab.env.rng.fork("star", {round}));
  const auto attempts = rewards::judge(rollouts, problems, lab.tasks.verifier, model.tokenizer, lab.env.pool);
  Examples out;
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    const bool first = attempts[i][0].verdict.reward > 0.5, second = attempts[i][1].verdict.reward > 0.5;
    if (second && (!first || keep_right_right))
      out.push_back(trace(requests[static_cast<std::size_t>(rollouts[i].request)], rollouts[i], first));
  }
  return out;
}

// Pairs of single attempts of the base model at one problem: every (wrong or right) first with the next right one.
Examples collect_pairs(const Lab& lab, bool keep_right_right) {
  const auto problems = some_problems(lab, 0);
  const auto& base = lab.base;
  auto single = lab.dialogue();
  single.turns = 1;
  const generate::Engine engine(base.decoder, lab.env.pool, &base.tokenizer);
  const auto asked = rewards::make_requests(problems, rewards::encoder_of(base), single, lab.options.sft.samples);
  const auto two_turn = rewards::make_requests(problems, rewards::encoder_of(base), lab.dialogue(), 1);
  const auto rollouts = engine.roll(asked, {}, lab.env.rng.fork("pairs"));
  const auto attempts = rewards::judge(rollouts, problems, lab.tasks.verifier, base.tokenizer, lab.env.pool);
  Examples out;
  const auto k = static_cast<std::size_t>(lab.options.sft.samples);
  for (std::size_t begin = 0; begin < rollouts.size(); begin += k) {
    for (std::size_t i = begin; i < begin + k; ++i) {
      const bool first_right = attempts[i][0].verdict.reward > 0.5;
      if (first_right && !keep_right_right) continue;
      for (std::size_t step = 1; step < k; ++step) {
        const std::size_t j = begin + (i - begin + step) % k;
        if (attempts[j][0].verdict.reward < 0.5) continue;
        generate::Rollout pair{rollouts[i].request, rollouts[i].sample, {rollouts[i].turns[0], rollouts[j].turns[0]}};
        out.push_back(trace(two_turn[begin / k], pair, first_right));
        break;
      }
    }
  }
  return out;
}

void train_on(const Lab& lab, const std::string& phase, models::Model& model, const Examples& examples) {
  if (examples.empty()) return;  // nothing passed the filter: the model stays what it was
  auto fit = lab.options.sft.fit;
  // One epoch at least, the stated number of steps at most.
  const auto epoch = static_cast<int64_t>(examples.size()) / fit.batch + 1;
  fit.steps = std::min(fit.steps, std::max<int64_t>(epoch, fit.steps / 4));
  train::fit(lab.env, lab.session, phase, model.decoder, fit,
             train::cycle(examples, fit.batch, lab.env.rng.fork(phase)));
}

}  // namespace

Json train_sft_arm(const Lab& lab, std::string_view arm, models::Model& model) {
  const bool plus = arm.ends_with("_plus");
  Json collected = Json::array();
  if (arm.starts_with("pair_sft")) {
    const auto examples = collect_pairs(lab, plus);
    collected.push_back(examples.size());
    train_on(lab, std::string(arm), model, examples);
    return {{"arm", arm}, {"collected", collected}};
  }
  for (int64_t round = 0; round < lab.options.sft.iterations; ++round) {
    const auto examples = collect_star(lab, model, static_cast<uint64_t>(round), plus);
    collected.push_back(examples.size());
    // STaR trains the original model on each round's set.
    model = train::policy_of(lab.env, lab.base, lab.options.lora, std::string(arm));
    train_on(lab, std::string(arm) + "." + std::to_string(round + 1), model, examples);
  }
  return {{"arm", arm}, {"collected", collected}};
}

}  // namespace hone::recipes::score
