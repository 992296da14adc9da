#include "hone/nn/norm.h"

#include <ATen/ATen.h>

namespace hone::nn {

at::Tensor apply(const Norm& norm, const at::Tensor& x, double eps) {
  if (norm.bias.defined()) return at::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, eps);
  return x * at::rsqrt(x.pow(2).mean(-1, true) + eps) * norm.weight;
}

}  // namespace hone::nn
