// What a phase writes of a step: metrics, with the time it took, and the progress line.
#pragma once

#include "hone/train/env.h"
#include "hone/train/step.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::train {

/// Loss, gradient norm, learning rate, tokens, and the metrics of the loss.
report::Metrics metrics_of(const StepReport& step);

/// The record of one step. The clock runs from here to stop().
class StepLog {
 public:
  StepLog(Env& env, std::string_view phase, int64_t step) : env_(env), phase_(phase), step_(step) {}

  /// Ends the clock; returns tokens a second.
  double stop(double tokens);
  /// Metrics, "seconds" and "tokens_per_s" (beside them, since they differ from run to run), and the progress line
  /// with `shown`. Call it once, after stop().
  void write(const report::Metrics& metrics, const std::vector<std::pair<std::string, std::string>>& shown);

 private:
  Env& env_;
  std::string_view phase_;
  int64_t step_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double seconds_ = 0, rate_ = 0;
};

}  // namespace hone::train
