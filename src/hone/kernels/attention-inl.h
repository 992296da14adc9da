// What the forward and the backward pass of attention share: packing of heads. Private to attention*.cpp; include it
// after simd-inl.h.

#include "hone/kernels/attention_plan.h"
#include "hone/kernels/product-inl.h"
#include "hone/kernels/transpose-inl.h"

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
using detail::Ranges;
using detail::Visible;

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
      for (int64_t r = 0; r < kUnit; r += 4) transpose4(rows + r * width + i, width, panels + i * kUnit + r, kUnit);
    }
  }
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HONE_KERNELS_ATTENTION_INL_H_
