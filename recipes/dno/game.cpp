#include "recipes/dno/game.h"

#include <algorithm>
#include <cmath>

namespace hone::recipes::dno {
namespace {

// ∝ policy · exp(reward · weight), without overflow.
Policy tilted(const Policy& policy, const std::vector<double>& reward, double weight) {
  const double most = *std::max_element(reward.begin(), reward.end());
  Policy out;
  double total = 0;
  for (std::size_t i = 0; i < policy.size(); ++i) {
    out.push_back(policy[i] * std::exp((reward[i] - most) * weight));
    total += out.back();
  }
  for (double& p : out) p /= total;
  return out;
}

}  // namespace

Policy rewards_against(const Preferences& game, const Policy& opponent) {
  Policy reward(opponent.size(), 0);
  for (std::size_t i = 0; i < reward.size(); ++i)
    for (std::size_t j = 0; j < opponent.size(); ++j) reward[i] += game[i][j] * opponent[j];
  return reward;
}

double exploitability(const Preferences& game, const Policy& policy) {
  const auto reward = rewards_against(game, policy);
  return *std::max_element(reward.begin(), reward.end()) - 0.5;
}

Policy soft_step(const Preferences& game, const Policy& policy, double eta) {
  return tilted(policy, rewards_against(game, policy), 1 / eta);
}

std::vector<Policy> iterate(const Preferences& game, const Policy& reference, double eta, int64_t steps) {
  std::vector<Policy> policies = {reference};
  while (static_cast<int64_t>(policies.size()) < steps) policies.push_back(soft_step(game, policies.back(), eta));
  return policies;
}

Policy average(const std::vector<Policy>& policies) {
  Policy mean(policies.front().size(), 0);
  for (const auto& policy : policies)
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += policy[i] / static_cast<double>(policies.size());
  return mean;
}

Policy bradley_terry(const Preferences& game, const Policy& reference, double beta) {
  std::vector<double> score(reference.size(), 0);
  for (int step = 0; step < 20000; ++step) {  // concave; far beyond convergence for a handful of actions
    std::vector<double> slope(score.size(), 0);
    for (std::size_t i = 0; i < score.size(); ++i)
      for (std::size_t j = 0; j < score.size(); ++j)
        slope[i] += j == i ? 0 : reference[i] * reference[j] * (game[i][j] - 1 / (1 + std::exp(score[j] - score[i])));
    for (std::size_t i = 0; i < score.size(); ++i) score[i] += slope[i];
  }
  return tilted(reference, score, 1 / beta);
}

Preferences cyclic_game() { return {{0.5, 0.9, 0.2}, {0.1, 0.5, 0.9}, {0.8, 0.1, 0.5}}; }

}  // namespace hone::recipes::dno
