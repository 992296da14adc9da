// One worker's share of a roll: live sequences decoded in lock step, with free slots refilled from a common queue.
#pragma once

#include "hone/generate/engine.h"
#include "hone/generate/hand_over.h"
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

/// A ticket's prompt, with the forced tokens of turn 0: in the cache once, read by all its samples.
struct OpenPrompt {
  Ticket ticket;
  const Request* request = nullptr;
  text::Ids ids;
  KvCache cache;
  std::vector<float> logits;  ///< after the last token; empty until the prompt has been put through the model
  int64_t started = 0;        ///< samples
};

/// A sequence that is being sampled; any worker can go on with it.
struct LiveSequence {
  std::shared_ptr<kernels::Floats> memory;  ///< of `cache`, shared with the other sequences it was made with
  KvCache cache;                            ///< what follows the prompt
  std::shared_ptr<OpenPrompt> prompt;
  Rng rng{0};
  Rollout* rollout = nullptr;
  text::Ids pending;  ///< sampled and forced tokens that are not in the cache yet
  bool done = false;
};

/// Everything the workers of one roll share. Workers write to the rollouts of their own sequences only.
struct RollJob {
  const PackedDecoder& model;
  std::span<const Request> requests;
  const Sampling& sampling;
  const text::Tokenizer& tokenizer;
  Rng rng;
  const RopeTable& rope;
  std::vector<Ticket> tickets{};
  std::vector<int64_t> first_rollout{};  ///< per request: index of its first rollout
  std::vector<Rollout> rollouts{};
  int64_t slots = 1;               ///< live sequences of a worker
  int64_t most_tokens = 0;         ///< longest sequence
  int64_t most_own_tokens = 0;     ///< longest part of one that is not its prompt
  int64_t most_prompt_tokens = 0;  ///< longest prompt
  std::atomic<int64_t> next_ticket{0};
  HandOver<std::unique_ptr<LiveSequence>> hand_over{};
};

enum class Progress { goes_on, ended };
/// Adds a draw to a rollout and plans what is fed before the next one: the draw, and the forced tokens of a turn that
/// begins after it. Errors: those of text::check_stop.
Progress advance(const Request& request, Rollout& rollout, const Draw& draw, const text::Tokenizer& tokenizer,
                 text::Ids& pending);

/// Takes tickets until none is left and runs them to the end; then takes over sequences of workers that still have
/// several. A sequence's results depend on the job's rng, its request's key and its sample index alone: rows don't see
/// each other, so it does not matter which worker takes a ticket or goes on with a sequence.
class RolloutWorker {
 public:
  explicit RolloutWorker(RollJob& job);
  void run();
  int64_t sampled_tokens() const { return sampled_tokens_; }
  int64_t fed_tokens() const { return fed_tokens_; }

 private:
  void add_slots(int64_t count);
  void open_prompts();
  void start_samples();
  void step();
  void sample_next(LiveSequence& sequence, const float* logits);
  void share();

  RollJob& job_;
  Sampler sampler_;
  Workspace workspace_;
  std::vector<std::shared_ptr<OpenPrompt>> prompts_;  ///< with samples not yet started, oldest first
  std::vector<std::unique_ptr<LiveSequence>> live_, free_;
  std::vector<Feed> feeds_;
  std::vector<float> logits_;
  int64_t waiting_samples_ = 0;  ///< of prompts_
  int64_t sampled_tokens_ = 0, fed_tokens_ = 0;
};

}  // namespace hone::generate
