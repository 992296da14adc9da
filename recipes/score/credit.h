// Who is paid for what: the rewards of two attempts → one advantage per attempt.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace hone::recipes::score {

enum class Stage { first, second };
/// per_attempt: the tokens of an attempt get that attempt's reward alone (γ = 0, appendix A.4).
/// whole_return: every token gets the sum of both; the known trap: failing on purpose first then pays.
enum class Credit { per_attempt, whole_return };

/// Returns of one rollout's two attempts, before any baseline.
///   stage I  (eq. 3)    0,             r₂
///   stage II (eqs. 4-5) r₁,            r₂ + α(r₂ − r₁)
/// whole_return pays both attempts the sum of the two.
std::array<double, 2> attempt_returns(double r1, double r2, Stage stage, double alpha, Credit credit);

/// Advantages of many rollouts; samples of one problem stand next to each other, `group` at a time.
///   attempt 1   return minus the mean of the group's other samples (leave-one-out)
///   attempt 2   return minus the mean over the batch's rollouts with the same r₁: r₁ is known when attempt 2 is
///               written, so a baseline may depend on it, and it takes out the variance that α adds
/// Seen this way α(r₂ − r₁) adds α·r₂ and a constant: shaping weighs attempt 2 against attempt 1 by 1 + α to 1.
std::vector<std::array<double, 2>> attempt_advantages(const std::vector<double>& r1, const std::vector<double>& r2,
                                                      int64_t group, Stage stage, double alpha, Credit credit);

}  // namespace hone::recipes::score
