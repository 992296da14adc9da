// y = x Wᵀ + b for any number of rows, with the weights repacked once for the vector unit, in one of three formats.
#pragma once

#include "hone/kernels/common.h"

#include <cstdint>

namespace hone::kernels {

/// How packed weights are stored. Inputs, sums and outputs are float in every format: weights are widened in registers.
enum class WeightFormat {
  fp32,  ///< as they are
  bf16,  ///< rounded to nearest even, |error| ≤ 2⁻⁸|w| (while |w| ≥ 2⁻¹²⁶)
  int8,  ///< s_n·q with q in −127…127 and one scale an output, s_n = max_k|W[n, k]| / 127: |error| ≤ s_n / 2
};

/// A row-major weight [out, in] and a bias [out] (nullptr = none), to be packed.
struct DenseLinear {
  const float* weight = nullptr;
  const float* bias = nullptr;
  int64_t out = 0, in = 0;
};

/// A [out, in] matrix and an optional bias in panels of neighbouring outputs: panel p holds, for every input k, the
/// weights of its outputs next to each other. The last panel is filled up with zeros. Move-only, read-only after
/// construction, so that threads can share it.
class PackedLinear {
 public:
  PackedLinear() = default;
  /// Copies; the arrays may be freed afterwards. A weight that is not finite makes its output's results not finite.
  /// `place`: cache-line aligned memory of floats_needed(…) floats that outlives this; nullptr = its own.
  explicit PackedLinear(const DenseLinear& from, WeightFormat format = WeightFormat::fp32, float* place = nullptr);
  PackedLinear(const float* weight, const float* bias, int64_t out, int64_t in)
      : PackedLinear(DenseLinear{weight, bias, out, in}) {}

  /// Floats of memory for the panels of an [out, in] matrix: whole cache lines.
  static int64_t floats_needed(int64_t out, int64_t in, WeightFormat format);

  int64_t out() const { return out_; }
  int64_t in() const { return in_; }
  WeightFormat format() const { return format_; }
  /// Outputs of a panel: two vectors of the CPU it was packed on.
  int64_t panel_width() const { return panel_width_; }
  /// Panel p, [in, panel_width] values. fp32: float. bf16: uint32_t [in, panel_width / 2], word i of an input holds
  /// output i in its lower half and output panel_width / 2 + i in its upper half. int8: int8_t.
  template <class Word>
  const Word* panel(int64_t p) const {
    return reinterpret_cast<const Word*>(panels_ + p * panel_floats_);
  }
  /// Bias of all panels, zero where there is none; scales of all panels, empty but for int8.
  const float* bias() const { return bias_.data(); }
  const float* scales() const { return scales_.data(); }

  /// Copies the weights of output `n` (0 ≤ n < out), widened and times their scale, to y [in]: the embedding of token n
  /// where input and output are tied.
  void row(int64_t n, float* y) const;

 private:
  int64_t out_ = 0, in_ = 0, panel_width_ = 0, panel_floats_ = 0;
  WeightFormat format_ = WeightFormat::fp32;
  float* panels_ = nullptr;
  Floats own_, bias_, scales_;
};

/// y[r, n] = Σ_k x[r, k] W[n, k] + b[n]
///
///   x      [rows, in] float, row-major, any alignment
///   y      [rows, out] float, not overlapping x
///   cost   2·rows·in·out FLOP on one thread. Every output is one chain of fused multiply-adds over ascending k from 0,
///          then + b: the same bits for every number of rows. int8 runs the chain over q and ends with one fused
///          multiply-add, chain·s_n + b.
///   see    packed_linear_add, which adds to y
void packed_linear(const PackedLinear& w, const float* x, int64_t rows, float* y);

/// y[r, n] += Σ_k x[r, k] W[n, k] + b[n], a residual branch's last step. y + (chain + b) is rounded in this order.
void packed_linear_add(const PackedLinear& w, const float* x, int64_t rows, float* y);

}  // namespace hone::kernels
