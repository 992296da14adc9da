#include "hone/evaluate/best_of_n.h"

#include "hone/base/error.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace hone::evaluate {
namespace {

// C(few, n) / C(all, n): the chance that none of the `all − few` others is among n drawn.
double none_of_the_others(int64_t few, int64_t all, int64_t n) {
  double chance = 1;
  for (int64_t i = 0; i < n && chance > 0; ++i)
    chance *= static_cast<double>(std::max<int64_t>(0, few - i)) / static_cast<double>(all - i);
  return chance;
}

}  // namespace

double best_of_n(std::span<const double> score, std::span<const double> value, int64_t n) {
  const auto all = static_cast<int64_t>(score.size());
  require(score.size() == value.size() && n >= 1 && n <= all, ErrorKind::internal,
          "the best of {} of {} samples with {} values", n, all, value.size());
  std::vector<std::size_t> order(score.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
  double total = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    double sum = 0;
    for (; end < order.size() && score[order[end]] == score[order[begin]]; ++end) sum += value[order[end]];
    const double chance = none_of_the_others(all - static_cast<int64_t>(begin), all, n) -
                          none_of_the_others(all - static_cast<int64_t>(end), all, n);
    total += chance * sum / static_cast<double>(end - begin);
    begin = end;
  }
  return total;
}

double best_of_n_kl(int64_t n) {
  require(n >= 1, ErrorKind::internal, "the best of {} samples", n);
  const auto count = static_cast<double>(n);
  return std::log(count) - (count - 1) / count;
}

}  // namespace hone::evaluate
