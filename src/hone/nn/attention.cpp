#include "hone/nn/attention.h"

#include "hone/base/error.h"
#include "hone/nn/parallel.h"
#include "hone/tensor/compat.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace hone::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void check(const at::Tensor& qkv, const AttentionShape& shape, const AttentionMask& mask, const Rope* rope) {
  constexpr auto kind = ErrorKind::internal;
  const auto [heads, kv_heads, d] = shape;
  require(heads >= 1 && kv_heads >= 1 && d >= 1 && heads % kv_heads == 0, kind,
          "attention: {} query heads cannot share {} heads of keys, {} wide", heads, kv_heads, d);
  require(qkv.dim() == 3 && qkv.size(2) == (heads + 2 * kv_heads) * d, kind,
          "attention: qkv has {} dimensions, the last of {}; it must be [B, T, ({} + 2·{})·{}]", qkv.dim(),
          qkv.dim() > 0 ? qkv.size(-1) : 0, heads, kv_heads, d);
  const int64_t rows = qkv.size(0), tokens = qkv.size(1);
  require(tokens < std::numeric_limits<int32_t>::max(), kind, "attention: {} tokens are too many", tokens);
  const auto& segments = mask.segments_BT;
  require(!segments.defined() || segments.sizes() == at::IntArrayRef({rows, tokens}), kind,
          "attention: segments are not [{}, {}]", rows, tokens);
  require(mask.window >= 0, kind, "attention: a window of {} tokens; 0 means none", mask.window);
  require(mask.prefix_B.defined() == (mask.kind == MaskKind::prefix), kind,
          "attention: lengths of prefixes belong to the mask of prefixes, and it needs them");
  require(!mask.prefix_B.defined() || mask.prefix_B.sizes() == at::IntArrayRef({rows}), kind,
          "attention: lengths of prefixes are not [{}]", rows);
  if (const auto& shared = mask.shared_B; shared.defined()) {
    require(shared.sizes() == at::IntArrayRef({rows}) && segments.defined(), kind,
            "attention: lengths of shared prompts are not [{}], or there are no segments to share them", rows);
    require(mask.kind == MaskKind::causal && mask.window == 0, kind,
            "attention: a prompt can be shared only causally and without a window");
  }
  if (!rope) return;
  require(d % 2 == 0, kind, "attention: rotary positions need heads of even width, not {}", d);
  for (const at::Tensor& table : {rope->cos_BTd, rope->sin_BTd})
    require(table.dim() == 3 && (table.size(0) == rows || table.size(0) == 1) && table.size(1) == tokens &&
                table.size(2) == d / 2,
            kind, "attention: a table of rotations is not [{}, {}, {}]", rows, tokens, d / 2);
}

// [B, T, n·d] → [B, n, T, d]
at::Tensor split_heads(const at::Tensor& x, int64_t heads, int64_t head_dim) {
  return x.view({x.size(0), x.size(1), heads, head_dim}).transpose(1, 2);
}

// float32 and float64 on the CPU are what the fused form is tested against: plain operations, differentiable twice.
bool takes_sdpa(const at::Tensor& qkv) {
  const bool wide = qkv.scalar_type() == at::kFloat || qkv.scalar_type() == at::kDouble;
  return tensor::kHasSdpa && !(qkv.is_cpu() && wide);
}

bool is_plainly_causal(const AttentionMask& mask) {
  return mask.kind == MaskKind::causal && !mask.segments_BT.defined() && mask.window == 0;
}

at::Tensor attention_aten(at::Tensor qkv, const AttentionShape& shape, const AttentionMask& mask, const Rope* rope) {
  const int64_t d = shape.head_dim, rows = qkv.size(0), tokens = qkv.size(1);
  if (mask.segments_BT.defined()) qkv = qkv.masked_fill(mask.segments_BT.lt(0).unsqueeze(2), 0);
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
  at::Tensor mixed;
  if (takes_sdpa(qkv)) {
    mixed = tensor::scaled_dot_product(q, k, v, is_plainly_causal(mask) ? at::Tensor() : additive_mask(mask, qkv));
  } else {
    const auto scaled = q * (1.0 / std::sqrt(static_cast<double>(d)));
    const auto scores = at::matmul(scaled, k.transpose(-2, -1)) + additive_mask(mask, qkv);
    mixed = at::matmul(at::softmax(scores, -1), v);
  }
  return mixed.transpose(1, 2).reshape({rows, tokens, shape.heads * d});
}

// What the kernel needs beside qkv, contiguous; tensors are undefined where there is nothing to say.
struct Setting {
  kernels::HeadShape shape;
  MaskKind kind = MaskKind::causal;
  int64_t window = 0;
  at::Tensor segments, prefix, cos, sin, shared;

  kernels::AttentionSequence sequence(int64_t row, int64_t tokens) const {
    kernels::AttentionSequence s{tokens, shape, {kind, 0, window}};
    if (prefix.defined()) s.mask.prefix = prefix.data_ptr<int64_t>()[row];
    if (segments.defined()) s.mask.segments = segments.data_ptr<int64_t>() + row * tokens;
    if (shared.defined()) s.mask.shared = shared.data_ptr<int64_t>()[row];
    if (!cos.defined()) return s;
    const int64_t table = cos.size(0) == 1 ? 0 : row * tokens * (shape.head_dim / 2);
    s.cos = cos.data_ptr<float>() + table;
    s.sin = sin.data_ptr<float>() + table;
    return s;
  }
};

at::Tensor plain(const at::Tensor& t, at::ScalarType type) { return t.defined() ? t.to(type).contiguous() : t; }

// y [B, T, H·d]; fills lse [B, H, T] where it is defined.
at::Tensor forward_rows(const at::Tensor& qkv, const Setting& setting, const at::Tensor& lse) {
  const int64_t rows = qkv.size(0), tokens = qkv.size(1), heads = setting.shape.heads;
  const auto y = at::empty({rows, tokens, heads * setting.shape.head_dim}, qkv.options());
  for_ranges(rows, 1, [&](int64_t begin, int64_t end, int64_t) {
    kernels::Floats scratch(kernels::attention_scratch(setting.sequence(0, tokens)));
    for (int64_t b = begin; b < end; ++b)
      kernels::attention_forward(
          setting.sequence(b, tokens), qkv.data_ptr<float>() + b * tokens * qkv.size(2),
          {y.data_ptr<float>() + b * tokens * y.size(2),
           lse.defined() ? lse.data_ptr<float>() + b * heads * tokens : nullptr, scratch.data()});
  });
  return y;
}

class FusedAttention : public torch::autograd::Function<FusedAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv, const Setting& setting) {
    const auto lse = at::empty({qkv.size(0), setting.shape.heads, qkv.size(1)}, qkv.options());
    const auto y = forward_rows(qkv, setting, lse);
    context->save_for_backward(
        {qkv, y, lse, setting.segments, setting.prefix, setting.cos, setting.sin, setting.shared});
    const auto& [heads, kv_heads, head_dim] = setting.shape;
    context->saved_data["setting"] =
        std::vector<int64_t>{heads, kv_heads, head_dim, static_cast<int64_t>(setting.kind), setting.window};
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    require(!at::GradMode::is_enabled(), ErrorKind::internal,
            "attention: the fused form has no second derivative; use kernels::Mode::reference");
    const auto saved = context->get_saved_variables();
    const auto numbers = context->saved_data["setting"].toIntVector();
    const Setting setting{{numbers[0], numbers[1], numbers[2]},
                          static_cast<MaskKind>(numbers[3]),
                          numbers[4],
                          saved[3],
                          saved[4],
                          saved[5],
                          saved[6],
                          saved[7]};
    const at::Tensor &qkv = saved[0], &y = saved[1], &lse = saved[2], dy = plain(gradients[0], at::kFloat);
    const auto dqkv = at::empty_like(qkv);
    const int64_t tokens = qkv.size(1), in = tokens * qkv.size(2), out = tokens * y.size(2);
    for_ranges(qkv.size(0), 1, [&](int64_t begin, int64_t end, int64_t) {
      kernels::Floats scratch(kernels::attention_backward_scratch(setting.sequence(0, tokens)));
      for (int64_t b = begin; b < end; ++b)
        kernels::attention_backward(
            setting.sequence(b, tokens),
            {qkv.data_ptr<float>() + b * in, y.data_ptr<float>() + b * out,
             lse.data_ptr<float>() + b * setting.shape.heads * tokens, dy.data_ptr<float>() + b * out},
            {dqkv.data_ptr<float>() + b * in, scratch.data()});
    });
    return {dqkv, at::Tensor()};
  }
};

}  // namespace

at::Tensor additive_mask(const AttentionMask& mask, const at::Tensor& like_BTX) {
  const int64_t tokens = like_BTX.size(1);
  const auto options = like_BTX.options();
  const auto key = at::arange(tokens, options.dtype(at::kLong)).unsqueeze(0).unsqueeze(0), query = key.transpose(1, 2);
  auto seen = key.le(query);
  if (mask.kind == MaskKind::bidirectional) seen = at::ones_like(seen);
  if (mask.kind == MaskKind::prefix)
    seen = seen.logical_or(at::maximum(key, query).lt(mask.prefix_B.to(at::kLong).view({-1, 1, 1})));
  if (mask.window > 0) seen = seen.logical_and((query - key).lt(mask.window));
  if (const auto& segments = mask.segments_BT; segments.defined()) {
    const auto of_query = segments.unsqueeze(2), of_key = segments.unsqueeze(1);
    auto same = of_query.eq(of_key);
    if (mask.shared_B.defined())
      same = same.logical_or(key.squeeze(1).lt(mask.shared_B.unsqueeze(1)).unsqueeze(1).logical_and(of_key.ge(0)));
    seen = seen.logical_and(same).logical_and(of_query.ge(0));
    seen = seen.logical_or(query.eq(key).logical_and(of_query.lt(0)));
  }
  const auto minus_infinity = -std::numeric_limits<float>::infinity();
  return at::zeros(seen.sizes(), options).masked_fill_(seen.logical_not(), minus_infinity).unsqueeze(1);
}

Rope make_rope(const at::Tensor& positions_BT, int64_t head_dim, double theta) {
  std::vector<double> frequencies;
  for (int64_t i = 0; i < head_dim; i += 2)
    frequencies.push_back(std::pow(theta, -static_cast<double>(i) / static_cast<double>(head_dim)));
  return make_rope(positions_BT, frequencies, 1);
}

Rope make_rope(const at::Tensor& positions_BT, std::span<const double> frequencies, double magnitude) {
  const auto frequency = at::empty({static_cast<int64_t>(frequencies.size())}, at::kDouble);
  std::copy(frequencies.begin(), frequencies.end(), frequency.data_ptr<double>());
  // Angles in double: at position 100,000 a float angle is off by 0.01 rad.
  const auto angle = positions_BT.to(at::kDouble).unsqueeze(-1) * frequency.to(positions_BT.device());
  return {(angle.cos() * magnitude).to(at::kFloat), (angle.sin() * magnitude).to(at::kFloat)};
}

at::Tensor rotate(const at::Tensor& x, const Rope& rope) {
  const auto halves = x.chunk(2, -1);
  const auto cos = rope.cos_BTd.unsqueeze(1), sin = rope.sin_BTd.unsqueeze(1);
  return at::cat({halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin}, -1).to(x.scalar_type());
}

at::Tensor attention(const at::Tensor& qkv, const AttentionShape& shape, const AttentionMask& mask, const Rope* rope) {
  check(qkv, shape, mask, rope);
  const bool fused = qkv.is_cpu() && qkv.scalar_type() == at::kFloat && kernels::mode() == kernels::Mode::fused;
  if (!fused || qkv.numel() == 0) return attention_aten(qkv, shape, mask, rope);
  const Setting setting{{shape.heads, shape.kv_heads, shape.head_dim},
                        mask.kind,
                        mask.window,
                        plain(mask.segments_BT, at::kLong),
                        plain(mask.prefix_B, at::kLong),
                        rope ? plain(rope->cos_BTd, at::kFloat) : at::Tensor(),
                        rope ? plain(rope->sin_BTd, at::kFloat) : at::Tensor(),
                        plain(mask.shared_B, at::kLong)};
  if (at::GradMode::is_enabled() && qkv.requires_grad()) return FusedAttention::apply(qkv.contiguous(), setting);
  return forward_rows(qkv.contiguous(), setting, {});
}

}  // namespace hone::nn
