// Log-probabilities of chosen tokens, fused with the output projection.
#pragma once

#include <ATen/core/Tensor.h>

namespace hone::nn {

/// log p(target) = z[target] − log Σ_v e^z[v],  z = states · weightᵀ / temperature.
///
///   states       [N, D] floating: the hidden state that predicts each target; the product is computed in its dtype,
///                the softmax in float32 or wider
///   weight       [V, D], the output projection
///   targets      [N] int64 in [0, V) (not checked with fused kernels)
///   temperature  > 0
///   result       [N], nats; gradient flows to states and weight
///   cost         the fused form works on tiles of kLogitTile logits. The first kKeptLogits of them wait for the
///                backward pass where there will be one, the others are computed once more there: however large [N, V]
///                is, no more of it is held. Slices of the vocabulary are joined by an online log-sum-exp.
at::Tensor projected_logprobs(const at::Tensor& states, const at::Tensor& weight, const at::Tensor& targets,
                              double temperature);

/// Logits of a tile: 4 MiB.
inline constexpr int64_t kLogitTile = int64_t{1} << 20;
/// Most logits that a call keeps for its backward pass: 128 MiB. Without them a model whose output projection is most
/// of it would pay a third more for its products.
inline constexpr int64_t kKeptLogits = int64_t{32} << 20;

/// Tiles of N tokens × V entries: blocks of at most `rows` tokens, slices of at most `columns` entries; as many of them
/// as come to at most `kept` logits are kept.
struct LogitTiling {
  int64_t rows = 1024, columns = 1024, kept = kKeptLogits;
};

/// At most 1,024 tokens and as many entries as then fit kLogitTile; kKeptLogits.
LogitTiling logit_tiling(int64_t tokens, int64_t vocab);

namespace detail {
/// projected_logprobs on the fused path with tiles of the caller's choice, for tests.
at::Tensor tiled_logprobs(const at::Tensor& states, const at::Tensor& weight, const at::Tensor& targets,
                          double temperature, const LogitTiling& tiling);
}  // namespace detail

}  // namespace hone::nn
