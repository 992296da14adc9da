// The toy world of helpfulness (tasks/helpful.h) as problems for policies that a reward model rewards: what responses
// are truly worth is known beside what the reward model says.
#pragma once

#include "recipes/ppo/rollouts.h"

namespace hone::recipes::ppo {

/// Requests: options.train_problems to train on, options.test_problems held out, the same for every seed. The verifier
/// is right about responses that name all that was asked for and nothing else, each once.
tasks::TaskSet helpful_tasks(const tasks::TaskOptions& options, Rng rng);

/// tasks::helpful_reward of every completion.
RewardOf gold_reward(const text::Tokenizer& tokenizer);

}  // namespace hone::recipes::ppo
