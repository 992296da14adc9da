// Functions of one element: activations, sums, rotations, and the exponential they are built on.
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

/// y[i] += x[i].
void add(const float* x, int64_t n, float* y);

/// Rotates every head of one token in place (half-split pairs, as Llama in transformers): for i < d/2
///   x[i], x[i + d/2] ← x[i] cos_i − x[i + d/2] sin_i,  x[i + d/2] cos_i + x[i] sin_i. [Su et al., arXiv:2104.09864]
///
///   x        [count, width] float: count heads of width d, even
///   cos, sin [d/2] of this token's position
void rope(float* x, Rows heads, const float* cos, const float* sin);

}  // namespace hone::kernels
