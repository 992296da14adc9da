// The inner loops of AdamW on raw float32 buffers: the update of a range, and the squared norm of a gradient.
// No torch, no threads, no clipping policy: optim/adamw.h decides those and hands out ranges.
#pragma once

#include <cstdint>

namespace hone::kernels {

/// A range of the four flat buffers of one update; `count` elements each, any alignment, no overlap.
struct AdamwRange {
  float* parameter;
  float* first_moment;
  float* second_moment;
  const float* gradient;
  int64_t count;
};

/// The numbers of one update, already folded. t = 1, 2, … is the number of the update; λ the weight decay.
/// 1 − β is passed instead of β: in float 1 − 0.999f is wrong by 5·10⁻⁵ of itself, the rounded difference by 3·10⁻⁸.
struct AdamwCoefficients {
  float grad_scale;       ///< multiplies the gradient first: 1/count and clipping in one
  float one_minus_beta1;  ///< 1 − β₁, in (0, 1]
  float one_minus_beta2;  ///< 1 − β₂, in (0, 1]
  float step_size;        ///< lr / (1 − β₁ᵗ)
  float root_scale;       ///< 1 / √(1 − β₂ᵗ)
  float eps;              ///< > 0
  float decay;            ///< lr · λ
};

/// g ← grad_scale·g;  m ← m + (1−β₁)(g − m);  v ← v + (1−β₂)(g² − v);
/// p ← p − step_size · m/(root_scale·√v + ε) − decay · p            [arXiv:1711.05101, algorithm 2, moments as lerps]
///
///   range    updated in place; the gradient is only read
///   result   an element depends on its own four values alone, so any split into ranges gives the same bits
///   errors   none; a non-finite gradient spreads, so look at squared_norm first
///   cost     one pass: 16 bytes read and 12 written per element
///   see      adamw_reference: the same in a plain loop; may differ in the last bit where the compiler fuses
///            multiply and add differently
void adamw(const AdamwRange& range, const AdamwCoefficients& coefficients);

/// The plain loop that adamw() is tested against.
void adamw_reference(const AdamwRange& range, const AdamwCoefficients& coefficients);

/// Elements per piece of a norm that is added up in pieces.
inline constexpr int64_t kNormChunk = 4096;

/// Σ gᵢ², in double.
///
///   values   `count` floats, any alignment
///   result   ≥ 0; not finite exactly when some value is not finite (the square of the largest float fits in a double)
///   order    16 partial sums, element i in sum i mod 16, then added in pairs: the same bits on every instruction set,
///            since the square of a float is exact in double
///   see      sum_in_pairs: adds the results of several chunks
double squared_norm(const float* values, int64_t count);

/// The plain loop that squared_norm() equals bit for bit.
double squared_norm_reference(const float* values, int64_t count);

/// Adds `count` numbers in a binary tree whose shape depends on `count` alone; 0 for none.
double sum_in_pairs(const double* values, int64_t count);

}  // namespace hone::kernels
