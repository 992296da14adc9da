#include "hone/kernels/norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/norm.cpp"
#include "hone/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

// Σ (x[i] − shift)^power over a row, power 1 or 2. Two accumulators hide the latency of the additions.
template <int kPower>
HWY_INLINE float moment(const float* x, int64_t n, float shift) {
  const Lane8 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, shift);
  auto even = hn::Zero(d), odd = hn::Zero(d);
  const auto add = [&](hn::Vec<Lane8> sum, hn::Vec<Lane8> value) HWY_ATTR {
    const auto centred = hn::Sub(value, by);
    if constexpr (kPower == 1)
      return hn::Add(sum, centred);
    else
      return hn::MulAdd(centred, centred, sum);
  };
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    even = add(even, hn::LoadU(d, x + i));
    odd = add(odd, hn::LoadU(d, x + i + lanes));
  }
  for (; i + lanes <= n; i += lanes) even = add(even, hn::LoadU(d, x + i));
  if (i < n) odd = add(odd, load_part(d, x + i, n - i, shift));  // x − shift = 0 in the lanes beyond the row
  return sum_lanes(d, hn::Add(even, odd));
}

// y = (x − shift)·scale·weight + bias; bias may be null.
HWY_INLINE void rescale(const float* x, int64_t n, float shift, float scale, const NormWeights& norm, float* y) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, shift), times = hn::Set(d, scale);
  const auto scaled = [&](hn::Vec<Wide> v) HWY_ATTR { return hn::Mul(hn::Sub(v, by), times); };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bias = norm.bias ? hn::LoadU(d, norm.bias + i) : hn::Zero(d);
    hn::StoreU(hn::MulAdd(scaled(hn::LoadU(d, x + i)), hn::LoadU(d, norm.weight + i), bias), d, y + i);
  }
  if (i < n) {
    const auto bias = norm.bias ? load_part(d, norm.bias + i, n - i, 0.0f) : hn::Zero(d);
    const auto weight = load_part(d, norm.weight + i, n - i, 0.0f);
    store_part(d, hn::MulAdd(scaled(load_part(d, x + i, n - i, 0.0f)), weight, bias), y + i, n - i);
  }
}

void layer_norm_rows(const float* x, Rows rows, const NormWeights& norm, float* y) {
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r, x += n, y += n) {
    const float mean = moment<1>(x, n, 0.0f) / static_cast<float>(n);
    const float variance = moment<2>(x, n, mean) / static_cast<float>(n);
    rescale(x, n, mean, 1.0f / std::sqrt(variance + norm.eps), norm, y);
  }
}

void rms_norm_rows(const float* x, Rows rows, const NormWeights& norm, float* y) {
  const int64_t n = rows.width;
  const NormWeights scale_only{norm.weight, nullptr, norm.eps};
  for (int64_t r = 0; r < rows.count; ++r, x += n, y += n) {
    const float square = moment<2>(x, n, 0.0f) / static_cast<float>(n);
    rescale(x, n, 0.0f, 1.0f / std::sqrt(square + norm.eps), scale_only, y);
  }
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {

HWY_EXPORT(layer_norm_rows);
HWY_EXPORT(rms_norm_rows);

void layer_norm(const float* x, Rows rows, const NormWeights& norm, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(layer_norm_rows)(x, rows, norm, y);
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r, x += n, y += n) {
    float sum = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) sum += x[i];
    const float mean = sum / static_cast<float>(n);
    for (int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const float scale = 1.0f / std::sqrt(squares / static_cast<float>(n) + norm.eps);
    for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * scale * norm.weight[i] + norm.bias[i];
  }
}

void rms_norm(const float* x, Rows rows, const NormWeights& norm, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(rms_norm_rows)(x, rows, norm, y);
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r, x += n, y += n) {
    float squares = 0;
    for (int64_t i = 0; i < n; ++i) squares += x[i] * x[i];
    const float scale = 1.0f / std::sqrt(squares / static_cast<float>(n) + norm.eps);
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] * scale * norm.weight[i];
  }
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
