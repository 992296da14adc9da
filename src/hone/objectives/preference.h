// Preference losses: of two completions of one prompt, make the better one more likely relative to a reference policy.
//
// A completion's log-probability is the sum over its tokens, never the mean: a mean would change β with the length and
// pay for long completions. Rows come in pairs, so that both of a pair are always in one micro-batch.
// Shapes: N pairs, 2N rows, T positions; row 2i is the chosen completion of pair i, row 2i + 1 the rejected one.
#pragma once

#include "hone/objectives/options.h"
#include "hone/tensor/batch.h"

#include <ATen/core/Tensor.h>

namespace hone::objectives {

/// What is known of the pairs of a batch, or of any part of it that splits no pair.
struct PairRows {
  at::Tensor logp_BT;       ///< [2N, T] floating, nats, under the policy; gradient flows here
  at::Tensor reference_BT;  ///< [2N, T] floating, nats, under the reference; no gradient
  at::Tensor mask_BT;       ///< [2N, T] bool: tokens of the completions
  at::Tensor
      win_rate_BT;  ///< [2N, T] floating, 0..1: r of the row's completion at each of its tokens; soft target only
};

/// L = −[ p log σ(β Δ) + (1 − p) log σ(−β Δ) ] + nll · (−log π(y⁺) ÷ |y⁺|),
/// Δ = log π(y⁺)/ref(y⁺) − log π(y⁻)/ref(y⁻).
///   hard  p = 1: DPO [arXiv:2305.18290 eq. 7]; with the previous iterate as reference the loss of DNO's Algorithm 2
///   soft  p = σ(r⁺ − r⁻), r the expected win rate of a completion: DNO's Algorithm 1 [arXiv:2404.03715]. The best Δ is
///         (r⁺ − r⁻)/β: the policy that has it on all pairs is ref · exp(r/β), normalised. The order of the two
///         completions changes nothing
///
///   pairs    as above
///   options  beta > 0 (the η of DNO), nll ≥ 0, target
///   result   sum: scalar float64; count: pairs. A pair without any token is padding and counts nowhere. Gradient flows
///            to logp_BT. Metrics, averages over pairs: "chosen_logp", "rejected_logp" (nats a completion),
///            "chosen_shift", "rejected_shift" (the same less the reference's: both usually fall under this loss),
///            "margin" (β Δ), "accuracy" (share of Δ > 0), "chosen_length", "rejected_length" (tokens). 0 and 0 for no
///            pairs
///   errors   internal: shapes differ, the mask is not bool, an odd number of rows, a soft target without win rates;
///            usage: an unknown target
///   cost     waits for the device once per metric
///   see      policy_gradient (policy.h): one completion and a number for how good it is
tensor::Loss preference_loss(const PairRows& pairs, const PreferenceOptions& options);

}  // namespace hone::objectives
