// Self-attention with grouped heads, optional rotary positions, packed segments, prefixes and windows.
#pragma once

#include "hone/kernels/attention.h"

#include <ATen/core/Tensor.h>

#include <span>

namespace hone::nn {

struct AttentionShape {
  int64_t heads = 1, kv_heads = 1, head_dim = 1;
};

using kernels::MaskKind;

/// What may look at what: see kernels::AttentionMask. All conditions hold at once.
struct AttentionMask {
  MaskKind kind = MaskKind::causal;
  at::Tensor segments_BT;  ///< int64: tokens see their own segment only; < 0 = padding; undefined = one segment a row
  at::Tensor prefix_B;     ///< int64: tokens that see each other fully; with MaskKind::prefix, and only then
  int64_t window = 0;      ///< token i sees j only if i − j < window; 0 = no such limit
  at::Tensor shared_B;     ///< int64: the first tokens of a row, one segment, which all its segments see; undefined =
                           ///< none. Causal and without a window only
};

/// The mask as numbers to add to scores, 0 or -inf: [1 or B, 1, T, T], in dtype and device of like_BTX. Padding sees
/// itself, since a row of nothing but -inf would have no softmax.
at::Tensor additive_mask(const AttentionMask& mask, const at::Tensor& like_BTX);

/// Rotation tables cos, sin [B, T, head_dim/2] for the positions (half-split convention of Llama in transformers).
struct Rope {
  at::Tensor cos_BTd, sin_BTd;
};
Rope make_rope(const at::Tensor& positions_BT, int64_t head_dim, double theta);
/// The same with given radians a token, [head_dim/2]; cosines and sines are multiplied by `magnitude`.
Rope make_rope(const at::Tensor& positions_BT, std::span<const double> frequencies, double magnitude);

/// x [B, n, T, d] turned by half-split pairs (i, i + d/2), computed in float32 or wider; dtype of x. Gradient flows.
at::Tensor rotate(const at::Tensor& x, const Rope& rope);

/// softmax(Q Kᵀ/√d + mask) V (Vaswani et al. 2017, §3.2.1).
///
///   qkv    [B, T, (H + 2·KV)·d]: all queries, then keys, then values of a token; query heads h·g … h·g + g − 1 share
///          head h's keys and values, g = H / KV
///   rope   turns queries and keys, d even; nullptr leaves them alone
///   result [B, T, H·d]. Gradient flows, once. Padding gives 0, gets gradient 0, and what it holds changes nothing, NaN
///          included.
///   errors internal: shapes that do not fit each other
///   cost   float32 on the CPU runs kernels::attention_forward and _backward, one row after the other or, inside a
///          ParallelScope, one row a range, and keeps qkv, the result and one number for every query and head. Half
///          precision and other devices take libtorch's scaled_dot_product_attention where it has one, whose flash form
///          needs a causal mask without segments. Everything else, and kernels::Mode::reference on the CPU, is a matrix of
///          scores in ATen
at::Tensor attention(const at::Tensor& qkv, const AttentionShape& shape, const AttentionMask& mask, const Rope* rope);

}  // namespace hone::nn
