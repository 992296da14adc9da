// One token from one row of logits.
#pragma once

#include "hone/base/rng.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hone::generate {

enum class Choice { sample, greedy };

/// The sampling distribution: logits / temperature → top-k → top-p (Hugging Face's order).
struct Sampling {
  Choice choice = Choice::sample;
  double temperature = 1.0;  ///< > 0
  int64_t top_k = 0;         ///< 0 = off
  double top_p = 1.0;        ///< 1 = off

  bool operator==(const Sampling&) const = default;
};

/// Errors: usage, naming the field that is out of range.
void check_sampling(const Sampling& sampling);

/// A token and its log-prob in nats under the distribution it was drawn from.
struct Draw {
  int32_t id = 0;
  float logprob = 0;
};

/// Draws tokens; holds the scratch memory of one worker.
class Sampler {
 public:
  /// `sampling` must have passed check_sampling.
  Sampler(const Sampling& sampling, int64_t vocab);

  /// sample: inverts the cumulative distribution with one uniform of `rng`.
  ///   top-k keeps the k largest logits, and all that equal the k-th; top-p keeps, of what is left, the most probable
  ///   tokens as long as those before them have less than top_p of the mass (so at least one). The log-prob is the one
  ///   after both cuts, renormalised.
  /// greedy: the largest logit, the first of equal ones; log-prob under the plain softmax at temperature 1; `rng` is
  ///   not used.
  /// Errors: numeric if a logit is not finite.
  Draw draw(std::span<const float> logits, Rng& rng);

 private:
  struct Candidate {
    int32_t id;
    float weight;  // e^(logit / temperature − max)
  };
  Draw draw_all(double uniform) const;
  Draw draw_cut(double uniform);
  void cut_top_k();
  void cut_top_p();

  Sampling sampling_;
  std::vector<float> scaled_, weights_, order_;
  std::vector<Candidate> kept_;
  float log_total_ = 0;  // log Σ e^(logit / temperature)
};

}  // namespace hone::generate
