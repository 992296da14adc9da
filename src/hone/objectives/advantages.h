// From rewards to advantages: how much better a sample did than samples that stand next to it. Averages are taken in
// double, and samples with equal rewards get exactly 0.    Shapes: G groups (prompts), K samples each, N samples.
#pragma once

#include "hone/objectives/options.h"

#include <ATen/core/Tensor.h>

namespace hone::objectives {

/// A_gk = (r_gk − mean_k r_gk) / (s + ε).                                                  [GRPO, arXiv:2402.03300]
/// s is the sample deviation (÷ K − 1) of the group, or the deviation of all G·K rewards, or A is not divided at all.
///
///   reward  [G, K] floating, task units, finite
///   eps     ≥ 0, task units; keeps groups with nearly equal rewards from exploding; unused with Scale::none
///   result  [G, K], dtype of reward; each row sums to 0; no gradient; 0 for K = 1 and for groups without differences
///   errors  internal: not two-dimensional; numeric: a reward is not finite
///   see     leave_one_out_advantage: the baseline leaves the sample itself out
at::Tensor group_advantage(const at::Tensor& reward_GK, Scale scale, double eps);

/// A_gk = r_gk − (1/(K−1)) Σ_{j≠k} r_gj  =  K/(K−1) · (r_gk − mean_j r_gj).                [RLOO, arXiv:2402.14740]
/// The baseline does not depend on the sample it is taken from, so that the policy gradient is unbiased.
///
///   reward  [G, K] floating, task units, finite
///   result  [G, K], dtype of reward; each row sums to 0; no gradient
///   errors  usage: K < 2, there is no other sample to compare with; otherwise as group_advantage
///   see     group_advantage: (K−1)/K of this, and may divide by a deviation
at::Tensor leave_one_out_advantage(const at::Tensor& reward_GK);

/// A_i = r_i − mean of r_j over the samples j with the condition of i (i among them).
/// For a second attempt judged given how the first one ended: the condition is the first outcome, and the second
/// attempt is neither praised nor blamed for it.
///
///   reward     [N] floating, task units, finite
///   condition  [N] int64, any values; equal values form a group
///   result     [N], dtype and device of reward; sums to 0 over every condition; no gradient; 0 for a lone sample
///   errors     internal: shapes differ or condition is not int64; numeric: a reward is not finite
///   cost       O(N log N) on the CPU, whatever the device
///   see        group_advantage: groups of one size, laid out as rows
at::Tensor conditional_advantage(const at::Tensor& reward_N, const at::Tensor& condition_N);

}  // namespace hone::objectives
