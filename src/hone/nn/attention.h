// Causal self-attention with grouped heads, optional rotary positions and packed segments.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone::nn {

struct AttentionShape {
  int64_t heads = 1, kv_heads = 1, head_dim = 1;
};

/// What may look at what: additive mask, 0 or -inf. [1, 1, T, T] causal, or [B, 1, T, T] with segments.
at::Tensor attention_mask(const at::Tensor& segments_BT, int64_t tokens);

/// Rotation tables cos, sin [B, T, head_dim/2] for the positions (half-split convention of Llama in transformers).
struct Rope {
  at::Tensor cos_BTd, sin_BTd;
};
Rope make_rope(const at::Tensor& positions_BT, int64_t head_dim, double theta);

/// softmax(Q Kᵀ/√d + mask) V on the fused projection qkv [B, T, (H + 2·KV)·d] → [B, T, H·d].
/// `rope` = nullptr leaves positions alone. Gradient flows.
at::Tensor attention(const at::Tensor& qkv, const AttentionShape& shape, const at::Tensor& mask, const Rope* rope);

}  // namespace hone::nn
