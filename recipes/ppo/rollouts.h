// Rollouts of a step: what they earned, and what a critic makes of it.
#pragma once

#include "hone/models/model.h"
#include "hone/tasks/source.h"
#include "hone/train/policy_data.h"
#include "recipes/ppo/options.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hone::recipes::ppo {

/// Completions with the problems and requests they answer: problems[i] and requests[i] belong together.
struct Answered {
  const std::vector<tasks::Problem>& problems;
  const std::vector<generate::Request>& requests;
  const std::vector<generate::Rollout>& rollouts;
};
/// A number per rollout, in their order: whatever judges completions stands behind this.
using RewardOf = std::function<std::vector<double>(const Answered&)>;

/// The verifier's verdict, 0 or 1. What it refers to must outlive it.
RewardOf verifier_reward(const tasks::Verifier& verifier, const text::Tokenizer& tokenizer, base::Pool& pool);

/// 1 − nodes / most nodes of a search that is strictly right, else 0 (tasks/search/check.h): searches in compact words.
RewardOf rating_reward(const text::Tokenizer& tokenizer, base::Pool& pool);

/// What a scalar model says after the last token of prompt and completion, the stop token included.
/// Errors: usage when the model is not scalar, or its vocabulary is another than the policy's.
RewardOf model_reward(std::shared_ptr<const models::Model> reward_model, const text::Tokenizer& tokenizer,
                      base::Pool& pool);

/// One batch: sequences for the policy and, beside each, one for the critic.
struct Batch {
  std::vector<data::Example> policy;  ///< behavior, reference and, in the end, advantage per token
  /// The same sequences with `advantage` = the return and `behavior` = the value when they were collected.
  std::vector<data::Example> critic;
  std::vector<double> reward;  ///< per sequence, without the KL penalty
  std::vector<double> gold;    ///< per sequence what it is truly worth, where that is known beside the reward
  double cut = 0;              ///< share of completions that hit the length limit
  int64_t sampled_tokens = 0;
};

/// Samples `samples` completions for every problem from `engine` and has them rewarded; cut ones pay cut_penalty.
Batch collect(const Answered& asked, const RewardOf& reward, const Options& options);

/// Per token −β (log π − log π_ref), and the sequence's reward at its last token.    [sequences, longest]
at::Tensor token_rewards(const Batch& batch, double beta);

/// Advantages by GAE (critic.discount, critic.trace) from token_rewards and the critic's values per token, whitened
/// unless options.whiten is "nothing" or they differ by rounding alone; fills policy's advantages and the critic's
/// sequences. Returns the explained variance 1 − Var(R − V) / Var(R), 0 where returns don't vary.
double add_advantages(Batch& batch, const std::vector<std::vector<float>>& values, const Options& options, double beta);

/// GRPO: a group's own mean and deviation instead of a critic; groups of options.samples in order. β goes into the
/// examples as weight of a penalty in the loss.
void add_group_advantages(Batch& batch, const Options& options, double beta);

/// Mean of Σ_t (log π − log π_ref) over sequences, nats: an unbiased estimate of KL(π‖π_ref), negative on some samples.
std::vector<double> sequence_kl(const std::vector<data::Example>& examples);

/// Tokens per completion.
double mean_length(const std::vector<data::Example>& examples);

}  // namespace hone::recipes::ppo
