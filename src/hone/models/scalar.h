// Decoders that give one number a position in place of logits: critics and reward models. The trunk is a language
// model's; the head is one row, "score.weight" [1, D] without bias, as in transformers' ForSequenceClassification,
// whose folders models::open and models::save read and write.    Shapes: B rows, T positions.
#pragma once

#include "hone/models/decoder.h"
#include "hone/tensor/batch.h"

#include <ATen/core/Tensor.h>

namespace hone::models {

/// The scalar form of a language model, with a head of 0: every value is 0 until it is trained.
///
///   from    its numbers are copied into new storage without the vocabulary's head. If it is adapted, its own numbers
///           stay where they are, shared with whoever shares them, and the head is trained with the adapter, which gets
///           new storage. A decoder that is scalar already keeps its head: this is copy() then
///   result  a folder that `from` was read from still names the stored tensors and config, changed to the scalar form
Decoder scalar_of(const Decoder& from);

/// v_t = w · h_t: what the model says after reading ids[0..t].
///
///   result  [B, T] float32, defined at padding too. Gradient flows to what is trained
///   errors  usage: the model is not scalar
///   see     values_before: what a critic expects of a token that is not yet chosen
at::Tensor values(const Decoder& model, const tensor::Batch& batch);

/// Column t = values of column t − 1, column 0 = 0: the expectation before ids[t] is chosen, so that it stands beside
/// that token's log-prob, reward and mask.    [B, T] → [B, T]; gradient flows.
at::Tensor values_before(const at::Tensor& values_BT);

/// The value at each row's last place in the mask: what a reward model says of a completion.
///
///   mask_BT  [B, T] bool, as Batch::loss_mask_BT
///   result   [B]; 0 for a row without any place (padding). Gradient flows
///   errors   internal: shapes differ
at::Tensor last_values(const at::Tensor& values_BT, const at::Tensor& mask_BT);

}  // namespace hone::models
