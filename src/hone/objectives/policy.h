// Policy losses: make what did better than expected more likely, and what did worse less likely.
//
// Everything here is per token and speaks of log-probs, never of models. Three log-probs occur:
//   logp       under the policy that is being trained; the only one that carries a gradient
//   behavior   under the policy that wrote the sample
//   reference  under the policy to stay close to (kl.h)
// Shapes: B rows, T positions.
#pragma once

#include "hone/objectives/options.h"
#include "hone/tensor/batch.h"

#include <ATen/core/Tensor.h>

namespace hone::objectives {

/// Which tokens count in a loss, and how much. A sequence without any token is none: it adds nothing to `count`, so
/// that rows of padding change nothing.
struct TokenWeights {
  at::Tensor mask_BT;    ///< [B, T] bool
  at::Tensor weight_BT;  ///< [B, T] float32, ≥ 0, 0 where masked out; a loss is Σ weight · term ÷ count
  at::Tensor share_BT;   ///< [B, T] float32, ≥ 0, sums to count: a metric is the average Σ share · value ÷ count
  double count = 0;      ///< tokens (dapo) or sequences (grpo, dr_grpo)
};

/// The weights of a batch or of any part of it: sums and counts of the parts add up to those of the whole.
///
///   grpo     weight 1/|o| for a sequence of |o| tokens, count = sequences                    [arXiv:2402.03300]
///   dapo     weight 1, count = tokens                                                       [arXiv:2503.14476]
///   dr_grpo  weight 1/max_tokens, count = sequences                                         [arXiv:2503.20783]
///            with max_tokens = 1: the plain sum over a sequence, REINFORCE on whole completions
///
///   mask_BT     [B, T] bool: tokens that the policy wrote
///   max_tokens  ≥ 1: longest completion that generation allows, the same in every batch; used by dr_grpo
///   segments_BT [B, T] int64: which of a row's sequences a token belongs to, < 0 where no token counts; undefined = a
///               row is one sequence
///   errors      internal: mask not bool or not [B, T], segments of another shape; usage: max_tokens < 1 with dr_grpo
TokenWeights token_weights(const at::Tensor& mask_BT, Normalisation normalisation, int64_t max_tokens,
                           const at::Tensor& segments_BT = {});

/// REINFORCE:  L = −Σ w A log π(token).                                                            [Williams, 1992]
/// For samples of the policy itself, used for one update.
///
///   logp_BT       [B, T] floating, nats; gradient flows here: −w A
///   advantage_BT  [B, T] floating, reward units (or deviations); no gradient. Repeat a sequence's advantage over its
///                 tokens; different parts of a row may have different advantages
///   tokens        from token_weights
///   result        sum: scalar float64; count: that of the weights; metrics "nll" (nats; on the policy's own samples
///                 its entropy) and "advantage". 0 and 0 when no token counts
///   errors        internal: shapes differ
///   cost          waits for the device once per metric (also below)
///   see           clipped_policy: for samples that are used more than once
tensor::Loss policy_gradient(const at::Tensor& logp_BT, const at::Tensor& advantage_BT, const TokenWeights& tokens);

/// PPO's clipped loss:  ρ = exp(log π − log β);  L = −Σ w min(ρ A, clip(ρ, 1 − low, 1 + high) A).
///                                                    [arXiv:1707.06347 eq. 7; two-sided range: DAPO, arXiv:2503.14476]
/// A token stops pulling once the policy has already moved the way its advantage points, beyond the range. While π = β
/// the gradient is that of policy_gradient, and the value is −Σ w A, whatever the policy has learnt: no progress
/// number.
///
///   logp_BT, advantage_BT, tokens   as policy_gradient
///   behavior_BT                     [B, T] floating, nats, of the same tokens when they were sampled; temperature and
///                                   filters (top-p, top-k) must be in both log-probs or in neither; no gradient
///   clip                            0 ≤ low ≤ 1, high ≥ 0
///   result                          as policy_gradient, with metrics "clip_fraction", "ratio" (near 1) and "approx_kl"
///                                   (k3 estimate of KL(β‖π), ≥ 0, nats). log ρ is held within ±20, as verl does:
///                                   beyond, the token has no gradient, and no inf · 0 makes a NaN
///   errors                          internal: shapes differ
///   see                             policy_gradient
tensor::Loss clipped_policy(const at::Tensor& logp_BT, const at::Tensor& behavior_BT, const at::Tensor& advantage_BT,
                            const TokenWeights& tokens, const ClipOptions& clip);

}  // namespace hone::objectives
