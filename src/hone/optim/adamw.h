// AdamW with decoupled weight decay over flat buffers (Loshchilov & Hutter, arXiv:1711.05101, algorithm 2).
#pragma once

#include "hone/base/pool.h"
#include "hone/optim/options.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace hone::optim {

/// A stretch of the flat parameter buffer that shares a setting.
struct Segment {
  int64_t begin = 0, end = 0;  ///< elements, end not included
  double weight_decay = 0;     ///< λ ≥ 0
};

/// What one update did.
struct StepInfo {
  double grad_norm = 0;  ///< ‖grad_scale · grad‖ before clipping
  double lr = 0;
};

/// m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  p ← p − lr·(m̂/(√v̂ + ε) + λp), after scaling g so that ‖g‖ ≤ clip.
///
/// The norm is summed in double over fixed chunks, and every element is computed alone, so that 1 and N threads give
/// the same bits. Float32 on the CPU takes the fused kernel (kernels/adamw.h); another device takes libtorch's fused
/// operation where it has one, and everything else tensor operations with the same formula.
class AdamW {
 public:
  /// Keeps `parameters` (not a copy) and updates it in place; the moments start at 0.
  ///
  ///   parameters  [N] floating, contiguous
  ///   segments    ascending, without gaps, from 0 to N
  ///   options     beta1, beta2, eps and clip are used; the learning rate comes with every step, the decay from the
  ///               segments
  ///   errors      usage: eps, beta or clip out of range; internal: shape or segments that do not cover N
  AdamW(const at::Tensor& parameters, std::vector<Segment> segments, const OptimOptions& options);

  /// One update.
  ///
  ///   grad        [N], dtype and device of the parameters, contiguous; not changed
  ///   grad_scale  multiplies the gradient first, e.g. 1/count of a Loss
  ///   lr          ≥ 0; with 0 the moments move and the parameters do not
  ///   errors      numeric: grad or grad_scale is not finite, or what is left after clipping is too large for the
  ///               second moment; parameters, moments and steps() are then untouched
  ///   cost        reads the gradient twice (norm, update) and everything else once
  StepInfo step(const at::Tensor& grad, double grad_scale, double lr, base::Pool& pool);

  /// Updates done so far: t of the bias correction.
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }
  at::Tensor& first_moment() { return m_; }  ///< for checkpoints
  at::Tensor& second_moment() { return v_; }

 private:
  void check(const at::Tensor& grad) const;
  double squared_norm(const at::Tensor& grad, base::Pool& pool) const;
  void update_fused(const at::Tensor& grad, double scale, double lr, base::Pool& pool);
  void update_device(const at::Tensor& grad, double scale, double lr);
  void update_tensors(const at::Tensor& grad, double scale, double lr);

  at::Tensor parameters_, m_, v_;
  std::vector<Segment> segments_;
  OptimOptions options_;
  int64_t steps_ = 0;
};

}  // namespace hone::optim
