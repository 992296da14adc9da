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

}  // namespace hone::kernels
