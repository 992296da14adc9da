// What the forward and the backward pass of attention share: which keys a query sees, packing of heads, and the
// register-tiled product both are made of. Private to attention*.cpp; include it after simd-inl.h.

#include "hone/kernels/attention.h"

#include <algorithm>
#include <vector>

#ifndef HONE_KERNELS_ATTENTION_PLAN_  // once; what follows is compiled once per CPU target
#define HONE_KERNELS_ATTENTION_PLAN_
namespace hone::kernels::detail {

/// Columns of a panel of keys and of a tile's unit: whole vectors on every CPU. Widths are padded to it with zeros.
inline constexpr int64_t kUnit = 16;
/// Rows of queries and of keys are padded to this: a block of queries in the backward pass.
inline constexpr int64_t kBlockRows = 32;

inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/// Query i sees exactly the keys [first[i], end[i]): none where first = end. Padded with such rows to kBlockRows.
struct Visible {
  std::vector<int32_t> first, end;
  bool ranges = true;  ///< false where segments come back, so that what a query sees has holes
};

Visible visible_keys(const AttentionSequence& sequence);

/// The definition, for the plain loops, which compute in double.
bool sees(const AttentionMask& mask, int64_t query, int64_t key);

/// Rows of one head of qkv, counted through queries, keys and values: [T, d], queries and keys rotated.
std::vector<double> head_rows(const AttentionSequence& sequence, const float* qkv, int64_t head);

struct HeadPair {
  std::vector<double> q, k;
};

/// Query t's weights over all T keys, 0 where it does not see; returns the log-sum-exp, 0 where it sees
/// nothing.
double softmax_row(const AttentionSequence& sequence, const HeadPair& head, int64_t t, std::vector<double>& weights);

/// Keys [from, to).
struct KeyRange {
  int64_t from = 0, to = 0;
  bool empty() const { return from >= to; }
};

/// Everything that rows [row, row + count) see.
inline KeyRange seen_by(const Visible& visible, int64_t row, int64_t count) {
  KeyRange all{INT32_MAX, 0};
  for (int64_t i = row; i < row + count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (visible.first[at] == visible.end[at]) continue;
    all.from = std::min<int64_t>(all.from, visible.first[at]);
    all.to = std::max<int64_t>(all.to, visible.end[at]);
  }
  return all;
}

}  // namespace hone::kernels::detail
#endif  // HONE_KERNELS_ATTENTION_PLAN_

#if defined(HONE_KERNELS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HONE_KERNELS_ATTENTION_INL_H_
#undef HONE_KERNELS_ATTENTION_INL_H_
#else
#define HONE_KERNELS_ATTENTION_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

using detail::kBlockRows;
using detail::KeyRange;
using detail::kUnit;
using detail::Visible;

using Unit = hn::CappedTag<float, kUnit>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Unit()));
constexpr int64_t kParts = kUnit / kLanes;  // vectors of a unit
// Accumulators of a tile: 8 rows of 2 vectors with 32 registers, 4 rows of 2 vectors with 16.
constexpr int64_t kTileRows = kLanes >= 16 ? 8 : 4;
constexpr int64_t kTileUnits = kLanes >= 16 ? 2 : 1;

// Element (r, k) of a left factor lies at data + r·row + k·depth, so that a transpose is read in place.
struct Left {
  const float* data;
  int64_t row, depth;
};

// Unit u of row k of a right factor lies at data + k·depth + u·unit: row-major, or a row of panels.
struct Right {
  const float* data;
  int64_t depth, unit;
};

// Row r of a product lies at data + r·row.
struct Product {
  float* data;
  int64_t row;
};

// Terms of every sum, and units of columns.
struct Extent {
  int64_t depth, units;
};

enum class Into { store, add };

// kTileRows rows times kUnits units: every sum is one chain of fused multiply-adds over ascending k, from 0 or from
// what stood in the product.
template <int64_t kUnits, Into kInto>
HWY_NOINLINE void multiply_tile(const Left& a, const Right& b, int64_t depth, const Product& c) {
  const Unit d;
  constexpr int64_t kVectors = kUnits * kParts;
  hn::Vec<Unit> sum[kTileRows][kVectors];
  HONE_UNROLL
  for (int64_t r = 0; r < kTileRows; ++r) {
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v)
      sum[r][v] = kInto == Into::add ? hn::LoadU(d, c.data + r * c.row + v * kLanes) : hn::Zero(d);
  }
  const float* left = a.data;
  const float* right = b.data;
  const int64_t left_row = a.row, left_step = a.depth, right_step = b.depth, right_unit = b.unit;
  for (int64_t k = 0; k < depth; ++k) {
    hn::Vec<Unit> row[kVectors];
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) row[v] = hn::LoadU(d, right + v / kParts * right_unit + v % kParts * kLanes);
    HONE_UNROLL
    for (int64_t r = 0; r < kTileRows; ++r) {
      const auto value = hn::Set(d, left[r * left_row]);
      HONE_UNROLL
      for (int64_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(value, row[v], sum[r][v]);
    }
    left += left_step;
    right += right_step;
  }
  HONE_UNROLL
  for (int64_t r = 0; r < kTileRows; ++r) {
    HONE_UNROLL
    for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(sum[r][v], d, c.data + r * c.row + v * kLanes);
  }
}

template <Into kInto>
HWY_INLINE void multiply(const Left& a, const Right& b, const Extent& extent, const Product& c) {
  int64_t u = 0;
  for (; u + kTileUnits <= extent.units; u += kTileUnits)
    multiply_tile<kTileUnits, kInto>(a, {b.data + u * b.unit, b.depth, b.unit}, extent.depth,
                                     {c.data + u * kUnit, c.row});
  for (; u < extent.units; ++u)
    multiply_tile<1, kInto>(a, {b.data + u * b.unit, b.depth, b.unit}, extent.depth, {c.data + u * kUnit, c.row});
}

// Σ over kUnit lanes in one order for all targets.
HWY_INLINE float sum_unit(const hn::Vec<Unit> (&parts)[kParts]) {
  HWY_ALIGN float all[kUnit];
  HONE_UNROLL
  for (int64_t p = 0; p < kParts; ++p) hn::Store(parts[p], Unit(), all + p * kLanes);
  const Lane8 d;
  auto sum = hn::Add(hn::Load(d, all), hn::Load(d, all + 8));
  for (size_t i = hn::Lanes(d); i < 8; i += hn::Lanes(d))
    sum = hn::Add(sum, hn::Add(hn::Load(d, all + i), hn::Load(d, all + 8 + i)));
  return sum_lanes(d, sum);
}

// Lanes whose column j + lane lies in [first, end).
HWY_INLINE hn::Mask<Unit> inside(int64_t first, int64_t end) {
  const Unit d;
  const auto lane = hn::Iota(d, 0.0f);
  return hn::And(hn::Ge(lane, hn::Set(d, static_cast<float>(first))),
                 hn::Lt(lane, hn::Set(d, static_cast<float>(end))));
}

// One head of a [T, …] matrix: row t at data + t·stride.
struct HeadRows {
  const AttentionSequence& sequence;
  const float* data;
  int64_t stride;
  const float* cos;  // nullptr = not rotated
  float factor;      // multiplies what is copied

  bool present(int64_t t) const {
    return t < sequence.tokens && (!sequence.mask.segments || sequence.mask.segments[t] >= 0);
  }
};

// One row, rotated and multiplied: y may not be x. Returns `zeros` plus x·0, NaN where x is not finite.
HWY_INLINE hn::Vec<Wide> copy_row(const HeadRows& from, int64_t t, float* y, hn::Vec<Wide> zeros) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), dim = from.sequence.shape.head_dim;
  const float* x = from.data + t * from.stride;
  const auto factor = hn::Set(d, from.factor), zero = hn::Zero(d);
  if (!from.cos) {
    for (int64_t i = 0; i < dim; i += lanes) {
      const int64_t n = std::min(lanes, dim - i);
      const auto v = n == lanes ? hn::LoadU(d, x + i) : load_part(d, x + i, n, 0.0f);
      zeros = hn::MulAdd(v, zero, zeros);
      n == lanes ? hn::StoreU(hn::Mul(v, factor), d, y + i) : store_part(d, hn::Mul(v, factor), y + i, n);
    }
    return zeros;
  }
  const int64_t half = dim / 2;
  const float *cos = from.cos + t * half, *sin = from.sequence.sin + t * half;
  for (int64_t i = 0; i < half; i += lanes) {
    const int64_t n = std::min(lanes, half - i);
    const bool whole = n == lanes;
    const auto a = hn::Mul(factor, whole ? hn::LoadU(d, x + i) : load_part(d, x + i, n, 0.0f));
    const auto b = hn::Mul(factor, whole ? hn::LoadU(d, x + half + i) : load_part(d, x + half + i, n, 0.0f));
    const auto c = whole ? hn::LoadU(d, cos + i) : load_part(d, cos + i, n, 0.0f);
    const auto s = whole ? hn::LoadU(d, sin + i) : load_part(d, sin + i, n, 0.0f);
    const auto lower = hn::NegMulAdd(b, s, hn::Mul(a, c)), upper = hn::MulAdd(a, s, hn::Mul(b, c));
    zeros = hn::MulAdd(lower, zero, hn::MulAdd(upper, zero, zeros));
    if (whole) {
      hn::StoreU(lower, d, y + i);
      hn::StoreU(upper, d, y + half + i);
    } else {
      store_part(d, lower, y + i, n);
      store_part(d, upper, y + half + i, n);
    }
  }
  return zeros;
}

// Rows [begin, begin + count) to y [count, width]; padding, the rows beyond the last token and the columns beyond the
// head become zeros. False where something is not finite.
HWY_INLINE bool pack_rows(const HeadRows& from, int64_t begin, int64_t count, float* y) {
  const Wide d;
  const int64_t dim = from.sequence.shape.head_dim, width = detail::round_up(dim, kUnit);
  auto zeros = hn::Zero(d);
  for (int64_t r = 0; r < count; ++r, y += width) {
    const bool present = from.present(begin + r);
    if (present) zeros = copy_row(from, begin + r, y, zeros);
    if (!present || width > dim) std::fill(y + (present ? dim : 0), y + width, 0.0f);
  }
  return hn::GetLane(hn::SumOfLanes(d, zeros)) == 0.0f;
}

// rows [count, width] → panels [count / kUnit][width][kUnit].
HWY_INLINE void transpose_rows(const float* rows, int64_t count, int64_t width, float* panels) {
  for (int64_t t = 0; t < count; t += kUnit, rows += kUnit * width, panels += kUnit * width) {
    for (int64_t i = 0; i < width; i += 4) {
      for (int64_t r = 0; r < kUnit; r += 4) {
        const float* from = rows + r * width + i;
        float* to = panels + i * kUnit + r;
#if HWY_TARGET == HWY_SCALAR
        for (int64_t m = 0; m < 4; ++m)
          for (int64_t n = 0; n < 4; ++n) to[m * kUnit + n] = from[n * width + m];
#else
        const hn::CappedTag<float, 4> d;
        const hn::Repartition<uint64_t, decltype(d)> pairs;
        const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + width);
        const auto r2 = hn::LoadU(d, from + 2 * width), r3 = hn::LoadU(d, from + 3 * width);
        const auto a = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
        const auto b = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
        const auto e = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
        const auto f = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, a, e)), d, to);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, a, e)), d, to + kUnit);
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, b, f)), d, to + 2 * kUnit);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, b, f)), d, to + 3 * kUnit);
#endif
      }
    }
  }
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HONE_KERNELS_ATTENTION_INL_H_
