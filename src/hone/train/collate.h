// Training sequences → batches of tensors.
#pragma once

#include "hone/data/example.h"
#include "hone/tensor/batch.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hone::train {

/// How sequences share rows.
enum class Rows {
  one_each,  ///< one sequence a row, right-padded (needed by values and by objectives on pairs)
  packed,    ///< several sequences a row, kept apart by segments
  /// Sequences that begin with the same tokens without loss (the completions of a prompt) share those: a row is one
  /// prompt and as many of its completions as have the tokens of a micro-batch, one at least, each a segment
  /// (tensor::Batch::shared_B). Not for models with windows of attention, nor for what reads the state before a token
  /// from the column before (models::values_before). Repeating the prompt gives the same up to rounding.
  shared
};

/// One batch of the given examples. Float columns are filled when the examples carry them.
///   rows        one_each or packed
///   row_tokens  width of packed rows, or the length of the longest example where that is more; ignored for one_each
///               (the longest example decides)
/// Errors: data if an id is outside [0, vocab), an example is empty, or longer than `context`.
tensor::Batch collate(std::span<const data::Example> examples, Rows rows, int64_t row_tokens, int64_t vocab,
                      int64_t context);

/// Micro-batches of at most about `micro_tokens` tokens each: what one worker runs forward and backward on while its
/// activations fit the cache. A batch of fewer than 8 · micro_tokens tokens is cut into 8 parts, of 192 tokens at
/// least, so that every slot has work. Examples of similar length go together; the split depends on the examples alone.
///
/// 1,024 is the middle of a flat optimum: from 512 to 2,048 tokens the speed differs by less than 3 % at widths 128
/// (rows of 32 and of 128 tokens) and 256 (rows of 256); at 256 tokens it is 4–5 % lower. Smaller ones lose to the
/// packing of weights inside every matrix product, larger ones to activations that leave the cache.
/// Each example lies in exactly one place of one of them.
struct MicroBatch {
  /// Where an example's tokens from `from` on are: in a row, from a column on. Tokens before `from` are a prompt that
  /// lies elsewhere in the row.
  struct Place {
    int64_t example = 0, row = 0, column = 0, from = 0;
  };
  std::vector<Place> places;  ///< row by row
  tensor::Batch batch;
};
struct MicroOptions {
  Rows rows = Rows::one_each;
  int64_t micro_tokens = 1024;
  int64_t row_tokens = 128;  ///< packed rows
  int64_t vocab = 0, context = 0;
};
std::vector<MicroBatch> micro_batches(std::span<const data::Example> examples, const MicroOptions& options);

/// The same for pairs: rows 2i and 2i + 1 of a batch are the chosen and the rejected completion of one pair, so that a
/// pair is never split; `places` names them 2p and 2p + 1. Errors: also internal for packed rows.
std::vector<MicroBatch> pair_micro_batches(std::span<const data::Pair> pairs, const MicroOptions& options);

/// Chosen and rejected completions in turns, 2p and 2p + 1.
std::vector<data::Example> examples_of(std::span<const data::Pair> pairs);

}  // namespace hone::train
