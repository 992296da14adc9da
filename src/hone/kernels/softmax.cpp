#include "hone/kernels/softmax.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/softmax.cpp"
#include "hone/kernels/simd-inl.h"

#include <algorithm>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

struct Scale {
  float by;
  HWY_INLINE hn::Vec<Wide> operator()(Wide d, hn::Vec<Wide> x) const { return hn::Mul(x, hn::Set(d, by)); }
};

float shifted_exp(const float* x, int64_t n, float shift, float* y) { return row_exp_sum(x, n, shift, y); }

float largest(const float* x, int64_t n) { return row_max(x, n); }

void scale(const float* x, int64_t n, float by, float* y) { map(Wide(), x, n, y, Scale{by}); }

// x·0 is 0 for finite x and NaN otherwise, and NaN survives every addition.
float sum_of_zeros(const float* x, int64_t n) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto zero = hn::Zero(d);
  auto sum = zero;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) sum = hn::MulAdd(hn::LoadU(d, x + i), zero, sum);
  if (i < n) sum = hn::MulAdd(load_part(d, x + i, n - i, 0.0f), zero, sum);
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
namespace {

HWY_EXPORT(shifted_exp);
HWY_EXPORT(largest);
HWY_EXPORT(scale);
HWY_EXPORT(sum_of_zeros);

float shifted_exp_reference(const float* x, int64_t n, float shift, float* y) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += y[i] = std::exp(x[i] - shift);
  return sum;
}

// e^(x − max) in y, their sum in `sum`; returns log Σ e^x.
float normaliser(const float* x, int64_t n, float* y, float& sum) {
  const bool fused = mode() == Mode::fused;
  const float shift = fused ? HWY_DYNAMIC_DISPATCH(largest)(x, n) : *std::max_element(x, x + n);
  sum = fused ? HWY_DYNAMIC_DISPATCH(shifted_exp)(x, n, shift, y) : shifted_exp_reference(x, n, shift, y);
  // In double: the logarithms of C libraries agree once rounded to float.
  return static_cast<float>(static_cast<double>(shift) + std::log(static_cast<double>(sum)));
}

}  // namespace

float log_sum_exp(const float* x, int64_t n, float* scratch) {
  float sum = 0;
  return normaliser(x, n, scratch, sum);
}

float softmax(const float* x, int64_t n, float* y) {
  float sum = 0;
  const float lse = normaliser(x, n, y, sum);
  if (mode() == Mode::fused)
    HWY_DYNAMIC_DISPATCH(scale)(y, n, 1.0f / sum, y);
  else
    for (int64_t i = 0; i < n; ++i) y[i] /= sum;
  return lse;
}

bool all_finite(const float* x, int64_t n) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(sum_of_zeros)(x, n) == 0.0f;
  return std::all_of(x, x + n, [](float v) { return std::isfinite(v); });
}

int64_t argmax(const float* x, int64_t n) {
  if (mode() == Mode::reference) return std::max_element(x, x + n) - x;
  return std::find(x, x + n, HWY_DYNAMIC_DISPATCH(largest)(x, n)) - x;
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
