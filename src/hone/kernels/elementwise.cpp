#include "hone/kernels/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/elementwise.cpp"
#include "hone/kernels/simd-inl.h"

#include "hone/base/rng.h"

#include <algorithm>
#include <cmath>

#ifndef HONE_KERNELS_DROPOUT_LIMIT_  // this file is compiled once per CPU target, these functions once
#define HONE_KERNELS_DROPOUT_LIMIT_
namespace hone::kernels {
namespace {

// An element is kept if its 32 random bits are at least this.
uint32_t dropout_limit(double rate) { return static_cast<uint32_t>(std::min(std::ldexp(rate, 32), 0x1p32 - 1)); }
float dropout_scale(double rate) { return static_cast<float>(1.0 / (1.0 - rate)); }

}  // namespace
}  // namespace hone::kernels
#endif  // HONE_KERNELS_DROPOUT_LIMIT_

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

using V = hn::Vec<Wide>;

struct Exp {
  HWY_INLINE V operator()(Wide d, V x) const { return exp_of(d, x); }
};

// x / (1 + e^-z). For z → −∞ the quotient is x / inf = −0, the right limit.
HWY_INLINE V times_sigmoid(Wide d, V x, V z) { return hn::Div(x, hn::Add(hn::Set(d, 1.0f), exp_of(d, hn::Neg(z)))); }

constexpr float kGeluA = 1.59576912160573f, kGeluB = kGeluA * 0.044715f;  // 2u = a x + b x³

struct GeluTanh {
  HWY_INLINE V operator()(Wide d, V x) const {
    const auto slope = hn::MulAdd(hn::Mul(x, x), hn::Set(d, kGeluB), hn::Set(d, kGeluA));
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

// Walks a row in whole vectors, the rest through masked loads: piece(load, store, i), where load(p) and store(v, p)
// move the piece that starts at index i.
template <class F>
HWY_INLINE void for_row(int64_t n, const F& piece) {
  const Wide d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    piece([&](const float* p) HWY_ATTR { return hn::LoadU(d, p + i); },
          [&](V v, float* p) HWY_ATTR { hn::StoreU(v, d, p + i); });
  }
  if (i < n) {
    piece([&](const float* p) HWY_ATTR { return load_part(d, p + i, n - i, 0.0f); },
          [&](V v, float* p) HWY_ATTR { store_part(d, v, p + i, n - i); });
  }
}

void bias_gelu_rows(const float* pre, Rows rows, const float* bias, float* y) {
  const Wide d;
  for (int64_t r = 0; r < rows.count; ++r, pre += rows.width, y += rows.width) {
    for_row(rows.width, [&](const auto& load, const auto& store) HWY_ATTR {
      const auto x = load(pre);
      store(GeluTanh()(d, bias ? hn::Add(x, load(bias)) : x), y);
    });
  }
}

void bias_gelu_backward_rows(const BiasGeluBackward& pass, Rows rows) {
  const Wide d;
  const auto one = hn::Set(d, 1.0f);
  for (int64_t r = 0; r < rows.count; ++r) {
    const int64_t at = r * rows.width;
    for_row(rows.width, [&](const auto& load, const auto& store) HWY_ATTR {
      auto x = load(pass.pre + at);
      if (pass.bias) x = hn::Add(x, load(pass.bias));
      // Beyond ±16 σ is 0 or 1 and its slope 0; held there, x² cannot overflow and multiply that 0.
      const auto square = hn::Min(hn::Mul(x, x), hn::Set(d, 256.0f));
      const auto z = hn::Mul(x, hn::MulAdd(square, hn::Set(d, kGeluB), hn::Set(d, kGeluA)));
      const auto sigmoid = times_sigmoid(d, one, z);
      const auto bend = hn::MulAdd(square, hn::Set(d, 3 * kGeluB), hn::Set(d, kGeluA));
      const auto rise = hn::Mul(hn::Mul(x, sigmoid), hn::Sub(one, sigmoid));
      const auto grad = hn::Mul(load(pass.grad + at), hn::MulAdd(rise, bend, sigmoid));
      store(grad, pass.grad + at);
      if (pass.y) store(hn::Mul(x, sigmoid), pass.y + at);
      if (pass.dbias) store(hn::Add(load(pass.dbias), grad), pass.dbias);
    });
  }
}

void swiglu_backward_rows(const SwigluBackward& pass, Rows rows) {
  const Wide d;
  const int64_t n = rows.width;
  const auto one = hn::Set(d, 1.0f);
  for (int64_t r = 0; r < rows.count; ++r) {
    const float *gates = pass.gate_up + 2 * r * n, *dy = pass.dy + r * n;
    float *grad = pass.grad + 2 * r * n, *y = pass.y ? pass.y + r * n : nullptr;
    for_row(n, [&](const auto& load, const auto& store) HWY_ATTR {
      const auto gate = load(gates), up = load(gates + n), g = load(dy);
      const auto sigmoid = times_sigmoid(d, one, gate), silu = hn::Mul(gate, sigmoid);
      const auto slope = hn::Mul(sigmoid, hn::MulAdd(gate, hn::Sub(one, sigmoid), one));
      store(hn::Mul(hn::Mul(g, up), slope), grad);
      store(hn::Mul(g, silu), grad + n);
      if (y) store(hn::Mul(silu, up), y);
    });
  }
}

// The draws of elements 4·block … of a stream, as many as `out` holds: 4 · kBlocks.
constexpr int64_t kBlocks = 16;

#if HWY_TARGET == HWY_SCALAR
void philox_words(uint64_t key, uint64_t block, uint32_t* out) {
  const uint32_t halves[2] = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  for (const uint64_t end = block + kBlocks; block < end; ++block, out += 4) {
    const uint32_t counter[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0};
    philox4x32(counter, halves, out);
  }
}
#else
// Lanes(d) Philox blocks side by side: every 64-bit lane carries one 32-bit word of its block.
template <class D, class W = hn::Vec<D>>
HWY_INLINE void philox(D d, W (&c)[4], uint64_t key) {
  const hn::Repartition<uint32_t, D> words;
  const auto low = hn::Set(d, 0xFFFFFFFFu);
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
    const auto p0 = hn::MulEven(hn::BitCast(words, c[0]), hn::Set(words, 0xD2511F53u));
    const auto p1 = hn::MulEven(hn::BitCast(words, c[2]), hn::Set(words, 0xCD9E8D57u));
    c[0] = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c[1]), hn::Set(d, k0));
    c[2] = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c[3]), hn::Set(d, k1));
    c[1] = hn::And(p1, low);
    c[3] = hn::And(p0, low);
  }
}

void philox_words(uint64_t key, uint64_t block, uint32_t* out) {
  const hn::ScalableTag<uint64_t> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN uint64_t word[4][hn::MaxLanes(d)];
  for (int64_t b = 0; b < kBlocks; b += lanes) {
    const auto number = hn::Iota(d, block + static_cast<uint64_t>(b));
    hn::Vec<decltype(d)> c[4] = {hn::And(number, hn::Set(d, 0xFFFFFFFFu)), hn::ShiftRight<32>(number), hn::Zero(d),
                                 hn::Zero(d)};
    philox(d, c, key);
    for (int w = 0; w < 4; ++w) hn::Store(c[w], d, word[w]);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      for (int w = 0; w < 4; ++w) out[4 * (b + lane) + w] = static_cast<uint32_t>(word[w][lane]);
    }
  }
}
#endif

void dropout_range(const float* x, int64_t n, const Dropout& drop, float* y) {
  const uint32_t least = dropout_limit(drop.rate);
  const float scale = dropout_scale(drop.rate);
  uint32_t draws[4 * kBlocks];
  for (int64_t first = 0; first < n; first += 4 * kBlocks) {
    philox_words(drop.key, (drop.first + static_cast<uint64_t>(first)) / 4, draws);
    const int64_t count = std::min<int64_t>(4 * kBlocks, n - first);
    for (int64_t i = 0; i < count; ++i) y[first + i] = draws[i] >= least ? x[first + i] * scale : 0.0f;
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
HWY_EXPORT(bias_gelu_rows);
HWY_EXPORT(bias_gelu_backward_rows);
HWY_EXPORT(swiglu_backward_rows);
HWY_EXPORT(dropout_range);
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

void bias_gelu(const float* pre, Rows rows, const float* bias, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(bias_gelu_rows)(pre, rows, bias, y);
  for (int64_t r = 0; r < rows.count; ++r, pre += rows.width, y += rows.width) {
    for (int64_t i = 0; i < rows.width; ++i) y[i] = bias ? pre[i] + bias[i] : pre[i];
    gelu_tanh(y, rows.width, y);
  }
}

void bias_gelu_backward(const BiasGeluBackward& pass, Rows rows) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(bias_gelu_backward_rows)(pass, rows);
  constexpr double kA = 1.5957691216057308, kB = kA * 0.044715;
  for (int64_t k = 0; k < rows.count * rows.width; ++k) {
    const int64_t i = k % rows.width;
    const double x = pass.bias ? pass.pre[k] + pass.bias[i] : pass.pre[k];
    const double sigmoid = 1 / (1 + std::exp(-x * (kA + kB * x * x)));
    const double slope = sigmoid + x * sigmoid * (1 - sigmoid) * (kA + 3 * kB * x * x);
    pass.grad[k] = static_cast<float>(pass.grad[k] * slope);
    if (pass.y) pass.y[k] = static_cast<float>(x * sigmoid);
    if (pass.dbias) pass.dbias[i] += pass.grad[k];
  }
}

void swiglu_backward(const SwigluBackward& pass, Rows rows) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(swiglu_backward_rows)(pass, rows);
  const int64_t n = rows.width;
  for (int64_t r = 0; r < rows.count; ++r) {
    for (int64_t i = 0; i < n; ++i) {
      const float gate = pass.gate_up[2 * r * n + i], up = pass.gate_up[2 * r * n + n + i], dy = pass.dy[r * n + i];
      const float sigmoid = 1.0f / (1.0f + std::exp(-gate));
      pass.grad[2 * r * n + i] = dy * up * sigmoid * (1 + gate * (1 - sigmoid));
      pass.grad[2 * r * n + n + i] = dy * gate * sigmoid;
      if (pass.y) pass.y[r * n + i] = gate * sigmoid * up;
    }
  }
}

void dropout(const float* x, int64_t n, const Dropout& drop, float* y) {
  if (mode() == Mode::fused) return HWY_DYNAMIC_DISPATCH(dropout_range)(x, n, drop, y);
  const uint32_t key[2] = {static_cast<uint32_t>(drop.key), static_cast<uint32_t>(drop.key >> 32)};
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t element = drop.first + static_cast<uint64_t>(i), block = element / 4;
    const uint32_t counter[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0};
    uint32_t draws[4];
    philox4x32(counter, key, draws);
    y[i] = draws[element % 4] >= dropout_limit(drop.rate) ? x[i] * dropout_scale(drop.rate) : 0.0f;
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

// The walk over rows is the same in both forms; add() has the two.
void gather_rows(const float* table, const int64_t* index, Rows rows, float* y) {
  for (int64_t r = 0; r < rows.count; ++r) std::copy_n(table + index[r] * rows.width, rows.width, y + r * rows.width);
}

void scatter_add_rows(const float* x, const int64_t* index, Rows rows, float* table) {
  for (int64_t r = 0; r < rows.count; ++r) add(x + r * rows.width, rows.width, table + index[r] * rows.width);
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
