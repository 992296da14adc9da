// One sequence, token by token, for somebody who reads along. What was read before is not read again.
#pragma once

#include "hone/base/pool.h"
#include "hone/base/rng.h"
#include "hone/generate/engine.h"

#include <functional>
#include <memory>

namespace hone::generate {

/// A text to be gone on with.
struct WriteJob {
  text::Ids context;  ///< everything so far
  text::StopRule stop;
  Sampling sampling;
  Rng rng{0};  ///< one uniform a token
};

/// What a reader says after each token.
enum class Flow { go_on, stop };
using OnToken = std::function<Flow(int32_t id)>;

class Writer {
 public:
  /// Packs the weights of `model`, which must be on the CPU; `tokenizer` serves stop strings only.
  Writer(const models::Decoder& model, base::Pool& pool, const text::Tokenizer& tokenizer,
         kernels::WeightFormat weights = kernels::WeightFormat::fp32);
  ~Writer();

  /// Samples until job.stop, or until `on_token` says so (finish is then `running`). The keys and values of what
  /// job.context shares with the beginning of the sequence written last are kept. The result is, bit for bit, that of
  /// Engine::roll for sample s of a request with key k, when job.rng is rng.fork("sample", {k, s}).
  /// Errors: data for an empty context, an id outside the vocabulary, a context that leaves no room for
  /// stop.max_tokens; usage for `sampling` out of range; numeric if logits are not finite.
  /// Cost: 2·parameters FLOP a token, on one thread.
  Completion write(const WriteJob& job, const OnToken& on_token);

  /// Tokens of the last job's context that did not have to be put through the model.
  int64_t kept_tokens() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone::generate
