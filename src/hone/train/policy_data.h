// Rollouts → training sequences for policy objectives.
#pragma once

#include "hone/base/pool.h"
#include "hone/data/example.h"
#include "hone/generate/engine.h"
#include "hone/train/collate.h"

#include <span>
#include <vector>

namespace hone::train {

/// The conversation of a rollout with loss on every sampled token, its behavior log-probs, and the advantage and KL
/// weight of the turn each token belongs to.
///   advantage, kl_weight   one number per turn; kl_weight may be empty (no penalty)
data::Example policy_example(const generate::Request& request, const generate::Rollout& rollout,
                             std::span<const double> advantage, std::span<const double> kl_weight = {});

/// How a policy step's examples go into batches, for training and for scores: the completions of a prompt share it on
/// the CPU where no layer has a window of attention; otherwise one sequence a row. A window counts tokens of a row,
/// which are not positions once a prompt is shared; and on a device a mask of segments would keep libtorch from its
/// flash form. Objectives see completions as segments, so that per-sequence weights take Batch::segments_BT.
MicroOptions policy_rows(const models::Decoder& model);

/// The least `limit` of check_on_policy for a model with bfloat16 activations, nats.
inline constexpr double kHalfGap = 0.25;

/// Largest |sampler − trainer| over all sampled tokens, in nats: the trainer's log-probs under `model` against the
/// behavior log-probs in `examples`. Errors: numeric when it is above `limit`: training on such rollouts would not be
/// on-policy (a sampler that renormalises differently, or stale weights). A model with bfloat16 activations is allowed
/// at least kHalfGap: its products keep 8 bits, and the sampler's have other shapes than the trainer's.
double check_on_policy(const models::Decoder& model, std::span<const data::Example> examples,
                       const MicroOptions& options, base::Pool& pool, double limit = 1e-4);

}  // namespace hone::train
