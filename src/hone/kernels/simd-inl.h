// The SIMD vocabulary of the kernels, compiled once per CPU target. Include it after defining HWY_TARGET_INCLUDE; it
// brings in Highway. Private to kernels/*.cpp.
//
// Sums over lanes always run over 8 lanes (Lane8) and then in one fixed order, so that AVX2 and AVX-512 give the same
// bits; everything without such a sum may use the widest vectors.

// x86 CPUs without AVX2 and FMA take the scalar target; vectors of unknown size cannot be members of arrays.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#endif

#include <hwy/foreach_target.h>  // first: it includes the kernel's source again, once per target
#include <hwy/highway.h>

#include <cmath>
#include <cstdint>
#include <cstring>

// Loops over arrays of vectors must unroll, or the vectors live in memory.
#ifdef __clang__
#define HONE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define HONE_UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(HONE_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HONE_KERNELS_SIMD_INL_H_
#undef HONE_KERNELS_SIMD_INL_H_
#else
#define HONE_KERNELS_SIMD_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<float>;
using Lane8 = hn::CappedTag<float, 8>;

// n < Lanes(d) floats, `fill` in the lanes beyond.
template <class D>
HWY_INLINE hn::Vec<D> load_part(D d, const float* p, int64_t n, float fill) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const auto valid = hn::FirstN(d, static_cast<size_t>(n));
  return hn::IfThenElse(valid, hn::MaskedLoad(valid, d, p), hn::Set(d, fill));
#else  // elsewhere a masked load may touch the bytes beyond
  HWY_ALIGN float part[hn::MaxLanes(D())];
  for (size_t i = 0; i < hn::Lanes(d); ++i) part[i] = static_cast<int64_t>(i) < n ? p[i] : fill;
  return hn::Load(d, part);
#endif
}

template <class D>
HWY_INLINE void store_part(D d, hn::Vec<D> v, float* p, int64_t n) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else
  HWY_ALIGN float part[hn::MaxLanes(D())];
  hn::Store(v, d, part);
  std::memcpy(p, part, static_cast<size_t>(n) * sizeof(float));
#endif
}

// y[i] = f(x[i]) for i < n. `f` is a functor over vectors.
template <class D, class F>
HWY_INLINE void map(D d, const float* x, int64_t n, float* y, const F& f) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(d, hn::LoadU(d, x + i)), d, y + i);
  if (i < n) store_part(d, f(d, load_part(d, x + i, n - i, 0.0f)), y + i, n - i);
}

// e^x: x = n ln 2 + r, |r| ≤ ln 2 / 2, Cephes' polynomial for e^r, times 2^n in two steps so that the ends of the range
// neither overflow nor lose bits. At most 2 ulp; 0 below 2^-126 (denormals are slow), inf above the largest float,
// NaN for NaN.
template <class D>
HWY_INLINE hn::Vec<D> exp_of(D d, hn::Vec<D> x) {
  const hn::RebindToSigned<D> di;
  const auto lowest = hn::Set(d, -87.33654f);
  // Only n is held inside the range of exponents: r is made of x itself, so that NaN and inf come through.
  const auto clamped = hn::Min(hn::Set(d, 89.0f), hn::Max(lowest, x));
  const auto n = hn::Round(hn::Mul(clamped, hn::Set(d, 1.44269504088896341f)));
  auto r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  auto p = hn::Set(d, 1.9875691500e-4f);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1f));
  p = hn::Add(hn::MulAdd(hn::Mul(r, r), p, r), hn::Set(d, 1.0f));
  const auto whole = hn::ConvertTo(di, n);
  const auto half = hn::ShiftRight<1>(whole);
  const auto bias = hn::Set(di, 127);
  const auto scale1 = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(half, bias)));
  const auto scale2 = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::Sub(whole, half), bias)));
  return hn::IfThenZeroElse(hn::Lt(x, lowest), hn::Mul(hn::Mul(p, scale1), scale2));
}

// Σ over the lanes, in one order for every target with 8 of them.
HWY_INLINE float sum_lanes(Lane8 d, hn::Vec<Lane8> v) { return hn::GetLane(hn::SumOfLanes(d, v)); }

// max x[i]; -inf for n = 0.
HWY_INLINE float row_max(const float* x, int64_t n) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto best = hn::Set(d, -INFINITY);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) best = hn::Max(best, hn::LoadU(d, x + i));
  if (i < n) best = hn::Max(best, load_part(d, x + i, n - i, -INFINITY));
  return hn::GetLane(hn::MaxOfLanes(d, best));
}

// y[i] = e^(x[i] - shift), returns their sum. y may be x.
HWY_INLINE float row_exp_sum(const float* x, int64_t n, float shift, float* y) {
  const Lane8 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, shift);
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto e = exp_of(d, hn::Sub(hn::LoadU(d, x + i), by));
    sum = hn::Add(sum, e);
    hn::StoreU(e, d, y + i);
  }
  if (i < n) {
    const auto e = exp_of(d, hn::Sub(load_part(d, x + i, n - i, -INFINITY), by));
    sum = hn::Add(sum, e);
    store_part(d, e, y + i, n - i);
  }
  return sum_lanes(d, sum);
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HONE_KERNELS_SIMD_INL_H_
