// A batch of token sequences and the sum-and-count form of a loss. Shapes: B rows, T positions.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace hone::tensor {

/// Rows of tokens, right-padded. Column t of the float and mask tensors speaks about token ids[t] itself.
struct Batch {
  at::Tensor ids_BT;         ///< int64
  at::Tensor positions_BT;   ///< int64, restarts at 0 with every packed sequence
  at::Tensor segments_BT;    ///< int64: which packed sequence a token belongs to; undefined = one sequence a row
  at::Tensor loss_mask_BT;   ///< bool; never true at the first token of a row or of a sequence of its own
  at::Tensor advantage_BT;   ///< float32, undefined outside policy training (likewise below)
  at::Tensor behavior_BT;    ///< float32 log-probs under the sampler, nats
  at::Tensor reference_BT;   ///< float32 log-probs under the reference model, nats
  at::Tensor kl_weight_BT;   ///< float32 weight of the KL penalty per token
  /// int64 [B]: the first tokens of a row, its first segment, which every other segment of it goes on from: a prompt
  /// with several completions, whose positions continue the prompt's. Undefined = segments are sequences of their own.
  at::Tensor shared_B;
};

/// A loss as numerator and denominator, so that micro-batches add up to exactly the whole batch:
/// loss = Σ sum / Σ count. `metrics` are sums too and are divided by the total count when reported.
struct Loss {
  at::Tensor sum;                         ///< scalar with gradient
  double count = 0;                       ///< tokens, sequences or a constant, as the objective says; ≥ 0
  std::map<std::string, double> metrics;  ///< sums, no gradient
};

}  // namespace hone::tensor
