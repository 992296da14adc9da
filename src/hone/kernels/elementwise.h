// Functions of one element: activations and their gradients, sums, rotations, dropout, rows of a table, and the
// exponential the rest is built on.
#pragma once

#include "hone/kernels/common.h"

#include <cstdint>

namespace hone::kernels {

/// y[i] = e^x[i] within 2 ulp; 0 where the result is below 2⁻¹²⁶, inf above the largest float, NaN for NaN. The fused
/// form uses its own polynomial, so that results do not change with the C library. y may be x.
void exponential(const float* x, int64_t n, float* y);

/// GPT-2's GELU, 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))), computed as x / (1 + e^(−2u)) with u the argument of tanh:
/// the same function without the cancellation of 1 + tanh. y may be x.
void gelu_tanh(const float* x, int64_t n, float* y);

/// y = silu(gate) · up, silu(g) = g / (1 + e^(−g)). [Shazeer, arXiv:2002.05202]
///
///   gate_up  [count, 2·width] float: a row holds its gates first
///   y        [count, width] float; may be gate_up
void swiglu(const float* gate_up, Rows rows, float* y);

/// y = gelu_tanh(pre + bias), the bias added to every row.
///
///   pre   [count, width] float;  bias [width], null = none;  y may be pre
void bias_gelu(const float* pre, Rows rows, const float* bias, float* y);

/// Where bias_gelu_backward reads and writes, [count, width] unless noted.
struct BiasGeluBackward {
  const float* pre = nullptr;
  const float* bias = nullptr;  ///< [width]; null = none
  float* grad = nullptr;        ///< gradient of y, replaced by that of pre
  float* y = nullptr;           ///< the activation once more: the forward pass need not keep it; null = not wanted
  float* dbias = nullptr;       ///< [width], added to, rows in ascending order; null = not wanted
};

/// With σ = 1/(1 + e^(−x(a + b x²))), a = 2√(2/π), b = 0.044715 a:  y = x σ,  dy/dx = σ + x σ (1 − σ)(a + 3 b x²).
void bias_gelu_backward(const BiasGeluBackward& pass, Rows rows);

/// Where swiglu_backward reads and writes.
struct SwigluBackward {
  const float* gate_up = nullptr;  ///< [count, 2·width]
  const float* dy = nullptr;       ///< [count, width]
  float* grad = nullptr;           ///< [count, 2·width] gradient of gate_up
  float* y = nullptr;              ///< [count, width] the activation once more; may be dy; null = not wanted
};

/// With σ = 1/(1 + e^(−g)):  d up = dy·g σ,  d gate = dy·up·σ (1 + g (1 − σ)).
void swiglu_backward(const SwigluBackward& pass, Rows rows);

/// y[i] += x[i].
void add(const float* x, int64_t n, float* y);

/// Rotates every head of one token in place (half-split pairs, as Llama in transformers): for i < d/2
///   x[i], x[i + d/2] ← x[i] cos_i − x[i + d/2] sin_i,  x[i + d/2] cos_i + x[i] sin_i. [Su et al., arXiv:2104.09864]
///
///   x        [count, width] float: count heads of width d, even
///   cos, sin [d/2] of this token's position
void rope(float* x, Rows heads, const float* cos, const float* sin);

/// y[r] = table[index[r]].
///
///   table  [*, width] float;  index [count], each a row of the table (not checked);  y [count, width]
void gather_rows(const float* table, const int64_t* index, Rows rows, float* y);

/// table[index[r]] += x[r], in ascending order of r: equal bits whenever the whole is done by one call. The gradient of
/// gather_rows.
void scatter_add_rows(const float* x, const int64_t* index, Rows rows, float* table);

/// Which elements dropout keeps: element i of the call is number first + i of the stream with this key.
struct Dropout {
  uint64_t key = 0;    ///< Rng::key() of a stream forked for this place and step
  uint64_t first = 0;  ///< a multiple of 4
  double rate = 0;     ///< share of elements set to 0, in [0, 1)
};

/// y[i] = x[i] / (1 − rate) if draw ≥ rate·2³², else 0. The draw is the element's 32-bit word of Philox4x32-10, the
/// same as the element-th Rng::u32() of that key. [Srivastava et al., JMLR 15 (2014); Salmon et al., SC 2011]
///
///   use   once on the activations, and once more with equal `dropout` on their gradient: no mask is kept
///   y     may be x
///   see   Rng
void dropout(const float* x, int64_t n, const Dropout& dropout, float* y);

}  // namespace hone::kernels
