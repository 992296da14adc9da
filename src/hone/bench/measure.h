// How a measurement is taken: warm-up, repetitions, mean and deviation.
#pragma once

#include "hone/base/json.h"

#include <functional>
#include <optional>
#include <vector>

namespace hone::bench {

/// When repetitions begin, how long they are, and who hears of them.
struct Pace {
  int64_t repeats = 5;   ///< ≥ 1
  double seconds = 0.3;  ///< least length of a repetition; the work is done at least once
  /// Waits for the next repetition and says how long it is to be; nullopt ends them. Empty: `repeats` times `seconds`.
  std::function<std::optional<double>()> next;
  /// Hears {"ready": true, "row"} after the warm-up and {"rate", "units", "seconds"} after every repetition. May be
  /// empty.
  std::function<void(const Json&)> tell;
};

/// `row` with "mean", "sd" (n − 1), "best" (the largest) and "samples". No samples: the row as it is.
Json with_samples(Json row, const std::vector<double>& samples);

/// Runs `work`, which returns the units it did, once to warm up, then repeats it as `pace` says; adds the rates in
/// units a second to `row`. A "flops_per_unit" of the row becomes "gflops", a "roof_rate" (units a second) "roof", the
/// share of it that was reached.
Json measured(Json row, const Pace& pace, const std::function<double()>& work);

}  // namespace hone::bench
