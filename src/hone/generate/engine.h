// Batched rollouts. On the CPU: K samples share their prompt's cache, every worker owns its sequences to the end, slots
// are refilled as sequences end, and the second turn of a conversation goes on from the first one's cache with exactly
// the tokens that were sampled (nothing is tokenised again). On a device: one lock step for all sequences that fit.
#pragma once

#include "hone/base/pool.h"
#include "hone/base/rng.h"
#include "hone/generate/sampling.h"
#include "hone/kernels/linear.h"
#include "hone/models/decoder.h"
#include "hone/text/stop.h"

#include <memory>
#include <span>
#include <vector>

namespace hone::generate {

/// One attempt: tokens put into the context first (an instruction), then sampling until the rule stops it.
struct TurnPlan {
  text::Ids forced;
  text::StopRule stop;
};

/// A prompt to be rolled out `samples` times.
struct Request {
  text::Ids prompt;
  std::vector<TurnPlan> turns;
  int64_t samples = 1;
  uint64_t key = 0;  ///< names the request for the RNG; results depend on (rng, key, sample), not on the order
};

struct Completion {
  text::Ids ids;                ///< sampled tokens, stop token included
  std::vector<float> logprobs;  ///< per token, nats, under the sampling distribution
  text::Finish finish = text::Finish::stop;
};

struct Rollout {
  int64_t request = 0, sample = 0;
  std::vector<Completion> turns;  ///< one per TurnPlan
};

/// What a roll() cost.
struct RollStats {
  int64_t sampled_tokens = 0;
  int64_t fed_tokens = 0;  ///< tokens put through the model: prompts, forced tokens, and sampled ones that went on
  double seconds = 0;
};

/// What computes: hone's packed weights and kernels, or libtorch on the device of the model.
enum class Backend {
  by_device,  ///< packed for a model on the CPU, torch elsewhere
  packed,
  torch
};

/// How an engine works. `slots` and `cache_bytes` bound what one worker holds: they change the speed, never the
/// results.
struct EngineOptions {
  int64_t slots = 32;                 ///< most sequences a worker decodes in lock step; fewer if their caches are large
  int64_t cache_bytes = 256ll << 20;  ///< caches of keys and values of a worker; one sequence is always run
  /// How the matrices are kept. bf16 and int8 halve and quarter what a small batch has to read, and sample from another
  /// model than the trainer's: log-probs are exact under that model, and only fp32's agree with the trainer's to 1e-4.
  /// A policy gradient on such rollouts is off-policy, which train::check_on_policy refuses.
  kernels::WeightFormat weights = kernels::WeightFormat::fp32;
  Backend backend = Backend::by_device;
  int64_t torch_rows = 512;                ///< most sequences that the torch backend decodes in lock step
  int64_t torch_cache_bytes = 16ll << 30;  ///< and what their cache may take; one sequence is always run
};

class Engine {
 public:
  /// Packs the weights of `model`; call refresh() after they have changed. `tokenizer` serves stop strings only; it and
  /// `pool` must outlive the engine.
  /// Errors: usage for a scalar model, for the packed backend with a model on a device, and for the torch backend with
  /// rounded weights (it computes in the model's activations).
  Engine(const models::Decoder& model, base::Pool& pool, const text::Tokenizer* tokenizer = nullptr,
         const EngineOptions& options = {});
  ~Engine();

  void refresh(const models::Decoder& model);

  /// All rollouts, ordered by request then sample; none for no requests. The same bits for any number of threads, any
  /// batch and any order of requests. Sample s of a request draws from rng.fork("sample", {key, s}), one uniform a
  /// token. Not re-entrant: it runs on the pool. The torch backend's results are the same up to rounding, not to the
  /// bit: see DeviceRoll.
  /// Errors: data if a prompt is empty, has an id outside the vocabulary or could outgrow the context; usage for a
  /// request without samples, turns or tokens to sample, for stop strings without a tokenizer and for `sampling` out of
  /// range (each naming the request and the numbers); numeric if logits are not finite.
  std::vector<Rollout> roll(std::span<const Request> requests, const Sampling& sampling, Rng rng,
                            RollStats* stats = nullptr) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The whole conversation of a rollout as one training sequence: prompt, forced and sampled tokens, with loss_mask and
/// behavior log-probs on the sampled ones.
struct Sequence {
  text::Ids ids;
  std::vector<int32_t> turn;        ///< per token: turn index of sampled tokens, -1 elsewhere
  std::vector<float> behavior;      ///< 0 where turn is -1
  std::vector<int64_t> turn_begin;  ///< index of the first sampled token of every turn
};
Sequence sequence_of(const Request& request, const Rollout& rollout);

}  // namespace hone::generate
