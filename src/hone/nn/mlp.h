// The feed-forward half of a block: up projection, activation, down projection.
#pragma once

#include "hone/nn/linear.h"

namespace hone::nn {

enum class Activation {
  gelu_tanh,  ///< down(gelu(up x)): GPT-2
  swiglu      ///< down(silu(gate) · value), gate and value the halves of up x: Llama [arXiv:2002.05202]
};

/// x [..., D] → [..., D]. Gradient flows to x and the parameters. Keeps the pre-activation only; the activation is
/// computed once more in the backward pass.
at::Tensor mlp(const Linear& up, const Linear& down, Activation activation, const at::Tensor& x);

}  // namespace hone::nn
