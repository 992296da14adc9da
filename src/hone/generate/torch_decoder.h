// A decoder and its cache on any device libtorch has, for generation: the forward pass of models::hidden_states with
// attention to a cache of fixed size. No autograd.
#pragma once

#include "hone/models/decoder.h"

#include <ATen/core/Tensor.h>

namespace hone::generate {

/// Keys and values of `rows` sequences side by side. Its last column belongs to no sequence: padding is written there,
/// and no token looks at it.
struct StaticCache {
  at::Tensor keys, values;  ///< [L, rows, KV, columns, d]

  StaticCache() = default;
  /// Room for `columns` − 1 tokens a row, in `like`'s dtype, on its device.
  StaticCache(const models::DecoderConfig& config, int64_t rows, int64_t columns, const at::Tensor& like);
  int64_t rows() const { return keys.defined() ? keys.size(1) : 0; }
  int64_t columns() const { return keys.defined() ? keys.size(3) : 0; }
  int64_t padding_column() const { return columns() - 1; }
};

/// Tokens to put through the model, N for each of R rows.
struct StaticFeed {
  at::Tensor rows_R;      ///< int64: rows of the cache, all different; undefined = all of them in order
  at::Tensor ids_RN;      ///< int64, in the vocabulary
  at::Tensor columns_RN;  ///< int64: the column of a token is its position; padding goes to padding_column()
};

/// A snapshot of a decoder with a copy of its matrices in the dtype of its activations.
class TorchDecoder {
 public:
  explicit TorchDecoder(const models::Decoder& model);

  /// Takes over the numbers of a model with the same config, device and activations, into the same storage: what a
  /// captured graph reads stays where it is. Errors: internal if it is another kind of model.
  void refresh(const models::Decoder& model);

  const models::DecoderConfig& config() const { return model_.config; }
  /// Dtype and device of the matrices, and so of a cache for them.
  const at::Tensor& like() const { return head_; }

  /// Stores keys and values of the tokens and returns their states after the last norm, [R, N, D]. A token sees the
  /// columns of its row up to its own; they must have been fed before, or be in the same feed.
  at::Tensor feed(StaticCache& cache, const StaticFeed& feed) const;

  /// states [..., D] → logits [..., V], float32.
  at::Tensor logits(const at::Tensor& states) const;

 private:
  models::Decoder model_;  ///< matrices of the blocks in `narrow_`, everything else in `wide_`
  at::Tensor wide_, narrow_, head_;
  nn::Rope rope_;  ///< of every position; copied to the device once, since a graph can't capture such a copy
};

}  // namespace hone::generate
