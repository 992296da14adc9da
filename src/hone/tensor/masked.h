// Shape checks and masked reductions. A masked place may hold anything, NaN included: it is replaced, never multiplied
// by 0, so that neither the value nor the gradient can see it.
#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>

namespace hone::tensor {

/// Throws unless `a` and `b` have equal sizes. Nothing is broadcast: [B] against [B, 1] is a mistake, not a wish.
///
///   where   function that checks, leads the message
///   names   the two arguments, e.g. "logp_BT and mask_BT"
///   errors  internal, with both shapes
void require_same_shape(const at::Tensor& a, const at::Tensor& b, std::string_view where, std::string_view names);

/// Throws unless `mask` is a bool tensor with `dims` dimensions.    Errors: internal.
void require_mask(const at::Tensor& mask, int64_t dims, std::string_view where);

/// x where the mask is true, 0 elsewhere.
///
///   x       [...] floating
///   mask    [...] bool, same shape (not checked here)
///   result  [...], dtype of x; gradient flows to x, and is exactly 0 at masked places
///   use     on the inputs of a formula: after exp or log it is too late, since 0 · (gradient at NaN) is NaN
at::Tensor keep(const at::Tensor& x, const at::Tensor& mask);

/// Σ over true places, added up in double.
///
///   result  scalar, float64; gradient flows to x in the dtype of x
///   errors  internal: shapes differ
at::Tensor masked_sum(const at::Tensor& x, const at::Tensor& mask);

/// masked_sum ÷ number of true places; 0 when there is none.    Result and errors as masked_sum.
at::Tensor masked_mean(const at::Tensor& x, const at::Tensor& mask);

/// Number of true places. Waits for the device.
int64_t count_true(const at::Tensor& mask);

}  // namespace hone::tensor
