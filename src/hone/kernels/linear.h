// y = x Wᵀ + b for any number of rows, with the weights repacked once for the vector unit.
#pragma once

#include "hone/kernels/common.h"

#include <cstdint>

namespace hone::kernels {

/// A [out, in] matrix and an optional bias in panels of neighbouring outputs: panel p holds, for every input k, the
/// weights of its outputs next to each other. The last panel is filled up with zeros. Move-only, read-only after
/// construction, so that threads can share it.
class PackedLinear {
 public:
  PackedLinear() = default;
  /// Copies weight [out, in] (row-major) and bias [out] (nullptr = none); both may be freed afterwards.
  PackedLinear(const float* weight, const float* bias, int64_t out, int64_t in);

  int64_t out() const { return out_; }
  int64_t in() const { return in_; }
  /// Outputs of a panel: two vectors of the CPU it was packed on.
  int64_t panel_width() const { return panel_width_; }
  const float* panel(int64_t p) const { return panels_.data() + p * in_ * panel_width_; }
  /// Bias of all panels, zero where there is none.
  const float* bias() const { return bias_.data(); }

  /// Copies weight row `n` (0 ≤ n < out) to y [in]: the embedding of token n where input and output are tied.
  void row(int64_t n, float* y) const;

 private:
  int64_t out_ = 0, in_ = 0, panel_width_ = 0;
  Floats panels_, bias_;
};

/// y[r, n] = Σ_k x[r, k] W[n, k] + b[n]
///
///   x      [rows, in] float, row-major, any alignment
///   y      [rows, out] float, not overlapping x
///   cost   2·rows·in·out FLOP on one thread. Every output is one chain of fused multiply-adds over ascending k from 0,
///          then + b: the same bits for every number of rows.
///   see    packed_linear_add, which adds to y
void packed_linear(const PackedLinear& w, const float* x, int64_t rows, float* y);

/// y[r, n] += Σ_k x[r, k] W[n, k] + b[n], a residual branch's last step. y + (chain + b) is rounded in this order.
void packed_linear_add(const PackedLinear& w, const float* x, int64_t rows, float* y);

}  // namespace hone::kernels
