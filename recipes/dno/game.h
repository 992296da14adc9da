// Preferences as a game: the tabular case in which everything about DNO can be computed exactly. Two players each pick
// an action; i beats j with probability P[i][j]. The policy that no other beats (the von Neumann winner) always exists;
// a scalar reward that explains P need not.
#pragma once

#include <cstdint>
#include <vector>

namespace hone::recipes::dno {

using Preferences = std::vector<std::vector<double>>;  ///< [n][n], P[i][j] + P[j][i] = 1
using Policy = std::vector<double>;                    ///< [n], ≥ 0, sums to 1

/// r(i) = E_{j~opponent} P[i][j]: the reward that a policy defines.
Policy rewards_against(const Preferences& game, const Policy& opponent);

/// Best response's win rate less ½: 0 for the von Neumann winner, else above it.
double exploitability(const Preferences& game, const Policy& policy);

/// π' ∝ π · exp(r_π/η): one exact iteration of Algorithm 1 (arXiv:2404.03715, eq. 6).
Policy soft_step(const Preferences& game, const Policy& policy, double eta);

/// π_1 = reference, …, π_T. Algorithm 1 returns their uniform mixture, whose play is average().
std::vector<Policy> iterate(const Preferences& game, const Policy& reference, double eta, int64_t steps);
Policy average(const std::vector<Policy>& policies);

/// What a reward model leads to: scores s that maximise Σ ref_i ref_j P[i][j] log σ(s_i − s_j), fitted on pairs that
/// the reference writes, then π ∝ ref · exp(s/β).
Policy bradley_terry(const Preferences& game, const Policy& reference, double beta);

/// A beats B 90 %, B beats C 90 %, C beats A 80 % of the time.
Preferences cyclic_game();

}  // namespace hone::recipes::dno
