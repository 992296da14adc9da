// What scores of responses are worth: pair accuracy, and what best-of-n picks by them.
#pragma once

#include "recipes/reward_model/world.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace hone::recipes::reward_model {

using Scores = std::vector<std::vector<double>>;            ///< [prompts][responses]
using Values = std::map<std::string, std::vector<double>>;  ///< a number per held-out prompt (or pair)

/// Agreement of a score with the gold reward over every two responses of a prompt.
struct Agreement {
  double accuracy = 0.5;  ///< share of pairs of different gold reward in which the better one scores higher
  double coin = 0.5;      ///< the same against the coin that labels training pairs, in expectation, over all pairs
  double ceiling = 0.5;   ///< the most that the latter can be
};
/// Equal scores count half. ½ where there is nothing to compare.
Agreement agreement(std::span<const double> score, std::span<const double> gold);

/// "accuracy", "coin" and "ceiling" of every prompt.
Values accuracies(const std::vector<Responses>& responses, const Scores& score);

/// "gold" and "score" of best-of-n by `score`, in expectation; "score" is in the units of `shown`.
Values best_of(const std::vector<Responses>& responses, const Scores& score, const Scores& shown, int64_t n);

}  // namespace hone::recipes::reward_model
