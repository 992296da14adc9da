#include "hone/kernels/attend.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/attend.cpp"
#include "hone/kernels/simd-inl.h"

#include <algorithm>
#include <cmath>

#ifndef HONE_KERNELS_ATTEND_QUERY_  // this file is compiled once per CPU target, the struct once
#define HONE_KERNELS_ATTEND_QUERY_
namespace hone::kernels {
namespace {

// One query with all its heads over the tokens [first, tokens) of `past`. Head h's scores and weights lie at
// scratch + h·stride, the token's index further on.
struct Query {
  const float* data;
  std::span<const KvSegment> past;
  HeadShape shape;
  int64_t first, tokens, stride;
  float* scratch;
  float* out;

  int64_t kv_offset(const KvSegment& segment, int64_t head) const {
    return head / (shape.heads / shape.kv_heads) * segment.head_stride;
  }
};

}  // namespace
}  // namespace hone::kernels
#endif  // HONE_KERNELS_ATTEND_QUERY_

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

// Scores of a segment's tokens [first, tokens); the unused lanes of their panels are written too.
struct Stretch {
  int64_t first, tokens;
};
HWY_INLINE void score(const float* query, const float* keys, Stretch stretch, int64_t dim, float* scores) {
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Lane16()));
  constexpr int64_t kMost = kLanes >= 16 ? 4 : 2;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  const int64_t panels = panel_tokens(stretch.tokens) / kKeyPanel, panel = dim * kKeyPanel;
  int64_t p = stretch.first / kKeyPanel;
  for (; p + kMost <= panels; p += kMost)
    score_panels<kMost>(query, keys + p * panel, dim, scale, scores + p * kKeyPanel);
  for (; p + 2 <= panels; p += 2) score_panels<2>(query, keys + p * panel, dim, scale, scores + p * kKeyPanel);
  if (p < panels) score_panels<1>(query, keys + p * panel, dim, scale, scores + p * kKeyPanel);
}

// e^(score − max) over one head's scores; returns their sum. Works on whole vectors: what lies beyond the last token
// counts as −∞.
HWY_INLINE float exp_scores(float* scores, int64_t tokens) {
  const Lane8 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), last = (tokens - 1) / lanes * lanes;
  const auto tail = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(tokens - last)), hn::LoadU(d, scores + last),
                                   hn::Set(d, -INFINITY));
  auto most = tail;
  for (int64_t t = 0; t < last; t += lanes) most = hn::Max(most, hn::LoadU(d, scores + t));
  const auto shift = hn::MaxOfLanes(d, most);
  auto sum = hn::Zero(d);
  for (int64_t t = 0; t < last; t += lanes) {
    const auto e = exp_of(d, hn::Sub(hn::LoadU(d, scores + t), shift));
    sum = hn::Add(sum, e);
    hn::StoreU(e, d, scores + t);
  }
  const auto e = exp_of(d, hn::Sub(tail, shift));
  hn::StoreU(e, d, scores + last);
  return sum_lanes(d, hn::Add(sum, e));
}

// out[at + …] = factor · Σ_t weight_t v_t for kVectors vectors of a head's dimensions, over all segments. Even and
// odd tokens (counted from the start of the sequence) are summed apart, to keep twice as many additions in flight.
template <class D, int64_t kVectors>
HWY_INLINE void mix(D d, const Query& query, int64_t head, int64_t at, float factor) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), dim = query.shape.head_dim;
  const float* weights = query.scratch + head * query.stride;
  hn::Vec<D> sum[2][kVectors];
  HONE_UNROLL
  for (int64_t v = 0; v < kVectors; ++v) sum[0][v] = sum[1][v] = hn::Zero(d);
  int64_t begin = 0;  // of the segment
  for (const KvSegment& segment : query.past) {
    const int64_t end = std::min(query.tokens, begin + segment.tokens);
    int64_t t = std::max(begin, query.first);
    const float* value = segment.values + query.kv_offset(segment, head) + at + (t - begin) * dim;
    const auto step = [&](hn::Vec<D>(&into)[kVectors]) HWY_ATTR {
      const auto weight = hn::Set(d, weights[t]);
      HONE_UNROLL
      for (int64_t v = 0; v < kVectors; ++v) into[v] = hn::MulAdd(weight, hn::LoadU(d, value + v * lanes), into[v]);
      ++t;
      value += dim;
    };
    if (t % 2 == 1 && t < end) step(sum[1]);
    while (t + 2 <= end) {
      step(sum[0]);
      step(sum[1]);
    }
    if (t < end) step(sum[0]);
    begin = end;
  }
  float* out = query.out + head * dim + at;
  HONE_UNROLL
  for (int64_t v = 0; v < kVectors; ++v)
    hn::StoreU(hn::Mul(hn::Add(sum[0][v], sum[1][v]), hn::Set(d, factor)), d, out + v * lanes);
}

HWY_INLINE void mix_head(const Query& query, int64_t head, float factor) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), dim = query.shape.head_dim;
  int64_t i = 0;
  for (; i + 4 * lanes <= dim; i += 4 * lanes) mix<Wide, 4>(d, query, head, i, factor);
  for (; i + 2 * lanes <= dim; i += 2 * lanes) mix<Wide, 2>(d, query, head, i, factor);
  for (; i + lanes <= dim; i += lanes) mix<Wide, 1>(d, query, head, i, factor);
  for (; i < dim; ++i) mix<hn::CappedTag<float, 1>, 1>({}, query, head, i, factor);
}

// Stage by stage over all heads: the heads' short chains of dependent operations then run side by side.
void attend_query(const Query& query) {
  const int64_t dim = query.shape.head_dim;
  for (int64_t h = 0; h < query.shape.heads; ++h) {
    int64_t t = 0;
    for (const KvSegment& segment : query.past) {
      // A following segment overwrites the unused lanes of this one's last panel.
      const int64_t visible = std::min(segment.tokens, query.tokens - t);
      if (t + visible > query.first)
        score(query.data + h * dim, segment.keys + query.kv_offset(segment, h),
              {std::max<int64_t>(0, query.first - t), visible}, dim, query.scratch + h * query.stride + t);
      t += visible;
    }
  }
  // Whole vectors that do not depend on where the window begins.
  const int64_t begin = query.first / kKeyPanel * kKeyPanel;
  constexpr int64_t kTogether = 16;
  float factors[kTogether];
  for (int64_t first = 0; first < query.shape.heads; first += kTogether) {
    const int64_t end = std::min(query.shape.heads, first + kTogether);
    for (int64_t h = first; h < end; ++h) {
      float* scores = query.scratch + h * query.stride;
      std::fill(scores + begin, scores + query.first, -INFINITY);
      factors[h - first] = 1.0f / exp_scores(scores + begin, query.tokens - begin);
    }
    for (int64_t h = first; h < end; ++h) mix_head(query, h, factors[h - first]);
  }
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
namespace {

HWY_EXPORT(attend_query);

void attend_query_reference(const Query& query) {
  const int64_t dim = query.shape.head_dim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  float* weights = query.scratch;
  for (int64_t h = 0; h < query.shape.heads; ++h) {
    const float* q = query.data + h * dim;
    int64_t t = 0;
    for (const KvSegment& segment : query.past) {
      const float* keys = segment.keys + query.kv_offset(segment, h);
      for (int64_t s = 0; s < segment.tokens && t < query.tokens; ++s, ++t) {
        const float* key = keys + s / kKeyPanel * kKeyPanel * dim + s % kKeyPanel;
        float dot = 0;
        for (int64_t i = 0; i < dim; ++i) dot += q[i] * key[i * kKeyPanel];
        weights[t] = dot * scale;
      }
    }
    const float most = *std::max_element(weights + query.first, weights + query.tokens);
    float sum = 0;
    for (t = query.first; t < query.tokens; ++t) sum += weights[t] = std::exp(weights[t] - most);
    float* out = query.out + h * dim;
    std::fill_n(out, dim, 0.0f);
    t = 0;
    for (const KvSegment& segment : query.past) {
      const float* value = segment.values + query.kv_offset(segment, h);
      for (int64_t s = 0; s < segment.tokens && t < query.tokens; ++s, ++t) {
        if (t < query.first) continue;
        for (int64_t i = 0; i < dim; ++i) out[i] += weights[t] / sum * value[s * dim + i];
      }
    }
  }
}

}  // namespace

void store_kv(const float* key, const float* value, const HeadShape& shape, const KvPlace& place) {
  const int64_t dim = shape.head_dim;
  for (int64_t h = 0; h < shape.kv_heads; ++h) {
    float* keys =
        place.keys + h * place.head_stride + place.token / kKeyPanel * kKeyPanel * dim + place.token % kKeyPanel;
    // Scores of a panel's unused lanes are computed and dropped; defined numbers keep them from being slow ones.
    if (place.token % kKeyPanel == 0) std::fill_n(keys, dim * kKeyPanel, 0.0f);
    for (int64_t i = 0; i < dim; ++i) keys[i * kKeyPanel] = key[h * dim + i];
    std::copy_n(value + h * dim, dim, place.values + h * place.head_stride + place.token * dim);
  }
}

void attend(const Queries& queries, std::span<const KvSegment> past, const HeadShape& shape, const AttendOut& out) {
  const bool fused = mode() == Mode::fused;
  int64_t tokens = 0;
  for (const KvSegment& segment : past) tokens += segment.tokens;
  const int64_t stride = attend_scratch({1, 1, 1}, tokens, static_cast<int64_t>(past.size()));
  for (int64_t i = 0; i < queries.count; ++i) {
    const int64_t seen = tokens - (queries.count - 1 - i);
    const Query query{.data = queries.data + i * queries.stride,
                      .past = past,
                      .shape = shape,
                      .first = queries.window > 0 ? std::max<int64_t>(0, seen - queries.window) : 0,
                      .tokens = seen,
                      .stride = stride,
                      .scratch = out.scratch,
                      .out = out.data + i * out.stride};
    if (fused)
      HWY_DYNAMIC_DISPATCH(attend_query)(query);
    else
      attend_query_reference(query);
  }
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
