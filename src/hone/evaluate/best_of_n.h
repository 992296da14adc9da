// Best-of-n: what one gets by drawing n samples and keeping the one that a score likes best.
#pragma once

#include <cstdint>
#include <span>

namespace hone::evaluate {

/// E[value of the best of n], from N ≥ n samples, over all subsets of n without their enumeration: with samples sorted
/// by score, falling, sample i is the best of a subset with chance C(N−1−i, n−1) / C(N, n). Samples of equal score
/// share their chance. n = 1 gives the mean, n = N the value of the best.    [after arXiv:2112.09332, eq. 1]
///
///   score, value  [N] finite
///   errors        internal: different lengths, n outside [1, N]
///   cost          N log N + N n
///   see           pass_at_k_estimate: a score that is always right
double best_of_n(std::span<const double> score, std::span<const double> value, int64_t n);

/// KL of best-of-n to the policy that was drawn from: log n − (n − 1)/n nats.             [arXiv:2009.01325, §G.3]
/// Exact without ties, an upper bound with them. Errors: internal: n < 1.
double best_of_n_kl(int64_t n);

}  // namespace hone::evaluate
