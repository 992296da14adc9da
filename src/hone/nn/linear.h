// y = x Wᵀ + b, plus low-rank additions.
#pragma once

#include "hone/nn/low_rank.h"

#include <ATen/core/Tensor.h>

namespace hone::nn {

struct Linear {
  at::Tensor weight;  ///< [out, in]
  at::Tensor bias;    ///< [out]; undefined = none
  LowRank delta;      ///< added to the weight's product
};

/// `parameter` rounded to the dtype of x for a product with it: float32 parameters under half-precision activations.
/// Gradient flows back in the parameter's own dtype, so that sums over micro-batches are not rounded.
at::Tensor as_dtype_of(const at::Tensor& x, const at::Tensor& parameter);

/// x [..., in] → [..., out], dtype of x. Gradient flows to x, weight, bias and delta, as far as they require it; see
/// DirectGradients for where a parameter's goes. A weight that requires none costs no memory for its gradient.
at::Tensor apply(const Linear& linear, const at::Tensor& x);

/// W + Σ scale B A [out, in]: the map as one matrix. Own storage when there is a delta, the weight itself otherwise.
/// No gradient. Nearest relative: add_product.
at::Tensor merged_weight(const Linear& linear);

}  // namespace hone::nn
