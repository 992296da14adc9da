// Self-attention of one whole sequence for training: forward and backward, with grouped heads, rotary positions, packed
// segments and windows. No matrix of scores ever exists.
#pragma once

#include "hone/kernels/attend.h"

#include <cstdint>

namespace hone::kernels {

/// What token i may see: nothing after itself; everything; or nothing after itself except that the first `prefix`
/// tokens see each other fully.
enum class MaskKind { causal, bidirectional, prefix };

/// What may look at what. All conditions hold at once.
struct AttentionMask {
  MaskKind kind = MaskKind::causal;
  int64_t prefix = 0;                 ///< tokens; only with MaskKind::prefix
  int64_t window = 0;                 ///< token i sees j only if i − j < window; 0 = no such limit
  const int64_t* segments = nullptr;  ///< [T]: tokens see their own segment; < 0 = padding; nullptr = one segment
  int64_t shared = 0;                 ///< the first tokens, one segment, are seen by all later segments too: a prompt
                                      ///< with several completions. Causal and without a window only; 0 = none
};

/// One sequence: its length T, its heads (d = head_dim), its mask and, where positions are rotary, the tables cos and
/// sin, both [T, d/2], that turn the pair (x_i, x_{i+d/2}) of every query and key; d must be even with them.
struct AttentionSequence {
  int64_t tokens = 0;
  HeadShape shape;
  AttentionMask mask;
  const float* cos = nullptr;
  const float* sin = nullptr;

  /// Floats of a token's queries, keys and values: (H + 2·KV)·d.
  int64_t qkv_width() const { return (shape.heads + 2 * shape.kv_heads) * shape.head_dim; }
  int64_t out_width() const { return shape.heads * shape.head_dim; }
};

/// y [T, H·d] and, unless nullptr, the log-sum-exp of every query's scores, lse [H, T], which the backward pass needs.
struct AttentionOut {
  float* y = nullptr;
  float* lse = nullptr;
  float* scratch = nullptr;  ///< attention_scratch(…) floats, any alignment, contents undefined
};

/// What the backward pass reads: the forward pass's input and results, and the gradient of y.
struct AttentionSaved {
  const float* qkv = nullptr;
  const float* y = nullptr;
  const float* lse = nullptr;
  const float* dy = nullptr;
};

/// dqkv [T, (H + 2·KV)·d], overwritten; `scratch` holds attention_backward_scratch(…) floats.
struct AttentionGrad {
  float* dqkv = nullptr;
  float* scratch = nullptr;
};

int64_t attention_scratch(const AttentionSequence& sequence);
int64_t attention_backward_scratch(const AttentionSequence& sequence);

/// y_i = Σ_j softmax_j(q_i·k_j / √d) v_j over the tokens j that i sees, for every head; query heads h·g … h·g + g − 1
/// share head h's keys and values, g = H / KV. Blocks of keys with a running maximum and sum (Milakov and Gimelshein
/// 2018; Dao et al. 2022).
///
///   qkv    [T, (H + 2·KV)·d] row-major, any alignment: all queries, then keys, then values of a token
///   out    padding gets y = 0 and lse = 0. What padding, or a token that is not seen, holds changes nothing, NaN
///          included.
///   cost   4·d FLOP for every pair of a query and a token it sees, and head. Blocks that the mask excludes are
///   skipped.
///          The result does not depend on the width of the CPU's vectors.
///          Inputs with NaN or inf, and segments that come back after others or padding, and padding
///          between segments that share, take the plain loops: slow.
///   see    attend, for one token over a cache
void attention_forward(const AttentionSequence& sequence, const float* qkv, const AttentionOut& out);

/// The gradient of attention_forward: with p the weights, D_i = dy_i·y_i and dp_ij = dy_i·v_j,
/// dv_j = Σ_i p_ij dy_i,  ds_ij = p_ij (dp_ij − D_i),  dq_i = Σ_j ds_ij k_j / √d,  dk_j = Σ_i ds_ij q_i / √d, turned
/// back where positions are rotary. The weights are computed again from lse.
///
///   saved  as attention_forward left them, under the same mode(); dy [T, H·d]
///   grad   zero at padding, whatever dy holds there
///   cost   10·d FLOP a pair and head
void attention_backward(const AttentionSequence& sequence, const AttentionSaved& saved, const AttentionGrad& grad);

}  // namespace hone::kernels
