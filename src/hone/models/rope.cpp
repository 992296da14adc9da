#include "hone/models/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hone::models {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

double llama3(double frequency, const RopeScaling& s) {
  const double turns = static_cast<double>(s.original_context) * frequency / kTurn;
  if (turns < s.low_freq_factor) return frequency / s.factor;
  if (turns > s.high_freq_factor) return frequency;
  const double kept = (turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
  return (1 - kept) * frequency / s.factor + kept * frequency;
}

// YaRN's ramp over pairs: 0 up to `low`, 1 from `high` on.
struct Ramp {
  double low, high;

  double at(int64_t pair) const { return std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0); }
};

Ramp yarn_ramp(int64_t head_dim, double theta, const RopeScaling& s) {
  // The pair, as a real number, that turns `turns` times within the original context.
  const auto pair_of = [&](double turns) {
    const double dim = static_cast<double>(head_dim);
    return dim * std::log(static_cast<double>(s.original_context) / (turns * kTurn)) / (2 * std::log(theta));
  };
  double low = pair_of(s.beta_fast), high = pair_of(s.beta_slow);
  if (s.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  // Up to head_dim − 1 although there are half as many pairs: the released models were trained with it.
  high = std::min(high, static_cast<double>(head_dim - 1));
  return {low, high == low ? high + 0.001 : high};
}

}  // namespace

std::vector<double> rope_frequencies(int64_t head_dim, double theta, const RopeScaling& s) {
  std::vector<double> frequencies(static_cast<std::size_t>(head_dim / 2));
  const Ramp ramp = s.type == RopeType::yarn ? yarn_ramp(head_dim, theta, s) : Ramp{};
  for (int64_t i = 0; i < head_dim / 2; ++i) {
    double f = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    if (s.type == RopeType::linear) f /= s.factor;
    if (s.type == RopeType::llama3) f = llama3(f, s);
    if (s.type == RopeType::yarn) f = ramp.at(i) * f / s.factor + (1 - ramp.at(i)) * f;
    frequencies[static_cast<std::size_t>(i)] = f;
  }
  return frequencies;
}

double yarn_magnitude(double factor, double weight) { return factor <= 1 ? 1.0 : 0.1 * weight * std::log(factor) + 1; }

}  // namespace hone::models
