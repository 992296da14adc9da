// LayerNorm and RMSNorm over the last dimension.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone::nn {

/// With a bias it is LayerNorm, without one RMSNorm.
struct Norm {
  at::Tensor weight;  ///< [D]
  at::Tensor bias;    ///< [D]; undefined = RMSNorm
};

at::Tensor apply(const Norm& norm, const at::Tensor& x, double eps);

}  // namespace hone::nn
