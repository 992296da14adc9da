// Highway compiles the middle part of this file once for every instruction set and picks one when the program runs.
#include "hone/kernels/adamw.h"

#include "hone/kernels/common.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/adamw.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hone::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The coefficients come by value: a local that nobody points to stays in registers through the loop.
template <class D>
HWY_INLINE void update(D d, float* parameter, float* first, float* second, const float* gradient, AdamwCoefficients c) {
  const auto g = hn::Mul(hn::LoadU(d, gradient), hn::Set(d, c.grad_scale));
  const auto p = hn::LoadU(d, parameter);
  auto m = hn::LoadU(d, first);
  auto v = hn::LoadU(d, second);
  m = hn::MulAdd(hn::Set(d, c.one_minus_beta1), hn::Sub(g, m), m);
  v = hn::MulAdd(hn::Set(d, c.one_minus_beta2), hn::MulSub(g, g, v), v);
  const auto direction = hn::Div(m, hn::MulAdd(hn::Sqrt(v), hn::Set(d, c.root_scale), hn::Set(d, c.eps)));
  const auto change = hn::MulAdd(hn::Set(d, c.step_size), direction, hn::Mul(hn::Set(d, c.decay), p));
  hn::StoreU(m, d, first);
  hn::StoreU(v, d, second);
  hn::StoreU(hn::Sub(p, change), d, parameter);
}

void adamw_fused(const AdamwRange& r, const AdamwCoefficients& c) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= r.count; i += lanes) {
    update(d, r.parameter + i, r.first_moment + i, r.second_moment + i, r.gradient + i, c);
  }
  if (i == r.count) return;
  // The rest goes through the same vector code in a padded copy: a scalar loop could round differently, and then the
  // bits would depend on where a range ends.
  HWY_ALIGN float pad[4][hn::MaxLanes(d)] = {};
  const int64_t rest = r.count - i;
  for (int64_t j = 0; j < rest; ++j) {
    pad[0][j] = r.parameter[i + j];
    pad[1][j] = r.first_moment[i + j];
    pad[2][j] = r.second_moment[i + j];
    pad[3][j] = r.gradient[i + j];
  }
  update(d, pad[0], pad[1], pad[2], pad[3], c);
  for (int64_t j = 0; j < rest; ++j) {
    r.parameter[i + j] = pad[0][j];
    r.first_moment[i + j] = pad[1][j];
    r.second_moment[i + j] = pad[2][j];
  }
}

/// Adds Σ over blocks of 16 floats into sums[16]. At most four lanes, so that four vectors hold the 16 sums.
void add_squares(const float* values, int64_t blocks, double* sums) {
  const hn::CappedTag<double, 4> d;
  const hn::Rebind<float, decltype(d)> narrow;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t strip = 0; strip < 16; strip += 4 * lanes) {
    auto a = hn::LoadU(d, sums + strip);
    auto b = hn::LoadU(d, sums + strip + lanes);
    auto c = hn::LoadU(d, sums + strip + 2 * lanes);
    auto e = hn::LoadU(d, sums + strip + 3 * lanes);
    for (const float* x = values + strip; x < values + 16 * blocks; x += 16) {
      const auto xa = hn::PromoteTo(d, hn::LoadU(narrow, x));
      const auto xb = hn::PromoteTo(d, hn::LoadU(narrow, x + lanes));
      const auto xc = hn::PromoteTo(d, hn::LoadU(narrow, x + 2 * lanes));
      const auto xe = hn::PromoteTo(d, hn::LoadU(narrow, x + 3 * lanes));
      a = hn::MulAdd(xa, xa, a);
      b = hn::MulAdd(xb, xb, b);
      c = hn::MulAdd(xc, xc, c);
      e = hn::MulAdd(xe, xe, e);
    }
    hn::StoreU(a, d, sums + strip);
    hn::StoreU(b, d, sums + strip + lanes);
    hn::StoreU(c, d, sums + strip + 2 * lanes);
    hn::StoreU(e, d, sums + strip + 3 * lanes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hone::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {

HWY_EXPORT(adamw_fused);
HWY_EXPORT(add_squares);

void adamw(const AdamwRange& range, const AdamwCoefficients& coefficients) {
  if (mode() == Mode::reference) return adamw_reference(range, coefficients);
  HWY_DYNAMIC_DISPATCH(adamw_fused)(range, coefficients);
}

void adamw_reference(const AdamwRange& range, const AdamwCoefficients& c) {
  for (int64_t i = 0; i < range.count; ++i) {
    float &p = range.parameter[i], &m = range.first_moment[i], &v = range.second_moment[i];
    const float g = c.grad_scale * range.gradient[i];
    m += c.one_minus_beta1 * (g - m);
    v += c.one_minus_beta2 * (g * g - v);
    p -= c.step_size * (m / (c.root_scale * std::sqrt(v) + c.eps)) + c.decay * p;
  }
}

double sum_in_pairs(const double* values, int64_t count) {
  if (count <= 0) return 0;
  if (count == 1) return values[0];
  const int64_t left = count / 2;
  return sum_in_pairs(values, left) + sum_in_pairs(values + left, count - left);
}

double squared_norm(const float* values, int64_t count) {
  if (mode() == Mode::reference) return squared_norm_reference(values, count);
  double sums[16] = {};
  const int64_t blocks = count / 16;
  HWY_DYNAMIC_DISPATCH(add_squares)(values, blocks, sums);
  for (int64_t i = 16 * blocks; i < count; ++i) sums[i % 16] += static_cast<double>(values[i]) * values[i];
  return sum_in_pairs(sums, 16);
}

double squared_norm_reference(const float* values, int64_t count) {
  double sums[16] = {};
  for (int64_t i = 0; i < count; ++i) sums[i % 16] += static_cast<double>(values[i]) * values[i];
  return sum_in_pairs(sums, 16);
}

}  // namespace hone::kernels
#endif
