#include "hone/nn/linear.h"

#include <ATen/ATen.h>

namespace hone::nn {

at::Tensor apply(const Linear& linear, const at::Tensor& x) { return at::linear(x, linear.weight, linear.bias); }

}  // namespace hone::nn
