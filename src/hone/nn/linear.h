// y = x Wᵀ + b.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone::nn {

struct Linear {
  at::Tensor weight;  ///< [out, in]
  at::Tensor bias;    ///< [out]; undefined = none
};

/// x [..., in] → [..., out]. Gradient flows to x, weight and bias; see DirectGradients for where a parameter's goes.
at::Tensor apply(const Linear& linear, const at::Tensor& x);

}  // namespace hone::nn
