// KL penalties per token, named by the gradient they give.
//
// With d = log π(x) − log ref(x) on a token x that the policy π wrote, three estimators are in use
// [Schulman, "Approximating KL divergence", 2020]. Their values and their gradients are two different matters:
//
//   estimator          value E_π[·]           E_π[∇ ·]: what a loss made of it descends
//   k1 = d             KL(π‖ref), unbiased    0: as a loss it does nothing
//   k2 = d²/2          biased                 ∇ KL(π‖ref), reverse: π leaves what the reference finds unlikely
//   k3 = e^−d − 1 + d  KL(π‖ref), unbiased    ∇ KL(ref‖π), forward: π keeps what the reference finds likely
//
// k1 taken off the reward gives, through the policy gradient, ∇ KL(π‖ref) as well. All of this holds for the token
// given the prefix before it; how a token changes later prefixes is only seen by a penalty inside the reward. One
// sequence per row. Shapes: B rows, T positions.
#pragma once

#include "hone/objectives/options.h"
#include "hone/objectives/policy.h"
#include "hone/tensor/batch.h"

#include <ATen/core/Tensor.h>

namespace hone::objectives {

/// d,  d²/2  and  e^−d − 1 + d  with d = logp − reference.
///
///   logp, reference  same shape, floating, nats, under policy and reference
///   result           the shape; kl_k2 and kl_k3 are ≥ 0. Gradient flows to logp: 1, d and 1 − e^−d. In kl_k3 −d is
///                    held below 20: beyond, e^−d would overflow
///   errors           internal: shapes differ
at::Tensor kl_k1(const at::Tensor& logp, const at::Tensor& reference);
at::Tensor kl_k2(const at::Tensor& logp, const at::Tensor& reference);
at::Tensor kl_k3(const at::Tensor& logp, const at::Tensor& reference);

/// L = Σ w β k:  a penalty to add to a policy loss.
///
///   logp_BT       [B, T] floating, nats, of samples of the policy; gradient flows here
///   reference_BT  [B, T] floating, nats; no gradient
///   kl_weight_BT  [B, T] floating, ≥ 0: β, the weight of the penalty, per token; no gradient
///   tokens        the weights of the policy loss (policy.h), w
///   kind          reverse_k2: descends KL(π‖ref);  forward_k3: descends KL(ref‖π), what GRPO does
///   result        sum: scalar float64; count: that of the weights; metric "kl": KL(π‖ref) in nats per token by k3,
///                 whatever the kind and without β
///   errors        internal: shapes differ
///   see           kl_in_reward; add_penalty
tensor::Loss kl_loss(const at::Tensor& logp_BT, const at::Tensor& reference_BT, const at::Tensor& kl_weight_BT,
                     const TokenWeights& tokens, KlGradient kind);

/// policy + penalty: sums add, metrics join.
///
///   errors  internal: the counts differ, so the two did not have the same token weights
tensor::Loss add_penalty(tensor::Loss policy, const tensor::Loss& penalty);

/// k1 per token, to take off the reward: r − β Σ_t k1_t. With the policy gradient it descends KL(π‖ref) of whole
/// sequences, later prefixes included.
///
///   logp_BT, reference_BT  [B, T] floating, nats
///   mask_BT                [B, T] bool
///   result                 [B, T], 0 at masked-out places; no gradient (a penalty that only multiplies a reward cannot
///                          be differentiated through its value)
///   errors                 internal: shapes differ or the mask is not bool
///   see                    kl_loss with reverse_k2: the same gradient for each token given its prefix, blind to what
///                          the token does to later ones
at::Tensor kl_in_reward(const at::Tensor& logp_BT, const at::Tensor& reference_BT, const at::Tensor& mask_BT);

}  // namespace hone::objectives
