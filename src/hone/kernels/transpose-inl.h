// Transposes small blocks of floats. Private to kernels/*.cpp; include it after simd-inl.h.

#if defined(HONE_KERNELS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HONE_KERNELS_TRANSPOSE_INL_H_
#undef HONE_KERNELS_TRANSPOSE_INL_H_
#else
#define HONE_KERNELS_TRANSPOSE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

// to[m·to_step + n] = from[n·from_step + m] for m, n < 4.
HWY_INLINE void transpose4(const float* from, int64_t from_step, float* to, int64_t to_step) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t m = 0; m < 4; ++m)
    for (int64_t n = 0; n < 4; ++n) to[m * to_step + n] = from[n * from_step + m];
#else
  const hn::CappedTag<float, 4> d;
  const hn::Repartition<uint64_t, decltype(d)> pairs;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_step);
  const auto r2 = hn::LoadU(d, from + 2 * from_step), r3 = hn::LoadU(d, from + 3 * from_step);
  const auto a = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
  const auto b = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
  const auto e = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
  const auto f = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, a, e)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, a, e)), d, to + to_step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, b, f)), d, to + 2 * to_step);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, b, f)), d, to + 3 * to_step);
#endif
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HONE_KERNELS_TRANSPOSE_INL_H_
