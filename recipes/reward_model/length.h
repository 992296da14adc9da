// The rival that any reward model has to beat: what a completion's length alone says.
#pragma once

#include "hone/data/example.h"

#include <cstdint>
#include <map>
#include <span>

namespace hone::recipes::reward_model {

/// A score for every length, fitted to the choices by the reward model's own loss (with a small ridge): the most that
/// can be got out of length. Lengths are tokens of the completion, above 16 in steps of an eighth of an octave.
class LengthScore {
 public:
  explicit LengthScore(std::span<const data::Pair> pairs);
  /// 0 for a length that no choice had. Tokens are those with loss.
  double of(const data::Example& completion) const { return at(count(completion)); }
  double at(int64_t tokens) const;
  static int64_t count(const data::Example& completion);

 private:
  std::map<int64_t, double> scores_;
};

}  // namespace hone::recipes::reward_model
