// y = x Wᵀ + b.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone::nn {

struct Linear {
  at::Tensor weight;  ///< [out, in]
  at::Tensor bias;    ///< [out]; undefined = none
};

/// `parameter` rounded to the dtype of x for a product with it: float32 parameters under half-precision activations.
/// Gradient flows back in the parameter's own dtype, so that sums over micro-batches are not rounded.
at::Tensor as_dtype_of(const at::Tensor& x, const at::Tensor& parameter);

/// x [..., in] → [..., out], dtype of x. Gradient flows to x, weight and bias; see DirectGradients for where a
/// parameter's goes.
at::Tensor apply(const Linear& linear, const at::Tensor& x);

}  // namespace hone::nn
