#include "hone/train/pairs.h"

#include "hone/objectives/preference.h"
#include "hone/train/step_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace hone::train {
namespace {

// The pairs of a step: a slice of the epoch's order.
std::vector<data::Pair> pairs_of_step(const PairFit& fit, int64_t step) {
  const auto size = static_cast<int64_t>(fit.pairs.size());
  const int64_t per_epoch = (size + fit.options.batch - 1) / fit.options.batch;
  std::vector<std::size_t> order(fit.pairs.size());
  std::iota(order.begin(), order.end(), 0);
  fit.rng.fork("epoch", {static_cast<uint64_t>(step / per_epoch)}).shuffle(order);
  const int64_t begin = step % per_epoch * fit.options.batch;
  std::vector<data::Pair> out;
  for (int64_t i = begin; i < std::min(size, begin + fit.options.batch); ++i)
    out.push_back(fit.pairs[order[static_cast<std::size_t>(i)]]);
  return out;
}

MicroLoss loss_of(const PairFit& fit) {
  return [options = fit.options.loss](const models::Decoder& model, const tensor::Batch& b) {
    return objectives::preference_loss({models::logprobs(model, b), b.reference_BT, b.loss_mask_BT, b.advantage_BT},
                                       options);
  };
}

// Says once a phase that chosen completions fall: legitimate under a contrastive loss, and easily missed.
void watch(Env& env, std::string_view phase, int64_t step, const StepReport& r, const PairOptions& options,
           Json& notes) {
  const auto shift = r.metrics.find("chosen_shift");
  if (shift == r.metrics.end() || shift->second >= -options.alarm || notes.contains("chosen_falls")) return;
  notes["chosen_falls"] = step;
  env.record.event("chosen_falls", {{"phase", phase}, {"step", step}, {"chosen_shift", shift->second}});
}

}  // namespace

void add_reference(std::span<data::Pair> pairs, const models::Decoder& model, const MicroOptions& options,
                   base::Pool& pool) {
  auto scores = score_examples(model, examples_of(pairs), options, pool);
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    pairs[p].chosen.reference = std::move(scores[2 * p]);
    pairs[p].rejected.reference = std::move(scores[2 * p + 1]);
  }
}

int64_t pair_steps(const PairOptions& options, int64_t pairs) {
  return options.epochs * ((pairs + options.batch - 1) / options.batch);
}

void fit_pairs(Env& env, Session& session, std::string_view phase, const PairFit& fit) {
  const auto& o = fit.options;
  const int64_t steps = pair_steps(o, static_cast<int64_t>(fit.pairs.size()));
  const auto micro = own_rows(fit.policy, o.micro_tokens);
  const auto loss = loss_of(fit);
  auto optimizer = adamw_for(fit.policy, o.optim);
  Slots slots(fit.policy, env.pool);
  TrainState state{fit.policy, optimizer};
  session.phase(phase, steps, state, [&](int64_t step) {
    StepLog log(env, phase, step);
    auto pairs = pairs_of_step(fit, step);
    add_reference(pairs, fit.reference, micro, env.pool);
    const auto r =
        slots.step(pair_micro_batches(pairs, micro), loss, optimizer, optim::learning_rate(o.optim, step, steps));
    log.stop(static_cast<double>(r.tokens));
    watch(env, phase, step, r, o, state.notes);
    log.write(metrics_of(r), {{"loss", fmt::format("{:.3f}", r.loss)},
                              {"pairs won", fmt::format("{:.0f}%", 100 * r.metrics.at("accuracy"))}});
    return Next::go_on;
  });
}

}  // namespace hone::train
