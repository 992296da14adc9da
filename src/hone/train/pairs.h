// Training on pairs of completions against a reference policy.
#pragma once

#include "hone/data/example.h"
#include "hone/train/pair_options.h"
#include "hone/train/session.h"
#include "hone/train/step.h"

#include <span>
#include <string_view>
#include <vector>

namespace hone::train {

/// Fills `reference` of both completions of every pair with their log-probs under `model`; no gradient.
void add_reference(std::span<data::Pair> pairs, const models::Decoder& model, const MicroOptions& options,
                   base::Pool& pool);

/// What a phase of fit_pairs works with.
struct PairFit {
  models::Decoder& policy;
  const models::Decoder& reference;  ///< frozen for the phase; DNO: a copy of the previous iterate
  const std::vector<data::Pair>& pairs;
  const PairOptions& options;
  Rng rng;  ///< decides the order
};

/// Minimises objectives::preference_loss over the pairs, in a fresh order every epoch, as one phase of the session.
/// Every step logs the loss (nats a pair), the metrics of preference_loss, gradient norm, learning rate and tokens; the
/// first step whose chosen completions have fallen by more than options.alarm nats adds an event "chosen_falls".
///
/// Cost: a step runs both models over its pairs; without pairs nothing happens.
void fit_pairs(Env& env, Session& session, std::string_view phase, const PairFit& fit);

/// Steps that fit_pairs makes of `pairs` pairs.
int64_t pair_steps(const PairOptions& options, int64_t pairs);

}  // namespace hone::train
