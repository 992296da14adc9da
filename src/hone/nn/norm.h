// LayerNorm and RMSNorm over the last dimension.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone::nn {

/// With a bias it is LayerNorm, without one RMSNorm.
struct Norm {
  at::Tensor weight;  ///< [D]
  at::Tensor bias;    ///< [D]; undefined = RMSNorm
};

/// x [..., D] → [..., D]. Gradient flows to x and the parameters.
at::Tensor apply(const Norm& norm, const at::Tensor& x, double eps);

/// A residual stream and its norm.
struct Normed {
  at::Tensor x, normed;
};

/// x + delta and its norm, in one walk over memory forward and backward.
///
///   x, delta  [..., D], one shape
///   result    gradient flows to both, and to the parameters
///   see       apply: the norm alone
Normed add_apply(const Norm& norm, const at::Tensor& x, const at::Tensor& delta, double eps);

}  // namespace hone::nn
