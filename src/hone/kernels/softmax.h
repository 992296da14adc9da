// Softmax and its normaliser over one row.
#pragma once

#include "hone/kernels/common.h"

#include <cstdint>

namespace hone::kernels {

/// log Σ e^x[i] of a row, shifted by its maximum. n ≥ 1. NaN if an element is NaN or +inf (or all are −inf).
/// `scratch` [n] is overwritten with e^(x[i] − max x); it may be x.
float log_sum_exp(const float* x, int64_t n, float* scratch);

/// y[i] = e^x[i] / Σ e^x[j]; returns log Σ e^x[j]. y may be x.
float softmax(const float* x, int64_t n, float* y);

/// Whether every element is finite.
bool all_finite(const float* x, int64_t n);

/// Index of the largest element, the first of equal ones; n ≥ 1, no NaN.
int64_t argmax(const float* x, int64_t n);

}  // namespace hone::kernels
