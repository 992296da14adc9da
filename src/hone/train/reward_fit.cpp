#include "hone/train/reward_fit.h"

#include "hone/base/error.h"
#include "hone/models/scalar.h"
#include "hone/objectives/actor_critic.h"
#include "hone/train/device_batch.h"
#include "hone/train/step_log.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <map>

namespace hone::train {
namespace {

std::vector<data::Example> read_at_ends(std::span<const data::Example> examples) {
  std::vector<data::Example> out;
  for (const auto& example : examples) out.push_back(read_at_end(example));
  return out;
}

std::vector<data::Pair> pairs_of(const data::PairSet& set, const std::vector<std::size_t>& indices) {
  std::vector<data::Pair> out;
  for (const auto i : indices) out.push_back({read_at_end(set.pairs[i].chosen), read_at_end(set.pairs[i].rejected)});
  return out;
}

// Hidden states of the examples' last tokens, [examples, D] float64 on the CPU, in the order of the micro-batches.
at::Tensor last_states(const models::Decoder& model, std::span<const data::Example> examples,
                       const MicroOptions& options, base::Pool& pool) {
  const auto ends = read_at_ends(examples);
  const auto given = micro_batches(ends, options);
  const JoinedBatches regrouped(given, model.flat.device());
  std::vector<at::Tensor> parts(regrouped.batches().size());
  regrouped.for_each(pool, [&](int64_t i, const MicroBatch& micro) {
    const at::NoGradGuard no_grad;
    const auto hidden = models::hidden_states(model, micro.batch);
    const auto place = micro.batch.loss_mask_BT.to(at::kLong).argmax(1).view({-1, 1, 1});
    const auto last = hidden.gather(1, place.expand({-1, 1, hidden.size(2)})).squeeze(1);
    parts[static_cast<std::size_t>(i)] = last.to(at::kDouble).cpu();
  });
  return at::cat(parts);
}

}  // namespace

data::Example read_at_end(data::Example example) {
  require(example.ids.size() >= 2, ErrorKind::data, "a completion of {} tokens with its prompt: a reward needs two",
          example.ids.size());
  example.loss_mask.assign(example.ids.size(), 0);
  example.loss_mask.back() = 1;
  return example;
}

std::vector<std::vector<std::size_t>> prompt_batches(const std::vector<std::size_t>& prompts, int64_t batch, Rng rng) {
  require(batch >= 1, ErrorKind::internal, "batches of {} pairs", batch);
  std::map<std::size_t, std::vector<std::size_t>> by_prompt;
  for (std::size_t i = 0; i < prompts.size(); ++i) by_prompt[prompts[i]].push_back(i);
  std::vector<std::vector<std::size_t>> groups, out;
  for (auto& [prompt, pairs] : by_prompt) groups.push_back(std::move(pairs));
  rng.shuffle(groups);
  const auto most = static_cast<std::size_t>(batch);
  for (const auto& group : groups) {
    if (out.empty() || out.back().size() + group.size() > most) out.emplace_back();
    for (const auto pair : group) {
      if (out.back().size() == most) out.emplace_back();
      out.back().push_back(pair);
    }
  }
  return out;
}

void fit_rewards(Env& env, Session& session, std::string_view phase, const RewardFit& fit) {
  require(fit.model.scalar(), ErrorKind::usage, "a reward model needs a scalar head (models::scalar_of)");
  const auto& o = fit.options;
  const auto micro = own_rows(fit.model, o.micro_tokens);
  std::vector<std::vector<std::size_t>> plan;
  for (int64_t epoch = 0; epoch < o.epochs; ++epoch) {
    auto steps = prompt_batches(fit.set.prompts, o.batch, fit.rng.fork("epoch", {static_cast<uint64_t>(epoch)}));
    plan.insert(plan.end(), std::make_move_iterator(steps.begin()), std::make_move_iterator(steps.end()));
  }
  const auto loss = [margin = o.margin](const models::Decoder& model, const tensor::Batch& batch) {
    return objectives::bradley_terry_loss(models::last_values(models::values(model, batch), batch.loss_mask_BT),
                                          margin);
  };
  auto optimizer = adamw_for(fit.model, o.optim);
  Slots slots(fit.model, env.pool);
  TrainState state{fit.model, optimizer};
  const auto steps = static_cast<int64_t>(plan.size());
  session.phase(phase, steps, state, [&](int64_t step) {
    StepLog log(env, phase, step);
    const auto pairs = pairs_of(fit.set, plan[static_cast<std::size_t>(step)]);
    const auto r =
        slots.step(pair_micro_batches(pairs, micro), loss, optimizer, optim::learning_rate(o.optim, step, steps));
    log.stop(static_cast<double>(r.tokens));
    log.write(metrics_of(r), {{"loss", fmt::format("{:.3f}", r.loss)},
                              {"pairs won", fmt::format("{:.0f}%", 100 * r.metrics.at("accuracy"))}});
    return Next::go_on;
  });
}

double centre_rewards(models::Decoder& model, std::span<const data::Example> examples, const MicroOptions& options,
                      base::Pool& pool) {
  constexpr double kRidge = 1e-4;  // of the mean variance: directions that the examples don't span stay quiet
  require(model.scalar(), ErrorKind::usage, "a reward model needs a scalar head (models::scalar_of)");
  require(!examples.empty(), ErrorKind::internal, "no examples whose rewards to centre");
  const at::NoGradGuard no_grad;
  const auto states = last_states(model, examples, options, pool);
  const auto mean = states.mean(0), off = states - mean;
  const auto width = states.size(1);
  auto covariance = off.t().matmul(off) / static_cast<double>(states.size(0));
  const double ridge = kRidge * covariance.diagonal().mean().item<double>() + 1e-12;
  covariance = covariance + ridge * at::eye(width, at::kDouble);
  const auto direction = at::linalg_solve(covariance, mean);
  const auto head = model.score.select(0, 0).cpu().to(at::kDouble);
  const double reward = head.dot(mean).item<double>(), reach = direction.dot(mean).item<double>();
  if (reward == 0 || reach <= 0) return reward;
  model.score.select(0, 0).copy_(head - direction * (reward / reach));
  return reward;
}

}  // namespace hone::train
