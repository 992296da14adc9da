// Rows of tables: embeddings of tokens and positions, and the states at chosen places.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone::nn {

/// y[…] = table[index[…]].
///
///   table   [V, D] floating;  index [...] int64, each in [0, V) (not checked with fused kernels)
///   result  [..., D]; gradient flows to the table: rows picked twice are added, in order of `index`
at::Tensor pick_rows(const at::Tensor& table, const at::Tensor& index);

}  // namespace hone::nn
