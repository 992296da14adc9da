// Micro-batches as a device, or a model too large for side-by-side slots, wants them: few and large.
#pragma once

#include "hone/base/pool.h"
#include "hone/train/collate.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

namespace hone::train {

/// Tokens of a batch on a device, padding counted. Logits of a 50,257-token vocabulary take 200 KB a token in float32,
/// a few times over with their softmax and gradients: 16,384 tokens need about 10 GB.
inline constexpr int64_t kDeviceTokens = 16384;

/// Consecutive micro-batches joined while they fit `most_tokens`: narrower rows are padded to the widest one with
/// token 0, position 0, segment −1, no loss and zeros. Rows stay whole and in order, so sums over tokens and over rows
/// are those of the parts.
/// Errors: internal when some parts have a column that others lack.
std::vector<MicroBatch> joined(std::span<const MicroBatch> parts, int64_t most_tokens);

/// Tokens of a batch for a model whose micro-batches run one after the other on the CPU (train::Slots): enough rows
/// that packing the weights, anew for every product, costs little. Activations take 0.6 MB a token at GPT-2's 124 M
/// parameters.
inline constexpr int64_t kOneSlotTokens = 2048;

/// The batches to run for `parts`: joined up to `most_tokens` and moved to the device; the parts themselves on the CPU
/// with most_tokens 0. `parts` must outlive it.
class JoinedBatches {
 public:
  JoinedBatches(std::span<const MicroBatch> parts, const at::Device& device, int64_t most_tokens);
  /// For what needs no gradient: the parts themselves on the CPU, kDeviceTokens on a device.
  JoinedBatches(std::span<const MicroBatch> parts, const at::Device& device);
  std::span<const MicroBatch> batches() const { return batches_; }
  /// Calls work(index, batch) for every batch: side by side on the CPU, one after the other on a device, which is busy
  /// with one.
  void for_each(base::Pool& pool, const std::function<void(int64_t index, const MicroBatch& micro)>& work) const;

 private:
  bool on_cpu_;
  std::vector<MicroBatch> own_;
  std::span<const MicroBatch> batches_;
};

}  // namespace hone::train
