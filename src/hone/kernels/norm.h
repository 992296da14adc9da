// Normalisation of rows: LayerNorm and RMSNorm.
#pragma once

#include "hone/kernels/common.h"

#include <cstdint>

namespace hone::kernels {

/// Learned scale and shift [width]; `bias` is not read by rms_norm.
struct NormWeights {
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 1e-5f;
};

/// y = (x − mean) / √(var + eps) · weight + bias, mean and (biased) variance over the row.     [arXiv:1607.06450]
///
///   x, y   [count, width] float; y may be x; width ≥ 1
///   cost   three passes over a row
void layer_norm(const float* x, Rows rows, const NormWeights& norm, float* y);

/// y = x / √(mean(x²) + eps) · weight.     [arXiv:1910.07467, eq. 4]
void rms_norm(const float* x, Rows rows, const NormWeights& norm, float* y);

/// Where norm_forward reads and writes; [count, width] unless noted. Null pointers are left out.
struct NormForward {
  const float* x = nullptr;
  const float* delta = nullptr;  ///< added to x first
  float* sum = nullptr;          ///< x + delta; needed with delta, may be x or delta
  float* y = nullptr;
  float* mean = nullptr;  ///< [count] mean of a row, 0 for RMSNorm; not written when null
  float* rstd = nullptr;  ///< [count] 1 / √(var + eps); not written when null
};

/// y = norm(x + delta): the norm of a residual sum in one walk, keeping what the backward pass needs. With `norm.bias`
/// it is layer_norm, without rms_norm, bit for bit.
///
///   cost  the same three passes over a row; the sum is one more
void norm_forward(const NormForward& pass, Rows rows, const NormWeights& norm);

/// Where norm_backward reads and writes; [count, width] unless noted.
struct NormBackward {
  const float* x = nullptr;  ///< what was normed: x + delta of the forward pass
  const float* mean = nullptr;
  const float* rstd = nullptr;
  const float* dy = nullptr;
  const float* dsum = nullptr;  ///< gradient that reaches the sum by another way, added to dx; null = none
  float* dx = nullptr;          ///< may be dy or dsum
  float* dweight = nullptr;     ///< [width], added to; null = not wanted
  float* dbias = nullptr;       ///< [width], added to; null = not wanted
};

/// With x̂ = (x − mean)·rstd and g = dy·weight:
///   dx = rstd·(g − mean(g) − x̂·mean(g·x̂)) + dsum   (RMSNorm: without mean(g)),
///   dweight += Σ_rows dy·x̂,   dbias += Σ_rows dy.
///
///   norm   bias says which of the two it is; eps is not read
///   order  rows are added in ascending order: a range of rows gives the same bits however it was computed
///   cost   two passes over a row
void norm_backward(const NormBackward& pass, Rows rows, const NormWeights& norm);

/// y[i] += Σ_rows x[row, i], rows in ascending order: the gradient of a bias.
void add_columns(const float* x, Rows rows, float* y);

}  // namespace hone::kernels
