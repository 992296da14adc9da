#include "hone/kernels/attend.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/attend.cpp"
#include "hone/kernels/simd-inl.h"

#include <algorithm>
#include <cmath>

#ifndef HONE_KERNELS_ATTEND_HEAD_
#define HONE_KERNELS_ATTEND_HEAD_
namespace hone::kernels {
namespace {

// One head of one query: the first `tokens` tokens of `past`, at key/value head `kv_head`.
struct Head {
  const float* query;
  std::span<const KvSegment> past;
  int64_t kv_head, tokens, dim;
  float* scratch;
  float* out;
};

}  // namespace
}  // namespace hone::kernels
#endif  // HONE_KERNELS_ATTEND_HEAD_

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

// Up to 16 lanes: a panel is 1 vector with AVX-512, 2 with AVX2.
using Lane16 = hn::CappedTag<float, kKeyPanel>;

// scores[t] = scale · q·k_t for kPanels whole panels. Each score is two chains of multiply-adds (even and odd
// dimensions) and one addition, to keep twice as many in flight.
template <int64_t kPanels>
HWY_INLINE void score_panels(const float* query, const float* keys, int64_t dim, float scale, float* scores) {
  const Lane16 d;
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Lane16()));
  constexpr int64_t kVectors = kPanels * kKeyPanel / kLanes;
  hn::Vec<Lane16> even[kVectors], odd[kVectors];
  const auto key = [&](int64_t v, int64_t i) HWY_ATTR {
    const int64_t panel = v * kLanes / kKeyPanel, lane = v * kLanes % kKeyPanel;
    return hn::LoadU(d, keys + panel * dim * kKeyPanel + i * kKeyPanel + lane);
  };
  HONE_UNROLL
  for (int64_t v = 0; v < kVectors; ++v) even[v] = odd[v] = hn::Zero(d);
  int64_t i = 0;
  for (; i + 2 <= dim; i += 2) {
    const auto q0 = hn::Set(d, query[i]), q1 = hn::Set(d, query[i + 1]);
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) {
      even[v] = hn::MulAdd(q0, key(v, i), even[v]);
      odd[v] = hn::MulAdd(q1, key(v, i + 1), odd[v]);
    }
  }
  if (i < dim) {
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) even[v] = hn::MulAdd(hn::Set(d, query[i]), key(v, i), even[v]);
  }
  HONE_UNROLL
  for (int64_t v = 0; v < kVectors; ++v)
    hn::StoreU(hn::Mul(hn::Add(even[v], odd[v]), hn::Set(d, scale)), d, scores + v * kLanes);
}

// Scores of a segment's first `tokens` tokens; the last panel's unused lanes are written too.
HWY_INLINE void score(const float* query, const float* keys, int64_t tokens, int64_t dim, float* scores) {
  constexpr int64_t kMost = hn::MaxLanes(Lane16()) >= 16 ? 4 : hn::MaxLanes(Lane16()) >= 8 ? 2 : 1;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  const int64_t panels = panel_tokens(tokens) / kKeyPanel;
  int64_t p = 0;
  for (; p + kMost <= panels; p += kMost)
    score_panels<kMost>(query, keys + p * dim * kKeyPanel, dim, scale, scores + p * kKeyPanel);
  for (; p < panels; ++p) score_panels<1>(query, keys + p * dim * kKeyPanel, dim, scale, scores + p * kKeyPanel);
}

// head.out[first + …] = factor · Σ_t scratch[t] v_t for kVectors vectors of dimensions, over all segments. Even and odd
// tokens (counted from the start of the sequence) are summed apart, to keep twice as many additions in flight.
template <class D, int64_t kVectors>
HWY_INLINE void mix(D d, const Head& head, int64_t first, float factor) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> sum[2][kVectors];
  HONE_UNROLL
  for (int64_t v = 0; v < kVectors; ++v) sum[0][v] = sum[1][v] = hn::Zero(d);
  int64_t t = 0;  // tokens done
  for (const KvSegment& segment : head.past) {
    const float* value = segment.values + head.kv_head * segment.head_stride + first;
    const int64_t end = std::min(head.tokens, t + segment.tokens);
    const auto step = [&](hn::Vec<D>(&into)[kVectors]) HWY_ATTR {
      const auto weight = hn::Set(d, head.scratch[t]);
      HONE_UNROLL
      for (int64_t v = 0; v < kVectors; ++v) into[v] = hn::MulAdd(weight, hn::LoadU(d, value + v * lanes), into[v]);
      ++t;
      value += head.dim;
    };
    if (t % 2 == 1 && t < end) step(sum[1]);
    while (t + 2 <= end) {
      step(sum[0]);
      step(sum[1]);
    }
    if (t < end) step(sum[0]);
  }
  float* out = head.out + first;
  HONE_UNROLL
  for (int64_t v = 0; v < kVectors; ++v)
    hn::StoreU(hn::Mul(hn::Add(sum[0][v], sum[1][v]), hn::Set(d, factor)), d, out + v * lanes);
}

void attend_head(const Head& head) {
  int64_t t = 0;
  for (const KvSegment& segment : head.past) {
    // A following segment overwrites the unused lanes of this one's last panel.
    const int64_t visible = std::min(segment.tokens, head.tokens - t);
    score(head.query, segment.keys + head.kv_head * segment.head_stride, visible, head.dim, head.scratch + t);
    t += visible;
  }
  const float sum = row_exp_sum(head.scratch, head.tokens, row_max(head.scratch, head.tokens), head.scratch);
  const float factor = 1.0f / sum;
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 4 * lanes <= head.dim; i += 4 * lanes) mix<Wide, 4>(d, head, i, factor);
  for (; i + 2 * lanes <= head.dim; i += 2 * lanes) mix<Wide, 2>(d, head, i, factor);
  for (; i + lanes <= head.dim; i += lanes) mix<Wide, 1>(d, head, i, factor);
  for (; i < head.dim; ++i) mix<hn::CappedTag<float, 1>, 1>({}, head, i, factor);
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
namespace {

HWY_EXPORT(attend_head);

void attend_head_reference(const Head& head) {
  const int64_t dim = head.dim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  int64_t t = 0;
  for (const KvSegment& segment : head.past) {
    for (int64_t s = 0; s < segment.tokens && t < head.tokens; ++s, ++t) {
      const float* key = segment.keys + head.kv_head * segment.head_stride + s / kKeyPanel * kKeyPanel * dim + s % kKeyPanel;
      float dot = 0;
      for (int64_t i = 0; i < dim; ++i) dot += head.query[i] * key[i * kKeyPanel];
      head.scratch[t] = dot * scale;
    }
  }
  const float most = *std::max_element(head.scratch, head.scratch + head.tokens);
  float sum = 0;
  for (t = 0; t < head.tokens; ++t) sum += head.scratch[t] = std::exp(head.scratch[t] - most);
  std::fill_n(head.out, dim, 0.0f);
  t = 0;
  for (const KvSegment& segment : head.past) {
    const float* value = segment.values + head.kv_head * segment.head_stride;
    for (int64_t s = 0; s < segment.tokens && t < head.tokens; ++s, ++t) {
      for (int64_t i = 0; i < dim; ++i) head.out[i] += head.scratch[t] / sum * value[s * dim + i];
    }
  }
}

}  // namespace

void store_kv(const float* key, const float* value, const HeadShape& shape, const KvPlace& place) {
  const int64_t dim = shape.head_dim;
  for (int64_t h = 0; h < shape.kv_heads; ++h) {
    float* keys = place.keys + h * place.head_stride + place.token / kKeyPanel * kKeyPanel * dim + place.token % kKeyPanel;
    for (int64_t i = 0; i < dim; ++i) keys[i * kKeyPanel] = key[h * dim + i];
    std::copy_n(value + h * dim, dim, place.values + h * place.head_stride + place.token * dim);
  }
}

void attend(const Queries& queries, std::span<const KvSegment> past, const HeadShape& shape, const AttendOut& out) {
  const bool fused = mode() == Mode::fused;
  const int64_t dim = shape.head_dim, group = shape.heads / shape.kv_heads;
  int64_t tokens = 0;
  for (const KvSegment& segment : past) tokens += segment.tokens;
  for (int64_t h = 0; h < shape.heads; ++h) {
    for (int64_t i = 0; i < queries.count; ++i) {
      const Head head{queries.data + i * queries.stride + h * dim, past,        h / group,
                      tokens - (queries.count - 1 - i),            dim,         out.scratch,
                      out.data + i * out.stride + h * dim};
      if (fused) HWY_DYNAMIC_DISPATCH(attend_head)(head);
      else attend_head_reference(head);
    }
  }
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
