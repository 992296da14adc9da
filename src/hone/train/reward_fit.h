// Training a reward model on choices between two completions.
#pragma once

#include "hone/data/pair_rows.h"
#include "hone/train/reward_options.h"
#include "hone/train/session.h"
#include "hone/train/step.h"

#include <span>
#include <string_view>
#include <vector>

namespace hone::train {

/// The sequence with loss at its last token alone: where a reward model is read, and where transformers'
/// ForSequenceClassification reads it. Errors: data for fewer than two tokens: the first stands for nothing.
data::Example read_at_end(data::Example example);

/// The pairs of every step of an epoch: prompts in random order, all pairs of one in one step as long as they are no
/// more than `batch`; a prompt with more gets steps of its own. Each index once; steps hold at most `batch`.
std::vector<std::vector<std::size_t>> prompt_batches(const std::vector<std::size_t>& prompts, int64_t batch, Rng rng);

/// What a phase of fit_rewards works with.
struct RewardFit {
  models::Decoder& model;  ///< scalar
  const data::PairSet& set;
  const RewardOptions& options;
  Rng rng;  ///< decides the order
};

/// Minimises objectives::bradley_terry_loss over the pairs, as one phase of the session. Every step logs the loss (nats
/// a pair), "accuracy" and "gap" of pairs that have not been trained on in this epoch, gradient norm, learning rate and
/// tokens.
/// Errors: usage for a model that is not scalar; those of read_at_end.
/// See fit_pairs: a policy from the same pairs, without a reward model.
void fit_rewards(Env& env, Session& session, std::string_view phase, const RewardFit& fit);

/// Moves the head so that the mean reward of the examples is 0, and returns what it was. The head has no bias, which
/// ForSequenceClassification could not store: w ← w − m C⁻¹h̄ / h̄ᵀC⁻¹h̄ with h̄ and C the mean and covariance of the
/// examples' last hidden states, the direction that changes the reward of all of them most nearly alike.
///
///   model   scalar; its head changes, nothing else
///   errors  usage for a model that is not scalar; those of read_at_end; internal for no examples
///   cost    one forward pass over the examples, and D³ for width D
double centre_rewards(models::Decoder& model, std::span<const data::Example> examples, const MicroOptions& options,
                      base::Pool& pool);

}  // namespace hone::train
