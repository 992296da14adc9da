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

// Σ e^(x[i]·scale − shift).
float scaled_exp_sum(const float* x, int64_t n, float scale, float shift) {
  const Lane8 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, shift), times = hn::Set(d, scale);
  auto even = hn::Zero(d), odd = hn::Zero(d);
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    even = hn::Add(even, exp_of(d, hn::MulSub(hn::LoadU(d, x + i), times, by)));
    odd = hn::Add(odd, exp_of(d, hn::MulSub(hn::LoadU(d, x + i + lanes), times, by)));
  }
  for (; i < n; i += lanes) {
    const int64_t rest = std::min(lanes, n - i);
    const auto v = rest == lanes ? hn::LoadU(d, x + i) : load_part(d, x + i, rest, -INFINITY);
    even = hn::Add(even, exp_of(d, hn::MulSub(v, times, by)));
  }
  return sum_lanes(d, hn::Add(even, odd));
}

// −factor · e^(x·scale − shift)
struct SoftmaxGradient {
  float scale, shift, factor;
  HWY_INLINE hn::Vec<Wide> operator()(Wide d, hn::Vec<Wide> x) const {
    const auto p = exp_of(d, hn::MulSub(x, hn::Set(d, scale), hn::Set(d, shift)));
    return hn::Mul(p, hn::Set(d, -factor));
  }
};

void softmax_gradient_row(float* x, int64_t n, float scale, float shift, float factor) {
  map(Wide(), x, n, x, SoftmaxGradient{scale, shift, factor});
}

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
HWY_EXPORT(scaled_exp_sum);
HWY_EXPORT(softmax_gradient_row);
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

void softmax_gradient_reference(float* x, int64_t n, float scale, float shift, float factor) {
  for (int64_t i = 0; i < n; ++i) x[i] = -factor * std::exp(x[i] * scale - shift);
}

}  // namespace

void fold_logits(const LogitTile& tile, const int64_t* targets, LogitSums* sums) {
  const bool fused = mode() == Mode::fused;
  const int64_t n = tile.columns;
  for (int64_t r = 0; r < tile.rows; ++r) {
    const float* x = tile.logits + r * n;
    LogitSums& s = sums[r];
    const int64_t column = targets[r] - tile.first;
    if (column >= 0 && column < n) s.chosen = x[column] * tile.scale;
    const float largest_logit = fused ? HWY_DYNAMIC_DISPATCH(largest)(x, n) : *std::max_element(x, x + n);
    const float most = std::max(s.most, largest_logit * tile.scale);
    if (most == -INFINITY) continue;  // nothing but −inf so far: adds nothing
    double sum = 0;
    if (fused)
      sum = HWY_DYNAMIC_DISPATCH(scaled_exp_sum)(x, n, tile.scale, most);
    else
      for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] * tile.scale - most);
    s.sum = s.sum * std::exp(static_cast<double>(s.most) - most) + sum;
    s.most = most;
  }
}

void logit_gradient(const LogitTile& tile, const int64_t* targets, const float* lse, const float* dlogp) {
  const bool fused = mode() == Mode::fused;
  const int64_t n = tile.columns;
  for (int64_t r = 0; r < tile.rows; ++r) {
    float* x = tile.logits + r * n;
    const float factor = dlogp[r] * tile.scale;
    if (dlogp[r] == 0) {
      std::fill_n(x, n, 0.0f);
      continue;
    }
    if (fused)
      HWY_DYNAMIC_DISPATCH(softmax_gradient_row)(x, n, tile.scale, lse[r], factor);
    else
      softmax_gradient_reference(x, n, tile.scale, lse[r], factor);
    const int64_t column = targets[r] - tile.first;
    if (column >= 0 && column < n) x[column] += factor;
  }
}

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
