#include "recipes/reward_model/length.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace hone::recipes::reward_model {
namespace {

constexpr double kRidge = 0.1;
constexpr int kRounds = 500;

int64_t bucket_of(int64_t tokens) {
  constexpr int64_t kExact = 16;
  constexpr double kPerOctave = 8;
  if (tokens <= kExact) return tokens;
  return kExact + static_cast<int64_t>(kPerOctave * std::log2(static_cast<double>(tokens) / kExact));
}

}  // namespace

int64_t LengthScore::count(const data::Example& completion) {
  return std::count(completion.loss_mask.begin(), completion.loss_mask.end(), 1);
}

LengthScore::LengthScore(std::span<const data::Pair> pairs) {
  std::vector<std::pair<int64_t, int64_t>> buckets;
  std::map<int64_t, double> seen;
  for (const auto& pair : pairs) {
    const auto chosen = bucket_of(count(pair.chosen)), rejected = bucket_of(count(pair.rejected));
    if (chosen == rejected) continue;
    buckets.emplace_back(chosen, rejected);
    ++seen[chosen];
    ++seen[rejected];
  }
  for (const auto& [bucket, times] : seen) scores_[bucket] = 0;
  // The curvature of every score is at most a quarter a pair, twice that with the scores it is compared with: steps of
  // its inverse never overshoot.
  for (int round = 0; round < kRounds; ++round) {
    std::map<int64_t, double> slope;
    for (const auto& [chosen, rejected] : buckets) {
      const double doubt = 1 / (1 + std::exp(scores_[chosen] - scores_[rejected]));
      slope[chosen] += doubt;
      slope[rejected] -= doubt;
    }
    for (auto& [bucket, score] : scores_) score += (slope[bucket] - kRidge * score) / (0.5 * seen[bucket] + kRidge);
  }
}

double LengthScore::at(int64_t tokens) const {
  const auto found = scores_.find(bucket_of(tokens));
  return found == scores_.end() ? 0 : found->second;
}

}  // namespace hone::recipes::reward_model
