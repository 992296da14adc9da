// The backward pass of attention.h.
#include "hone/kernels/attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/attention_backward.cpp"
#include "hone/kernels/simd-inl.h"

#include "hone/kernels/attention-inl.h"

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

// Keys that a block of queries works on at once: its weights and their gradients stay in the L1 cache.
constexpr int64_t kKeyBlock = 64;
constexpr int64_t kTiles = kBlockRows / kTileRows;

// One head of keys and values, packed, and the gradients that its group of query heads adds up; one block of queries.
struct Workspace {
  float *key_panels, *value_panels;  // [padded / kUnit][width][kUnit]
  float *keys, *dkeys, *dvalues;     // [padded, width]
  float *queries, *dout, *dqueries;  // [kBlockRows, width]
  float *weights, *dscores;          // [kBlockRows, kKeyBlock]
  int64_t width, padded;
  float lse[kBlockRows], delta[kBlockRows];  // delta = Σ dy∘y

  Workspace(float* scratch, int64_t tokens, int64_t dim)
      : width(detail::round_up(dim, kUnit)), padded(detail::round_up(tokens, kBlockRows)) {
    for (float** part : {&key_panels, &value_panels, &keys, &dkeys, &dvalues}) {
      *part = scratch;
      scratch += padded * width;
    }
    for (float** part : {&queries, &dout, &dqueries}) {
      *part = scratch;
      scratch += kBlockRows * width;
    }
    weights = scratch;
    dscores = scratch + kBlockRows * kKeyBlock;
  }
  static int64_t size(int64_t tokens, int64_t dim) {
    const int64_t padded = detail::round_up(tokens, kBlockRows);
    return (5 * padded + 3 * kBlockRows) * detail::round_up(dim, kUnit) + 2 * kBlockRows * kKeyBlock;
  }
};

// Σ_i a_i b_i.
HWY_INLINE float dot(const float* a, const float* b, int64_t n) {
  const Unit d;
  hn::Vec<Unit> sum[kParts];
  HONE_UNROLL
  for (int64_t p = 0; p < kParts; ++p) sum[p] = hn::Zero(d);
  for (int64_t i = 0; i < n; i += kUnit) {
    HONE_UNROLL
    for (int64_t p = 0; p < kParts; ++p) {
      const int64_t at = i + p * kLanes;
      if (at + kLanes <= n)
        sum[p] = hn::MulAdd(hn::LoadU(d, a + at), hn::LoadU(d, b + at), sum[p]);
      else if (at < n)
        sum[p] = hn::MulAdd(load_part(d, a + at, n - at, 0.0f), load_part(d, b + at, n - at, 0.0f), sum[p]);
    }
  }
  return sum_unit(sum);
}

// One row of scores and of dy·v in whole vectors of `columns`: they become the weights e^(score − lse) and the
// gradients weight·(dy·v − delta) of the scores, both 0 outside `seen`.
HWY_INLINE void differentiate(Workspace& w, int64_t row, KeyRange columns, KeyRange seen) {
  const Unit d;
  float *weights = w.weights + row * kKeyBlock, *dscores = w.dscores + row * kKeyBlock;
  const auto lse = hn::Set(d, w.lse[row]), delta = hn::Set(d, w.delta[row]);
  for (int64_t j = columns.from; j < columns.to; j += kLanes) {
    auto weight = exp_of(d, hn::Sub(hn::LoadU(d, weights + j), lse));
    auto dscore = hn::Mul(weight, hn::Sub(hn::LoadU(d, dscores + j), delta));
    if (j < seen.from || j + kLanes > seen.to) {
      const auto keep = inside(seen.from - j, seen.to - j);
      weight = hn::IfThenElseZero(keep, weight);
      dscore = hn::IfThenElseZero(keep, dscore);
    }
    hn::StoreU(weight, d, weights + j);
    hn::StoreU(dscore, d, dscores + j);
  }
}

// The block of queries that begins at `row` with a block of keys, which begins at a multiple of kUnit: weights,
// gradients of scores, and dQ += dS K.
HWY_INLINE void query_tiles(Workspace& w, const Ranges& ranges, int64_t row, KeyRange block) {
  const int64_t width = w.width;
  for (int64_t first = 0; first < kBlockRows; first += kTileRows) {
    float *weights = w.weights + first * kKeyBlock, *dscores = w.dscores + first * kKeyBlock;
    const KeyRange all = detail::seen_by(ranges, row + first, kTileRows);
    const KeyRange seen{std::max(all.from, block.from) - block.from, std::min(all.to, block.to) - block.from};
    if (seen.empty()) continue;
    const KeyRange used{seen.from / kUnit * kUnit, detail::round_up(seen.to, kUnit)};
    const int64_t panel = (block.from + used.from) * width;
    const Extent scores{width, (used.to - used.from) / kUnit};
    multiply<Into::store>({w.queries + first * width, width, 1}, {w.key_panels + panel, kUnit, kUnit * width}, scores,
                          {weights + used.from, kKeyBlock});
    multiply<Into::store>({w.dout + first * width, width, 1}, {w.value_panels + panel, kUnit, kUnit * width}, scores,
                          {dscores + used.from, kKeyBlock});
    for (int64_t r = first; r < first + kTileRows; ++r) {
      const auto at = static_cast<std::size_t>(row + r);
      differentiate(w, r, used, {ranges.first[at] - block.from, ranges.end[at] - block.from});
    }
    multiply<Into::add>({dscores + seen.from, kKeyBlock, 1}, {w.keys + (block.from + seen.from) * width, width, kUnit},
                        {seen.to - seen.from, width / kUnit}, {w.dqueries + first * width, width});
  }
}

// dV += Pᵀ dY and dK += dSᵀ Q for a block of keys. The tiles which see a key follow each other, and each has written
// its weights for the whole unit the key is in.
HWY_INLINE void key_tiles(Workspace& w, const Ranges& ranges, int64_t row, KeyRange block) {
  const int64_t width = w.width;
  KeyRange seen[kTiles];
  for (int64_t t = 0; t < kTiles; ++t) seen[t] = detail::seen_by(ranges, row + t * kTileRows, kTileRows);
  for (int64_t key = block.from; key < block.to; key += kTileRows) {
    int64_t first = 0, end = kTiles;  // tiles of queries that see any of these keys
    const auto blind = [&](int64_t t) { return seen[t].from >= key + kTileRows || seen[t].to <= key; };
    while (first < end && blind(first)) ++first;
    while (first < end && blind(end - 1)) --end;
    if (first == end) continue;
    const int64_t skip = first * kTileRows, at = skip * kKeyBlock + key - block.from;
    const Extent extent{(end - first) * kTileRows, width / kUnit};
    multiply<Into::add>({w.weights + at, 1, kKeyBlock}, {w.dout + skip * width, width, kUnit}, extent,
                        {w.dvalues + key * width, width});
    multiply<Into::add>({w.dscores + at, 1, kKeyBlock}, {w.queries + skip * width, width, kUnit}, extent,
                        {w.dkeys + key * width, width});
  }
}

// factor · from, turned back where cos is given, to the head's place in dqkv; zeros at padding.
HWY_INLINE void write_rows(const HeadRows& place, const float* from, KeyRange rows, float* dqkv) {
  const Unit d;
  const int64_t dim = place.sequence.shape.head_dim, width = detail::round_up(dim, kUnit), half = dim / 2;
  const auto factor = hn::Set(d, place.factor);
  const int64_t turned = place.cos ? half : 0;
  for (int64_t t = rows.from; t < rows.to; ++t, from += width) {
    float* to = dqkv + t * place.stride;
    if (!place.present(t)) {
      std::fill_n(to, dim, 0.0f);
      continue;
    }
    const float *cos = place.cos + t * turned, *sin = place.sequence.sin + t * turned;
    for (int64_t i = 0; i < turned; i += kLanes) {
      const int64_t n = std::min(kLanes, turned - i);
      const auto c = load_part(d, cos + i, n, 0.0f), s = load_part(d, sin + i, n, 0.0f);
      const auto a = hn::Mul(factor, hn::LoadU(d, from + i));
      const auto b = hn::Mul(factor, load_part(d, from + half + i, n, 0.0f));
      store_part(d, hn::MulAdd(b, s, hn::Mul(a, c)), to + i, n);
      store_part(d, hn::NegMulAdd(a, s, hn::Mul(b, c)), to + half + i, n);
    }
    for (int64_t i = place.cos ? dim : 0; i < dim; i += kLanes) {
      const auto v = hn::Mul(factor, hn::LoadU(d, from + i));
      if (i + kLanes <= dim)
        hn::StoreU(v, d, to + i);
      else
        store_part(d, v, to + i, dim - i);
    }
  }
}

// The block of queries that begins at `row` with the keys it sees of the ranges.
HWY_INLINE void key_blocks(Workspace& w, const Ranges& ranges, int64_t row) {
  const KeyRange all = detail::seen_by(ranges, row, kBlockRows);
  for (int64_t block = all.from / kKeyBlock * kKeyBlock; block < all.to; block += kKeyBlock) {
    const KeyRange keys{std::max(block, all.from / kUnit * kUnit), std::min(block + kKeyBlock, all.to)};
    query_tiles(w, ranges, row, keys);
    key_tiles(w, ranges, row, keys);
  }
}

// One query head: what it reads, each row at its matrix's stride, and where its gradient goes.
struct QueryHead {
  HeadRows q, dy;
  const float *y, *lse;
  float* dqkv;
};

// False where a query or its dy is not finite.
HWY_INLINE bool query_head(Workspace& w, const Visible& visible, const QueryHead& head) {
  const AttentionSequence& s = head.q.sequence;
  for (int64_t row = 0; row < s.tokens; row += kBlockRows) {
    if (!pack_rows(head.q, row, kBlockRows, w.queries) || !pack_rows(head.dy, row, kBlockRows, w.dout)) return false;
    for (int64_t r = 0; r < kBlockRows; ++r) {
      const int64_t t = row + r, at = t * head.dy.stride;
      const bool present = head.q.present(t);
      w.lse[r] = present ? head.lse[t] : 0.0f;
      w.delta[r] = present ? dot(head.dy.data + at, head.y + at, s.shape.head_dim) : 0.0f;
    }
    std::fill_n(w.dqueries, kBlockRows * w.width, 0.0f);
    if (!visible.shared.end.empty()) key_blocks(w, visible.shared, row);
    key_blocks(w, visible.own, row);
    write_rows(head.q, w.dqueries, {row, std::min(row + kBlockRows, s.tokens)}, head.dqkv);
  }
  return true;
}

// False where a value is not finite: 0 · NaN would reach gradients of what is not seen.
bool backward(const AttentionSequence& s, const Visible& visible, const AttentionSaved& saved,
              const AttentionGrad& grad) {
  const auto [heads, kv_heads, dim] = s.shape;
  const int64_t stride = s.qkv_width(), group = heads / kv_heads;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  Workspace w(grad.scratch, s.tokens, dim);
  for (int64_t kv = 0; kv < kv_heads; ++kv) {
    const int64_t key_at = (heads + kv) * dim, value_at = key_at + kv_heads * dim;
    const HeadRows k{s, saved.qkv + key_at, stride, s.cos, 1}, v{s, saved.qkv + value_at, stride, nullptr, 1};
    pack_rows(v, 0, w.padded, w.dvalues);  // values are needed in panels only: their gradient's place is borrowed
    transpose_rows(w.dvalues, w.padded, w.width, w.value_panels);
    if (!pack_rows(k, 0, w.padded, w.keys)) return false;
    transpose_rows(w.keys, w.padded, w.width, w.key_panels);
    std::fill_n(w.dkeys, w.padded * w.width, 0.0f);
    std::fill_n(w.dvalues, w.padded * w.width, 0.0f);
    for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
      const QueryHead head{{s, saved.qkv + h * dim, stride, s.cos, scale},
                           {s, saved.dy + h * dim, s.out_width(), nullptr, 1},
                           saved.y + h * dim,
                           saved.lse + h * s.tokens,
                           grad.dqkv + h * dim};
      if (!query_head(w, visible, head)) return false;
    }
    write_rows(k, w.dkeys, {0, s.tokens}, grad.dqkv + key_at);
    write_rows(v, w.dvalues, {0, s.tokens}, grad.dqkv + value_at);
  }
  return true;
}

int64_t backward_scratch(int64_t tokens, int64_t dim) { return Workspace::size(tokens, dim); }

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
namespace {

HWY_EXPORT(backward);
HWY_EXPORT(backward_scratch);

// The gradient of one head's rows, added up in double.
struct HeadGradient {
  const AttentionSequence& s;
  int64_t head;  // counted through queries, keys and values
  std::vector<double> rows;

  HeadGradient(const AttentionSequence& sequence, int64_t of)
      : s(sequence), head(of), rows(static_cast<std::size_t>(s.tokens * s.shape.head_dim), 0.0) {}
  double& at(int64_t t, int64_t i) { return rows[static_cast<std::size_t>(t * s.shape.head_dim + i)]; }

  // Turned back where the head is rotated.
  void write(float* dqkv) {
    const int64_t d = s.shape.head_dim;
    const bool rotated = s.cos && head < s.shape.heads + s.shape.kv_heads;
    for (int64_t t = 0; t < s.tokens; ++t) {
      for (int64_t i = 0; rotated && i < d / 2; ++i) {
        const double a = at(t, i), b = at(t, i + d / 2), cos = s.cos[t * (d / 2) + i], sin = s.sin[t * (d / 2) + i];
        at(t, i) = a * cos + b * sin;
        at(t, i + d / 2) = b * cos - a * sin;
      }
      for (int64_t i = 0; i < d; ++i) dqkv[t * s.qkv_width() + head * d + i] = static_cast<float>(at(t, i));
    }
  }
};

// A query head with its keys and values, and the gradients that its queries add to.
struct PlainHead {
  const AttentionSequence& s;
  detail::HeadPair qk;
  const std::vector<double>& values;
  HeadGradient &dq, &dk, &dv;

  // What query t, whose dy is [d], passes on.
  void add_row(int64_t t, const float* dy) {
    const int64_t d = s.shape.head_dim;
    const double scale = 1.0 / std::sqrt(static_cast<double>(d));
    std::vector<double> weights, dweights(static_cast<std::size_t>(s.tokens), 0.0);
    detail::softmax_row(s, qk, t, weights);
    double delta = 0;
    for (int64_t j = 0; j < s.tokens; ++j) {
      if (!detail::sees(s.mask, t, j)) continue;
      double& dweight = dweights[static_cast<std::size_t>(j)];
      for (int64_t i = 0; i < d; ++i) dweight += dy[i] * values[static_cast<std::size_t>(j * d + i)];
      delta += weights[static_cast<std::size_t>(j)] * dweight;
    }
    for (int64_t j = 0; j < s.tokens; ++j) {
      if (!detail::sees(s.mask, t, j)) continue;
      const double weight = weights[static_cast<std::size_t>(j)];
      const double dscore = scale * weight * (dweights[static_cast<std::size_t>(j)] - delta);
      for (int64_t i = 0; i < d; ++i) {
        dq.at(t, i) += dscore * qk.k[static_cast<std::size_t>(j * d + i)];
        dk.at(j, i) += dscore * qk.q[static_cast<std::size_t>(t * d + i)];
        dv.at(j, i) += weight * dy[i];
      }
    }
  }
};

void backward_reference(const AttentionSequence& s, const AttentionSaved& saved, float* dqkv) {
  const auto [heads, kv_heads, d] = s.shape;
  for (int64_t kv = 0; kv < kv_heads; ++kv) {
    HeadGradient dk(s, heads + kv), dv(s, heads + kv_heads + kv);
    const auto keys = detail::head_rows(s, saved.qkv, dk.head), values = detail::head_rows(s, saved.qkv, dv.head);
    for (int64_t h = kv * (heads / kv_heads); h < (kv + 1) * (heads / kv_heads); ++h) {
      HeadGradient dq(s, h);
      PlainHead head{s, {detail::head_rows(s, saved.qkv, h), keys}, values, dq, dk, dv};
      for (int64_t t = 0; t < s.tokens; ++t) head.add_row(t, saved.dy + t * s.out_width() + h * d);
      dq.write(dqkv);
    }
    dk.write(dqkv);
    dv.write(dqkv);
  }
}

}  // namespace

void attention_backward(const AttentionSequence& sequence, const AttentionSaved& saved, const AttentionGrad& grad) {
  if (mode() == Mode::fused) {
    const detail::Visible visible = detail::visible_keys(sequence);
    if (visible.ranges && HWY_DYNAMIC_DISPATCH(backward)(sequence, visible, saved, grad)) return;
  }
  backward_reference(sequence, saved, grad.dqkv);
}

int64_t attention_backward_scratch(const AttentionSequence& sequence) {
  return HWY_DYNAMIC_DISPATCH(backward_scratch)(sequence.tokens, sequence.shape.head_dim);
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
