// One training step over micro-batch slots: every slot runs forward and backward on its own sequences with its own
// gradient buffer, then one reduction in fixed order and one update.
#pragma once

#include "hone/models/decoder.h"
#include "hone/optim/adamw.h"
#include "hone/train/collate.h"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace hone::train {

/// The loss of one micro-batch under `model` (a replica whose parameters require gradients).
using MicroLoss = std::function<tensor::Loss(const models::Decoder& model, const tensor::Batch& batch)>;

struct StepReport {
  double loss = 0;  ///< Σ sum / Σ count
  double count = 0;
  double grad_norm = 0;  ///< of the whole gradient, before clipping
  double lr = 0;
  int64_t tokens = 0;                     ///< positions run through the model, padding counted
  std::map<std::string, double> metrics;  ///< Σ metric / Σ count
};

/// Bytes that the slots' gradients may take together.
inline constexpr int64_t kGradientBytes = int64_t{512} << 20;

/// Slots of a model: as many gradients as fit `gradient_bytes`, at least 1 and at most 8.
int64_t slot_count(int64_t parameters, int64_t gradient_bytes = kGradientBytes);

/// Gradient buffers and per-slot replicas of one model; gradients are those of what is trained, so that an adapted
/// model takes none of its base's size. Two regimes on the CPU, chosen by the model's size alone:
///
///   2–8 slots  threads run whole micro-batches side by side; slot s takes micro-batches s, s + slots, …
///   1 slot     for a model of which two gradients do not fit (above 64 M parameters): micro-batches are joined to
///              larger ones and run one after the other; the threads share every product and kernel (nn::ParallelScope)
///
/// In both the order of every sum, and with it every bit, is the same for any number of threads.
///
/// A model on another device (models::to_device) has 1 slot; its micro-batches are joined into larger ones there
/// (train/device_batch.h), so that the device has work. Sums on a device are not the same to the bit from run to run.
class Slots {
 public:
  /// gradient_bytes is for tests: 0 forces the one-slot regime.
  Slots(models::Decoder& model, base::Pool& pool, int64_t gradient_bytes = kGradientBytes);

  /// Accumulates the gradient of Σ sum over all micro-batches, divides by Σ count and updates the model.
  /// Errors: numeric, naming the term, when the loss or the gradient is not finite; nothing is updated then.
  StepReport step(std::span<const MicroBatch> micros, const MicroLoss& loss, optim::AdamW& optimizer, double lr);

  /// The same without an update (held-out loss); no gradients are made.
  StepReport evaluate(std::span<const MicroBatch> micros, const MicroLoss& loss);

  /// The gradient of the last step() before clipping and scaling, for tests.
  const at::Tensor& gradient() const { return slots_[0].gradient; }

 private:
  struct Slot {
    models::Decoder replica;
    at::Tensor gradient;  ///< flat, same layout as Decoder::trained()
  };
  bool on_cpu() const { return model_.flat.is_cpu(); }
  int64_t joined_tokens() const;
  void clear(int64_t slot);
  void for_slots(int64_t count, const std::function<void(int64_t slot)>& work);
  void reduce(int64_t used);
  models::Decoder& model_;
  base::Pool& pool_;
  std::vector<Slot> slots_;
};

/// Parameter groups of what is trained of a decoder, for AdamW: matrices decay (adapters consist of them), norms and
/// biases don't (nor do embeddings of positions).
std::vector<optim::Segment> decay_segments(const models::Decoder& model, double weight_decay);

/// AdamW over what is trained of the model, with those groups.
optim::AdamW adamw_for(const models::Decoder& model, const optim::OptimOptions& options);

/// One sequence a row, within the model's vocabulary and context.
MicroOptions own_rows(const models::Decoder& model, int64_t micro_tokens = MicroOptions{}.micro_tokens);

/// log p(ids[t] | …) under `model` for every example with loss there; no gradient, parallel over micro-batches.
/// Result: per example one float per token (0 where the loss mask is 0).
std::vector<std::vector<float>> score_examples(const models::Decoder& model, std::span<const data::Example> examples,
                                               const MicroOptions& options, base::Pool& pool, double temperature = 1.0);

/// A number for every token of a batch: [B, T].
using TokenNumbers = std::function<at::Tensor(const models::Decoder& model, const tensor::Batch& batch)>;
/// The numbers of every token of every example, 0 for those of a prompt that is shared; no gradient, parallel over
/// micro-batches. Errors: internal for packed rows; for values (below) also where prompts are shared.
std::vector<std::vector<float>> per_token(const models::Decoder& model, std::span<const data::Example> examples,
                                          const MicroOptions& options, base::Pool& pool, const TokenNumbers& numbers);

/// What a critic expects before each token with loss is chosen (models::values_before); 0 elsewhere.
std::vector<std::vector<float>> value_examples(const models::Decoder& critic, std::span<const data::Example> examples,
                                               const MicroOptions& options, base::Pool& pool);

/// What a reward model says after the last token of every example: [examples].
std::vector<double> final_values(const models::Decoder& model, std::span<const data::Example> examples,
                                 const MicroOptions& options, base::Pool& pool);

}  // namespace hone::train
