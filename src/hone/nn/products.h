// The three matrix products of a linear map: by kernels::matmul, or by libtorch's BLAS under HONE_KERNELS=reference.
#pragma once

#include "hone/kernels/common.h"

#include <ATen/core/Tensor.h>

namespace hone::nn {

using kernels::Into;

/// y = x Wᵀ.    x [N, K], weight [M, K], y [N, M]: float32, rows contiguous, y overwritten. No gradient is recorded.
/// Inside a ParallelScope tiles of the result are shared out; the same for the other two.
void project(const at::Tensor& x, const at::Tensor& weight, at::Tensor y);

/// dx = dy W (+ dx with `Into::add`): the gradient of x.    dy [N, M], weight [M, K], dx [N, K].
void project_back(const at::Tensor& dy, const at::Tensor& weight, at::Tensor dx, Into into = Into::store);

/// dweight += dyᵀ x: the gradient of W, added to.    dy [N, M], x [N, K], dweight [M, K].
void add_weight_gradient(const at::Tensor& dy, const at::Tensor& x, at::Tensor dweight);

/// dbias += Σ_rows dy.    dy [N, M], dbias [M].
void add_bias_gradient(const at::Tensor& dy, at::Tensor dbias);

}  // namespace hone::nn
