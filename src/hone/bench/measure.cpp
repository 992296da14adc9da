#include "hone/bench/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace hone::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Repetition {
  double units = 0, seconds = 0;
};

Repetition repeat(const std::function<double()>& work, double least_seconds) {
  Repetition r;
  const auto start = Clock::now();
  do {
    r.units += work();
    r.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  } while (r.seconds < least_seconds);
  return r;
}

}  // namespace

Json with_samples(Json row, const std::vector<double>& samples) {
  if (samples.empty()) return row;
  const auto count = static_cast<double>(samples.size());
  double sum = 0, squares = 0;
  for (const double s : samples) sum += s;
  const double mean = sum / count;
  for (const double s : samples) squares += (s - mean) * (s - mean);
  row["mean"] = mean;
  row["sd"] = samples.size() > 1 ? std::sqrt(squares / (count - 1)) : 0.0;
  row["best"] = *std::max_element(samples.begin(), samples.end());
  row["samples"] = samples;
  return row;
}

Json measured(Json row, const Pace& pace, const std::function<double()>& work) {
  work();
  if (pace.tell) pace.tell({{"ready", true}, {"row", row}});
  std::vector<double> rates;
  for (int64_t i = 0; pace.next || i < pace.repeats; ++i) {
    const auto seconds = pace.next ? pace.next() : pace.seconds;
    if (!seconds) break;
    const Repetition r = repeat(work, *seconds);
    rates.push_back(r.units / r.seconds);
    if (pace.tell) pace.tell({{"rate", rates.back()}, {"units", r.units}, {"seconds", r.seconds}});
  }
  row = with_samples(std::move(row), rates);
  if (rates.empty()) return row;
  const double mean = row["mean"].get<double>();
  if (row.contains("flops_per_unit")) row["gflops"] = mean * row["flops_per_unit"].get<double>() / 1e9;
  if (row.contains("roof_rate")) row["roof"] = mean / row["roof_rate"].get<double>();
  return row;
}

}  // namespace hone::bench
