// Low-rank additions to linear maps (LoRA: Hu et al., arXiv:2106.09685).
#pragma once

#include "hone/nn/fused.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace hone::nn {

/// One product B A of a LowRank: what it is added to, and by what it is multiplied.
struct LowRankPart {
  int64_t first_row = 0, rows = 0;  ///< of the map's output
  int64_t rank = 0;
  double scale = 1;  ///< α/r, or α/√r (rsLoRA, arXiv:2312.03732)
};

/// y[rows of p] += scale_p · B_p (A_p drop(x)) for every part p (§4.1).
///
/// A fused map (queries, keys and values in one matrix) has a part for each of its modules. Parts may share rows: they
/// add up. All see x under one mask of dropout, as in the paper's code for fused maps.
struct LowRank {
  at::Tensor a;  ///< [R, in]: the parts' A [rank, in], one below the other; undefined = no addition
  at::Tensor b;  ///< [Σ rows·rank]: the parts' B [rows, rank], one after the other
  std::vector<LowRankPart> parts;
  double dropout = 0;                ///< share of x set to 0 in training, in [0, 1)
  std::optional<uint64_t> mask_key;  ///< Rng::key() of the masks' stream; none = no dropout: scoring and generation

  bool defined() const { return a.defined(); }
};

/// Views of the i-th part: A [rank, in] and B [rows, rank].
struct LowRankPair {
  at::Tensor a, b;
};
LowRankPair pair_of(const LowRank& delta, std::size_t i);

/// weight += Σ scale B A, in place and in weight's dtype; nothing for an undefined delta.    weight [out, in].
void add_product(const LowRank& delta, at::Tensor weight);

/// y plus the addition, as tensor operations of libtorch: any dtype and device.
///
///   y [..., out], x [..., in] → [..., out]. Gradient flows to y, x, a and b
///   cost  with dropout the mask is made on the CPU
at::Tensor plus_low_rank(const at::Tensor& y, const LowRank& delta, const at::Tensor& x);

// The same for fused functions: float32 on the CPU, rows contiguous, inside or outside a ParallelScope. Each does nothing
// for an undefined delta, so that a function has one form with and without.

/// y += the addition.    x [N, in], y [N, out]. Returns h = drop(x) Aᵀ [N, R], which the backward pass needs.
at::Tensor add_low_rank(const LowRank& delta, const at::Tensor& x, const at::Tensor& y);

/// The backward pass of add_low_rank: with dh = scale · dy B,
///   dx += drop(dh A),  dA += dhᵀ drop(x),  dB += scale · dyᵀ h.
class LowRankGradient {
 public:
  /// delta and h as in the forward pass, dy [N, out].
  LowRankGradient(const LowRank& delta, const at::Tensor& h, const at::Tensor& dy);
  /// dx [N, in]; undefined = not wanted.
  void add_to_input(const at::Tensor& dx) const;
  /// Adds to the gradients of a and b.    x [N, in].
  void add_to_parameters(const at::Tensor& x) const;

  /// What the backward function returns for a and b.
  const at::Tensor& returned_a() const { return da_.returned; }
  const at::Tensor& returned_b() const { return db_.returned; }

 private:
  const LowRank& delta_;
  at::Tensor h_, dy_, dh_;
  ParameterGradient da_, db_;
};

/// Everything of a LowRank but its tensors, for AutogradContext::saved_data, and back.
std::vector<int64_t> numbers_of(const LowRank& delta);
LowRank low_rank_of(const at::Tensor& a, const at::Tensor& b, const std::vector<int64_t>& numbers);

}  // namespace hone::nn
