#include "hone/train/policy_data.h"

#include "hone/base/error.h"
#include "hone/train/step.h"

#include <algorithm>
#include <cmath>

namespace hone::train {

data::Example policy_example(const generate::Request& request, const generate::Rollout& rollout,
                             std::span<const double> advantage, std::span<const double> kl_weight) {
  const auto turns = rollout.turns.size();
  require(advantage.size() >= turns && (kl_weight.empty() || kl_weight.size() >= turns), ErrorKind::internal,
          "a rollout of {} turns came with {} advantages and {} KL weights", turns, advantage.size(), kl_weight.size());
  auto sequence = generate::sequence_of(request, rollout);
  const auto tokens = sequence.ids.size();
  data::Example e{.ids = std::move(sequence.ids), .loss_mask = std::vector<uint8_t>(tokens),
                  .advantage = std::vector<float>(tokens), .behavior = std::move(sequence.behavior)};
  if (!kl_weight.empty()) e.kl_weight.resize(tokens);
  for (std::size_t t = 0; t < tokens; ++t) {
    const int32_t turn = sequence.turn[t];
    if (turn < 0) continue;
    e.loss_mask[t] = 1;
    e.advantage[t] = static_cast<float>(advantage[static_cast<std::size_t>(turn)]);
    if (!kl_weight.empty()) e.kl_weight[t] = static_cast<float>(kl_weight[static_cast<std::size_t>(turn)]);
  }
  return e;
}

MicroOptions policy_rows(const models::Decoder& model) {
  const auto& windows = model.config.windows;
  const bool windowed = std::any_of(windows.begin(), windows.end(), [](int64_t window) { return window > 0; });
  auto options = own_rows(model);
  if (!windowed && model.flat.is_cpu()) options.rows = Rows::shared;
  return options;
}

double check_on_policy(const models::Decoder& model, std::span<const data::Example> examples,
                       const MicroOptions& options, base::Pool& pool, double limit) {
  if (model.activations != at::kFloat) limit = std::max(limit, kHalfGap);
  const auto trainer = score_examples(model, examples, options, pool);
  double gap = 0;
  for (std::size_t i = 0; i < examples.size(); ++i)
    for (std::size_t t = 0; t < trainer[i].size(); ++t)
      if (examples[i].loss_mask[t]) {
        const double difference = std::abs(trainer[i][t] - examples[i].behavior[t]);
        gap = std::isfinite(difference) ? std::max(gap, difference) : HUGE_VAL;  // max() would pass over a NaN
      }
  require(gap <= limit, ErrorKind::numeric,
          "sampler and trainer disagree by {:.2e} nats on a token (at most {:.0e} is allowed): rollouts are off-policy",
          gap, limit);
  return gap;
}

}  // namespace hone::train
