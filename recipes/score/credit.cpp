#include "recipes/score/credit.h"

#include "hone/base/error.h"

namespace hone::recipes::score {

std::array<double, 2> attempt_returns(double r1, double r2, Stage stage, double alpha, Credit credit) {
  const double first = stage == Stage::first ? 0 : r1;
  const double second = stage == Stage::first ? r2 : r2 + alpha * (r2 - r1);
  if (credit == Credit::whole_return) return {first + second, first + second};
  return {first, second};
}

std::vector<std::array<double, 2>> attempt_advantages(const std::vector<double>& r1, const std::vector<double>& r2,
                                                      int64_t group, Stage stage, double alpha, Credit credit) {
  const auto n = static_cast<int64_t>(r1.size());
  require(group >= 1 && n % group == 0 && r2.size() == r1.size(), ErrorKind::internal,
          "{} and {} rewards do not form groups of {}", r1.size(), r2.size(), group);
  std::vector<std::array<double, 2>> out;
  for (int64_t i = 0; i < n; ++i) out.push_back(attempt_returns(r1[i], r2[i], stage, alpha, credit));

  // Attempt 2: mean over the rollouts whose first attempt ended the same way.
  double sum[2] = {0, 0}, count[2] = {0, 0};
  for (int64_t i = 0; i < n; ++i) {
    sum[r1[i] > 0.5] += out[i][1];
    count[r1[i] > 0.5] += 1;
  }
  // Attempt 1: mean over the other samples of the same problem.
  std::vector<double> group_sum(static_cast<std::size_t>(n / group), 0);
  for (int64_t i = 0; i < n; ++i) group_sum[i / group] += out[i][0];

  for (int64_t i = 0; i < n; ++i) {
    const double others = group > 1 ? (group_sum[i / group] - out[i][0]) / static_cast<double>(group - 1) : 0;
    const int right = r1[i] > 0.5;
    out[i] = {out[i][0] - others, out[i][1] - sum[right] / count[right]};
  }
  return out;
}

}  // namespace hone::recipes::score
