// The language-model loss: negative log-likelihood of the tokens that are to be learnt. Pre-training and supervised
// fine-tuning differ only in the mask.    Shapes: B rows, T positions.
#pragma once

#include "hone/tensor/batch.h"

#include <ATen/core/Tensor.h>

namespace hone::objectives {

/// L = −Σ log p(token) over masked-in places.
///
///   logp_BT  [B, T] floating, nats; column t speaks about token t itself; anything at masked-out places
///   mask_BT  [B, T] bool
///   result   sum: scalar float64, gradient flows to logp_BT (−1 where the mask is true, 0 elsewhere);
///            count: tokens; sum ÷ count is nats per token; 0 and 0 when nothing is masked in
///   errors   internal: shapes differ (nothing is broadcast) or the mask is not bool
///   packed   rows may hold several sequences: every token counts alike
///   see      policy_gradient (policy.h): the same with a weight and an advantage per token
tensor::Loss lm_loss(const at::Tensor& logp_BT, const at::Tensor& mask_BT);

}  // namespace hone::objectives
