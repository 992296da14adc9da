#include "hone/generate/sampling.h"

#include "hone/base/error.h"
#include "hone/kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace hone::generate {

void check_sampling(const Sampling& s) {
  require(std::isfinite(s.temperature) && s.temperature > 0, ErrorKind::usage,
          "sampling: temperature {} is not above 0 (for the most likely token choose greedy)", s.temperature);
  require(s.top_k >= 0, ErrorKind::usage, "sampling: top_k {} is negative (0 = off)", s.top_k);
  require(s.top_p > 0 && s.top_p <= 1, ErrorKind::usage, "sampling: top_p {} is outside (0, 1] (1 = off)", s.top_p);
}

Sampler::Sampler(const Sampling& sampling, int64_t vocab)
    : sampling_(sampling), scaled_(static_cast<std::size_t>(vocab)), weights_(static_cast<std::size_t>(vocab)) {}

Draw Sampler::draw(std::span<const float> logits, Rng& rng) {
  const auto n = static_cast<int64_t>(logits.size());
  require(kernels::all_finite(logits.data(), n), ErrorKind::numeric, "logits are not finite");
  if (sampling_.choice == Choice::greedy) {
    const auto best = kernels::argmax(logits.data(), n);
    const float log_total = kernels::log_sum_exp(logits.data(), n, weights_.data());
    return {static_cast<int32_t>(best), logits[static_cast<std::size_t>(best)] - log_total};
  }
  const auto temperature = static_cast<float>(sampling_.temperature);
  std::transform(logits.begin(), logits.end(), scaled_.begin(), [&](float x) { return x / temperature; });
  log_total_ = kernels::log_sum_exp(scaled_.data(), n, weights_.data());
  const bool whole = (sampling_.top_k == 0 || sampling_.top_k >= n) && sampling_.top_p == 1.0;
  const double uniform = rng.uniform();
  return whole ? draw_all(uniform) : draw_cut(uniform);
}

Draw Sampler::draw_all(double uniform) const {
  double total = 0;
  for (const float w : weights_) total += w;
  const double target = uniform * total;  // < total, since uniform < 1
  double below = 0;
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] == 0) continue;
    chosen = i;  // the last possible token stays chosen if rounding lets the sum end short of the target
    below += weights_[i];
    if (below > target) break;
  }
  return {static_cast<int32_t>(chosen), scaled_[chosen] - log_total_};
}

Draw Sampler::draw_cut(double uniform) {
  cut_top_k();
  cut_top_p();
  double total = 0;
  for (const Candidate& c : kept_) total += c.weight;
  const double target = uniform * total;
  double below = 0;
  const Candidate* chosen = &kept_.front();
  for (const Candidate& c : kept_) {
    if (c.weight == 0) continue;
    chosen = &c;
    below += c.weight;
    if (below > target) break;
  }
  // log(weight / total), with the weight's logarithm taken from the logit, which has not been through exp.
  const double most = *std::max_element(scaled_.begin(), scaled_.end());
  const double logit = scaled_[static_cast<std::size_t>(chosen->id)];
  return {chosen->id, static_cast<float>(logit - most - std::log(total))};
}

void Sampler::cut_top_k() {
  const auto k = static_cast<std::size_t>(sampling_.top_k);
  float least = -INFINITY;
  if (k > 0 && k < scaled_.size()) {
    order_ = scaled_;
    std::nth_element(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(k - 1), order_.end(),
                     std::greater<>());
    least = order_[k - 1];
  }
  kept_.clear();
  for (std::size_t i = 0; i < scaled_.size(); ++i)
    if (scaled_[i] >= least) kept_.push_back({static_cast<int32_t>(i), weights_[i]});
}

void Sampler::cut_top_p() {
  if (sampling_.top_p == 1.0) return;
  double total = 0;
  for (const Candidate& c : kept_) total += c.weight;
  // Tokens below this weight hold less than 1 − top_p of the mass together, so none of them is kept: sorting the few
  // others is enough, which matters with 50,000 tokens.
  const double floor = (1.0 - sampling_.top_p) * total / static_cast<double>(kept_.size());
  std::erase_if(kept_, [&](const Candidate& c) { return c.weight < floor; });
  std::sort(kept_.begin(), kept_.end(), [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  });
  double before = 0;
  std::size_t keep = 0;
  while (keep < kept_.size() && (keep == 0 || before < sampling_.top_p * total)) before += kept_[keep++].weight;
  kept_.resize(keep);
}

}  // namespace hone::generate
