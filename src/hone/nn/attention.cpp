#include "hone/nn/attention.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

namespace hone::nn {
namespace {

// [B, T, n·d] → [B, n, T, d]
at::Tensor split_heads(const at::Tensor& x, int64_t heads, int64_t head_dim) {
  return x.view({x.size(0), x.size(1), heads, head_dim}).transpose(1, 2);
}

// Rotates [B, n, T, d] by half-split pairs (i, i + d/2).
at::Tensor rotate(const at::Tensor& x, const Rope& rope) {
  const auto halves = x.chunk(2, -1);
  const auto cos = rope.cos_BTd.unsqueeze(1), sin = rope.sin_BTd.unsqueeze(1);
  return at::cat({halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin}, -1);
}

}  // namespace

at::Tensor attention_mask(const at::Tensor& segments_BT, int64_t tokens) {
  const auto forbidden = at::ones({1, 1, tokens, tokens}, at::kBool).triu(1);
  const auto minus_infinity = -std::numeric_limits<float>::infinity();
  if (!segments_BT.defined()) return at::zeros({1, 1, tokens, tokens}).masked_fill_(forbidden, minus_infinity);
  const auto other = segments_BT.unsqueeze(2).ne(segments_BT.unsqueeze(1)).unsqueeze(1).logical_or(forbidden);
  return at::zeros({segments_BT.size(0), 1, tokens, tokens}).masked_fill_(other, minus_infinity);
}

Rope make_rope(const at::Tensor& positions_BT, int64_t head_dim, double theta) {
  const auto exponent = at::arange(0, head_dim, 2, at::kDouble) / static_cast<double>(head_dim);
  const auto frequency = at::pow(at::full({}, theta, at::kDouble), -exponent);
  // Angles in double: at position 100,000 a float angle is off by 0.01 rad.
  const auto angle = positions_BT.to(at::kDouble).unsqueeze(-1) * frequency;
  return {angle.cos().to(at::kFloat), angle.sin().to(at::kFloat)};
}

at::Tensor attention(const at::Tensor& qkv, const AttentionShape& shape, const at::Tensor& mask, const Rope* rope) {
  const int64_t d = shape.head_dim, rows = qkv.size(0), tokens = qkv.size(1);
  auto q = split_heads(qkv.narrow(2, 0, shape.heads * d), shape.heads, d);
  auto k = split_heads(qkv.narrow(2, shape.heads * d, shape.kv_heads * d), shape.kv_heads, d);
  auto v = split_heads(qkv.narrow(2, (shape.heads + shape.kv_heads) * d, shape.kv_heads * d), shape.kv_heads, d);
  if (rope) {
    q = rotate(q, *rope);
    k = rotate(k, *rope);
  }
  if (shape.kv_heads != shape.heads) {
    const int64_t group = shape.heads / shape.kv_heads;
    k = k.repeat_interleave(group, 1);
    v = v.repeat_interleave(group, 1);
  }
  const auto scores = at::matmul(q * (1.0 / std::sqrt(static_cast<double>(d))), k.transpose(-2, -1)) + mask;
  const auto mixed = at::matmul(at::softmax(scores, -1), v);
  return mixed.transpose(1, 2).reshape({rows, tokens, shape.heads * d});
}

}  // namespace hone::nn
