// A roll on a device: as many sequences as fit, side by side in a static cache, one token a step for all of them.
#pragma once

#include "hone/generate/replay.h"
#include "hone/generate/rollout_worker.h"
#include "hone/generate/torch_decoder.h"

#include <vector>

namespace hone::generate {

/// The decode step of a cache: one token for every row, and a draw from what follows it. Its tensors stay where they
/// are, so that it can be replayed; what crosses to the host are three numbers a row.
class DecodeStep {
 public:
  /// `decoder` must outlive the step.
  DecodeStep(const TorchDecoder& decoder, const Sampling& sampling, int64_t rows, int64_t columns);

  /// in_3R [3, rows] float64 on the CPU: token, its column, the uniform that the draw inverts. Result [3, rows] float64
  /// on the CPU: token drawn (top-k and top-p left out), its log-prob, whether all logits are finite.
  at::Tensor run(const at::Tensor& in_3R);
  /// Of the last run: [rows, V] float32.
  const at::Tensor& logits() const { return logits_RV_; }

  StaticCache& cache() { return cache_; }
  const Sampling& sampling() const { return sampling_; }

 private:
  void on_device();
  const TorchDecoder& decoder_;
  Sampling sampling_;
  StaticCache cache_;
  at::Tensor in_3R_, out_3R_, logits_RV_;
  Replay replay_;
};

/// Runs a job to its end, filling job.rollouts. The results are those of RolloutWorker up to rounding: a row's numbers
/// may depend on how many others libtorch multiplies with it, so a draw can differ where a uniform falls next to a
/// border between two tokens.
class DeviceRoll {
 public:
  DeviceRoll(RollJob& job, const TorchDecoder& decoder, DecodeStep& step);
  void run();
  int64_t sampled_tokens() const { return sampled_tokens_; }
  int64_t fed_tokens() const { return fed_tokens_; }

 private:
  struct Row {
    const Request* request = nullptr;  // nullptr = free
    Rollout* rollout = nullptr;
    Rng rng{0};
    text::Ids pending;    // tokens that are not in the cache yet; all but the last are fed before the step
    int64_t tokens = 0;   // in the cache
    int64_t leader = -1;  // row whose prompt this one copies; -1 = it feeds its own
  };
  void fill_rows();
  void start(Row& row);
  void feed_prompts();
  void feed_pending(std::vector<int64_t> rows);
  void step();
  Draw draw(int64_t row, const at::Tensor& out_3R, const at::Tensor& logits_RV);
  void take(Row& row, const Draw& draw);

  RollJob& job_;
  const TorchDecoder& decoder_;
  DecodeStep& step_;
  Sampler sampler_;
  std::vector<Row> rows_;
  std::size_t next_request_ = 0;
  int64_t next_sample_ = 0, live_ = 0;
  int64_t sampled_tokens_ = 0, fed_tokens_ = 0;
};

}  // namespace hone::generate
