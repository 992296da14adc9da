// One worker's share of a roll: live sequences decoded in lock step, with free slots refilled from a common queue.
#pragma once

#include "hone/generate/engine.h"
#include "hone/generate/packed_decoder.h"

#include <atomic>
#include <memory>
#include <span>
#include <vector>

namespace hone::generate {

/// Some samples of one request, run by one worker on one copy of the prompt's cache.
struct Ticket {
  int64_t request = 0, first_sample = 0, samples = 0;
};

/// Everything the workers of one roll share. Workers write to their own rollouts only.
struct RollJob {
  const PackedDecoder& model;
  std::span<const Request> requests;
  const Sampling& sampling;
  const text::Tokenizer& tokenizer;
  Rng rng;
  std::vector<Ticket> tickets{};
  std::vector<int64_t> first_rollout{};  ///< per request: index of its first rollout
  std::vector<Rollout> rollouts{};
  RopeTable rope{};
  int64_t slots = 1;            ///< live sequences of a worker
  int64_t most_tokens = 0;      ///< longest sequence
  int64_t most_own_tokens = 0;  ///< longest part of one that is not its prompt
  std::atomic<int64_t> next_ticket{0};
};

/// Takes tickets until none is left and runs them to the end. A sequence's results depend on the job's rng, its
/// request's key and its sample index alone: rows don't see each other, so it does not matter which worker takes a
/// ticket or which slot a sample lands in.
class RolloutWorker {
 public:
  explicit RolloutWorker(RollJob& job);
  ~RolloutWorker();
  void run();
  int64_t sampled_tokens() const { return sampled_tokens_; }
  int64_t fed_tokens() const { return fed_tokens_; }

 private:
  struct Prompt;
  struct Slot;
  void open_prompts();
  void start_samples();
  void step();
  void sample_next(Slot& slot, const float* logits);

  RollJob& job_;
  Sampler sampler_;
  Workspace workspace_;
  std::vector<std::shared_ptr<Prompt>> prompts_;  ///< with samples not yet started, oldest first
  std::vector<std::unique_ptr<Slot>> live_, free_;
  std::vector<Feed> feeds_;
  std::vector<float> logits_;
  int64_t waiting_samples_ = 0;  ///< of prompts_
  int64_t sampled_tokens_ = 0, fed_tokens_ = 0;
};

}  // namespace hone::generate
