// Micro-batches as a device wants them: few and large.
#pragma once

#include "hone/train/collate.h"

#include <ATen/core/Tensor.h>

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

/// The batches to run for `parts` on a device: the parts themselves on the CPU, otherwise joined ones, moved there.
/// `parts` must outlive it.
class DeviceBatches {
 public:
  DeviceBatches(std::span<const MicroBatch> parts, const at::Device& device);
  std::span<const MicroBatch> batches() const { return batches_; }

 private:
  std::vector<MicroBatch> own_;
  std::span<const MicroBatch> batches_;
};

}  // namespace hone::train
