// Softmax attention of a sequence's newest tokens over its cache of keys and values, with grouped heads.
#pragma once

#include "hone/kernels/common.h"

#include <cstdint>
#include <span>

namespace hone::kernels {

/// Heads of queries, heads of keys and values (a divisor), and the width of a head.
struct HeadShape {
  int64_t heads = 1, kv_heads = 1, head_dim = 1;
};

/// Keys lie in panels of this many tokens: [kv_heads][panel][head_dim][kKeyPanel], so that the scores of neighbouring
/// tokens are computed side by side without a sum over lanes. Values are [kv_heads][token][head_dim].
inline constexpr int64_t kKeyPanel = 16;

/// Tokens of room for `tokens` keys: whole panels.
inline int64_t panel_tokens(int64_t tokens) { return (tokens + kKeyPanel - 1) / kKeyPanel * kKeyPanel; }

/// A stretch of a sequence's cache. Head h starts at keys + h·head_stride and values + h·head_stride, where head_stride
/// is the room in tokens (whole panels) times head_dim. The room must be readable to the end of the last panel.
struct KvSegment {
  const float* keys = nullptr;
  const float* values = nullptr;
  int64_t tokens = 0, head_stride = 0;
};

/// Where one token's key and value go: a cache as in KvSegment and the token's index in it.
struct KvPlace {
  float* keys = nullptr;
  float* values = nullptr;
  int64_t token = 0, head_stride = 0;
};

/// Copies one token's key and value, both [kv_heads·head_dim], into the cache.
void store_kv(const float* key, const float* value, const HeadShape& shape, const KvPlace& place);

/// `count` queries of consecutive tokens, the i-th at data + i·stride: [heads·head_dim]. With a `window` each sees that
/// many tokens at most, the last of them its own; 0 = no such limit.
struct Queries {
  const float* data = nullptr;
  int64_t count = 1, stride = 0, window = 0;
};

/// Floats of scratch memory for attending to `tokens` tokens in up to `segments` segments.
inline int64_t attend_scratch(const HeadShape& shape, int64_t tokens, int64_t segments) {
  return shape.heads * (panel_tokens(tokens) + segments * kKeyPanel);
}

/// Results, the i-th at data + i·stride: [heads·head_dim]; `scratch` holds attend_scratch(…) floats.
struct AttendOut {
  float* data = nullptr;
  int64_t stride = 0;
  float* scratch = nullptr;
};

/// out_i = Σ_t softmax_t(q_i·k_t / √head_dim) v_t for every head; query heads h·g … h·g + g − 1 share head h's keys and
/// values, g = heads / kv_heads.
///
///   past   the sequence's cache in order, ending with the last query's own token: query i does not see the
///          count − 1 − i tokens after its own (causal). count = 1 is a decoding step. The queries' own tokens lie in
///          the last segment.
///   cost   4·heads·head_dim FLOP a query and token that it sees. How the sequence is cut into segments, and how many
///   queries are
///          asked at once, does not change the bits.
void attend(const Queries& queries, std::span<const KvSegment> past, const HeadShape& shape, const AttendOut& out);

}  // namespace hone::kernels
