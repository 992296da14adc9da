#include "hone/kernels/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/elementwise.cpp"
#include "hone/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

using V = hn::Vec<Wide>;

struct Exp {
  HWY_INLINE V operator()(Wide d, V x) const { return exp_of(d, x); }
};

// x / (1 + e^-z). For z → −∞ the quotient is x / inf = −0, the right limit.
HWY_INLINE V times_sigmoid(Wide d, V x, V z) { return hn::Div(x, hn::Add(hn::Set(d, 1.0f), exp_of(d, hn::Neg(z)))); }

struct GeluTanh {
  HWY_INLINE V operator()(Wide d, V x) const {
    // 2u = 2√(2/π) x (1 + 0.044715 x²)
    const auto square = hn::Mul(x, x);
    const auto slope = hn::MulAdd(square, hn::Set(d, 1.59576912160573f * 0.044715f), hn::Set(d, 1.59576912160573f));
    return times_sigmoid(d, x, hn::Mul(x, slope));
  }
};

void exponential_range(const float* x, int64_t n, float* y) { map(Wide(), x, n, y, Exp()); }

void gelu_tanh_range(const float* x, int64_t n, float* y) { map(Wide(), x, n, y, GeluTanh()); }

void swiglu_rows(const float* gate_up, Rows rows, float* y) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r, gate_up += 2 * n, y += n) {
    const float* up = gate_up + n;
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      const auto gate = hn::LoadU(d, gate_up + i), value = hn::LoadU(d, up + i);
      hn::StoreU(hn::Mul(times_sigmoid(d, gate, gate), value), d, y + i);
    }
    if (i < n) {
      const auto gate = load_part(d, gate_up + i, n - i, 0.0f), value = load_part(d, up + i, n - i, 0.0f);
      store_part(d, hn::Mul(times_sigmoid(d, gate, gate), value), y + i, n - i);
    }
  }
}

void add_range(const float* x, int64_t n, float* y) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Add(hn::LoadU(d, y + i), hn::LoadU(d, x + i)), d, y + i);
  for (; i < n; ++i) y[i] += x[i];
}

HWY_INLINE void rotate(V& first, V& second, V cos, V sin) {
  const auto a = first, b = second;
  first = hn::NegMulAdd(b, sin, hn::Mul(a, cos));
  second = hn::MulAdd(a, sin, hn::Mul(b, cos));
}

void rope_heads(float* x, Rows heads, const float* cos, const float* sin) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), half = heads.width / 2;
  for (int64_t h = 0; h < heads.count; ++h, x += heads.width) {
    float* second_half = x + half;
    int64_t i = 0;
    for (; i + lanes <= half; i += lanes) {
      auto first = hn::LoadU(d, x + i), second = hn::LoadU(d, second_half + i);
      rotate(first, second, hn::LoadU(d, cos + i), hn::LoadU(d, sin + i));
      hn::StoreU(first, d, x + i);
      hn::StoreU(second, d, second_half + i);
    }
    if (i < half) {
      const int64_t rest = half - i;
      auto first = load_part(d, x + i, rest, 0.0f), second = load_part(d, second_half + i, rest, 0.0f);
      rotate(first, second, load_part(d, cos + i, rest, 0.0f), load_part(d, sin + i, rest, 0.0f));
      store_part(d, first, x + i, rest);
      store_part(d, second, second_half + i, rest);
    }
  }
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {

HWY_EXPORT(exponential_range);
HWY_EXPORT(gelu_tanh_range);
HWY_EXPORT(swiglu_rows);
HWY_EXPORT(add_range);
HWY_EXPORT(rope_heads);

void exponential(const float* x, int64_t n, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(exponential_range)(x, n, y);
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] < -87.33654f ? 0.0f : std::exp(x[i]);
}

void gelu_tanh(const float* x, int64_t n, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(gelu_tanh_range)(x, n, y);
  for (int64_t i = 0; i < n; ++i) {
    const float u = 0.797884560802865f * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
    y[i] = 0.5f * x[i] * (1.0f + std::tanh(u));
  }
}

void swiglu(const float* gate_up, Rows rows, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(swiglu_rows)(gate_up, rows, y);
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r, gate_up += 2 * n, y += n) {
    for (int64_t i = 0; i < n; ++i) y[i] = gate_up[i] / (1.0f + std::exp(-gate_up[i])) * gate_up[n + i];
  }
}

void add(const float* x, int64_t n, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(add_range)(x, n, y);
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

void rope(float* x, Rows heads, const float* cos, const float* sin) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(rope_heads)(x, heads, cos, sin);
  const int64_t half = heads.width / 2;
  for (int64_t h = 0; h < heads.count; ++h, x += heads.width) {
    for (int64_t i = 0; i < half; ++i) {
      const float first = x[i], second = x[i + half];
      x[i] = first * cos[i] - second * sin[i];
      x[i + half] = second * cos[i] + first * sin[i];
    }
  }
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
