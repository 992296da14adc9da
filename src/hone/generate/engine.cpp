#include "hone/generate/engine.h"

#include "hone/base/error.h"
#include "hone/generate/device_roll.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace hone::generate {
namespace {

// Samples of a request that share a copy of its prompt's cache. It does not depend on the threads, so that the tokens
// fed do not either. Small enough that one request with many samples keeps several workers busy, and smaller towards
// the end of the queue, so that workers run dry at about the same time.
constexpr int64_t kTicketSamples = 16, kLastTicketSamples = 8;
int64_t ticket_samples(int64_t rollouts_left) {
  return std::clamp(rollouts_left / 8, kLastTicketSamples, kTicketSamples);
}

constexpr int64_t kMostSamples = 1 << 20;

struct Lengths {
  int64_t prompt = 0;  // with the forced tokens of turn 0
  int64_t own = 0;     // most tokens that can follow

  int64_t total() const { return prompt + own; }
};

Lengths lengths_of(const Request& request) {
  Lengths n{static_cast<int64_t>(request.prompt.size()), 0};
  for (std::size_t t = 0; t < request.turns.size(); ++t) {
    (t == 0 ? n.prompt : n.own) += static_cast<int64_t>(request.turns[t].forced.size());
    n.own += request.turns[t].stop.max_tokens;
  }
  return n;
}

void check_ids(const text::Ids& ids, int64_t vocab, int64_t request, std::string_view what) {
  for (const int32_t id : ids)
    require(id >= 0 && id < vocab, ErrorKind::data,
            "generate: {} of request {} has token id {}; the model has {} tokens", what, request, id, vocab);
}

void check_request(const Request& request, int64_t index, const models::DecoderConfig& config,
                   const text::Tokenizer* tokenizer) {
  require(!request.prompt.empty(), ErrorKind::data, "generate: the prompt of request {} is empty", index);
  require(request.samples >= 1 && request.samples <= kMostSamples, ErrorKind::usage,
          "generate: request {} asks for {} samples; from 1 to {} are possible", index, request.samples, kMostSamples);
  require(!request.turns.empty(), ErrorKind::usage, "generate: request {} has no turns", index);
  check_ids(request.prompt, config.vocab, index, "the prompt");
  for (const TurnPlan& turn : request.turns) {
    check_ids(turn.forced, config.vocab, index, "a forced part");
    require(turn.stop.max_tokens >= 1 && turn.stop.max_tokens <= config.context, ErrorKind::usage,
            "generate: request {} allows {} tokens in a turn; from 1 to the context of {} are possible", index,
            turn.stop.max_tokens, config.context);
    require(turn.stop.strings.empty() || tokenizer, ErrorKind::usage,
            "generate: request {} has stop strings, which need a tokenizer", index);
  }
  const Lengths n = lengths_of(request);
  if (n.total() > config.context)
    throw Error(
        ErrorKind::data,
        fmt::format("generate: request {} could reach {} tokens ({} of prompt, {} forced or sampled after it); the "
                    "model's context is {}",
                    index, n.total(), n.prompt, n.own, config.context),
        "shorten the prompt or lower max_tokens");
}

std::vector<Ticket> cut_tickets(std::span<const Request> requests, int64_t rollouts) {
  std::vector<Ticket> tickets;
  for (std::size_t r = 0; r < requests.size(); ++r) {
    for (int64_t s = 0; s < requests[r].samples;) {
      const int64_t count = std::min(ticket_samples(rollouts), requests[r].samples - s);
      tickets.push_back({static_cast<int64_t>(r), s, count});
      s += count;
      rollouts -= count;
    }
  }
  return tickets;
}

// Live sequences of a worker. The matrix kernel is at its best from 4 rows on; what more rows save is reading the
// weights again, what they cost is that their caches push each other, and the weights, out of the CPU's cache.
int64_t slots_of_worker(const EngineOptions& options, int64_t rollouts, int64_t workers, int64_t sequence_bytes) {
  constexpr int64_t kFew = 8, kMany = 16, kNearBytes = 4 << 20;
  // Caches too large to stay near are read from afar anyway; then it is the weights that should be read less often.
  const bool far = kFew * sequence_bytes > 2 * kNearBytes;
  const int64_t best = far ? kMany : std::max(kFew, kNearBytes / std::max<int64_t>(1, sequence_bytes));
  // Every live sequence may have a prompt of its own; `sequence_bytes` is the cache of both.
  const int64_t fitting = options.cache_bytes / std::max<int64_t>(1, sequence_bytes);
  return std::max<int64_t>(1, std::min({options.slots, best, fitting, (rollouts + workers - 1) / workers}));
}

// The torch backend: weights, and the step for the size of the last roll.
struct Torch {
  TorchDecoder decoder;
  std::unique_ptr<DecodeStep> step;

  // Columns in steps of 64, so that rolls of nearly one length share a step and its graph.
  DecodeStep& step_for(const RollJob& job, const EngineOptions& options) {
    constexpr int64_t kColumns = 64;
    const models::DecoderConfig& c = decoder.config();
    const int64_t columns = (job.most_tokens + 1 + kColumns - 1) / kColumns * kColumns;
    const int64_t row_bytes =
        2 * c.layers * c.kv_heads * c.head_dim * columns * static_cast<int64_t>(decoder.like().element_size());
    const int64_t fitting = std::min(options.torch_rows, options.torch_cache_bytes / row_bytes);
    const int64_t rows =
        std::clamp<int64_t>(static_cast<int64_t>(job.rollouts.size()), 1, std::max<int64_t>(1, fitting));
    if (!step || step->cache().rows() != rows || step->cache().columns() != columns ||
        step->sampling() != job.sampling) {
      step.reset();  // first, so that two caches never exist
      step = std::make_unique<DecodeStep>(decoder, job.sampling, rows, columns);
    }
    return *step;
  }
};

std::unique_ptr<Torch> torch_backend(const models::Decoder& model, const EngineOptions& options) {
  require(!model.scalar(), ErrorKind::usage,
          "generate: the model gives one number a position (a critic or a reward model) and no tokens");
  const bool wanted = options.backend == Backend::torch;
  require(model.flat.is_cpu() || options.backend != Backend::packed, ErrorKind::usage,
          "generate: the packed backend needs a model on the CPU");
  if (model.flat.is_cpu() && !wanted) return nullptr;
  require(options.weights == kernels::WeightFormat::fp32, ErrorKind::usage,
          "generate: rounded weights are for the CPU; a device computes in the model's activations");
  return std::make_unique<Torch>(Torch{TorchDecoder(model), nullptr});
}

}  // namespace

struct Engine::State {
  base::Pool& pool;
  const text::Tokenizer* tokenizer;
  EngineOptions options;
  std::unique_ptr<Torch> torch{};  // or else:
  PackedDecoder model{};
  RopeTable rope{};                // for the longest roll so far
  text::Tokenizer no_tokenizer{};  // stands in where no stop strings are used
};

Engine::Engine(const models::Decoder& model, base::Pool& pool, const text::Tokenizer* tokenizer,
               const EngineOptions& options)
    : state_(new State{pool, tokenizer, options, torch_backend(model, options)}) {
  if (state_->torch) {
    state_->model.config = model.config;
  } else {
    state_->model = pack(model, pool, options.weights);
  }
}

Engine::~Engine() = default;

void Engine::refresh(const models::Decoder& model) {
  if (state_->torch) return state_->torch->decoder.refresh(model);
  state_->model = pack(model, state_->pool, state_->options.weights);
  state_->rope = {};
}

std::vector<Rollout> Engine::roll(std::span<const Request> requests, const Sampling& sampling, Rng rng,
                                  RollStats* stats) const {
  const auto start = std::chrono::steady_clock::now();
  const models::DecoderConfig& config = state_->model.config;
  const text::Tokenizer* tokenizer = state_->tokenizer;
  check_sampling(sampling);
  RollJob job{.model = state_->model,
              .requests = requests,
              .sampling = sampling,
              .tokenizer = tokenizer ? *tokenizer : state_->no_tokenizer,
              .rng = rng,
              .rope = state_->rope};
  int64_t rollouts = 0;
  for (std::size_t r = 0; r < requests.size(); ++r) {
    check_request(requests[r], static_cast<int64_t>(r), config, tokenizer);
    const Lengths n = lengths_of(requests[r]);
    job.most_tokens = std::max(job.most_tokens, n.total());
    job.most_own_tokens = std::max(job.most_own_tokens, n.own);
    job.most_prompt_tokens = std::max(job.most_prompt_tokens, n.prompt);
    job.first_rollout.push_back(rollouts);
    rollouts += requests[r].samples;
  }
  job.tickets = cut_tickets(requests, rollouts);
  job.rollouts.resize(static_cast<std::size_t>(rollouts));
  const auto report = [&](int64_t sampled, int64_t fed) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (stats) *stats = {sampled, fed, seconds.count()};
  };
  if (state_->torch) {
    DeviceRoll roll(job, state_->torch->decoder, state_->torch->step_for(job, state_->options));
    roll.run();
    report(roll.sampled_tokens(), roll.fed_tokens());
    return std::move(job.rollouts);
  }
  if (state_->rope.tokens < job.most_tokens) state_->rope = make_rope_table(config, job.most_tokens);
  const int64_t sequence_floats =
      KvCache::floats(config, job.most_own_tokens) + KvCache::floats(config, job.most_prompt_tokens);
  job.slots = slots_of_worker(state_->options, rollouts, state_->pool.threads(),
                              sequence_floats * static_cast<int64_t>(sizeof(float)));

  std::atomic<int64_t> sampled{0}, fed{0};
  state_->pool.for_each(rollouts == 0 ? 0 : state_->pool.threads(), [&](int64_t, int) {
    RolloutWorker worker(job);
    worker.run();
    sampled += worker.sampled_tokens();
    fed += worker.fed_tokens();
  });
  report(sampled, fed);
  return std::move(job.rollouts);
}

Sequence sequence_of(const Request& request, const Rollout& rollout) {
  Sequence s;
  const auto context = [&](const text::Ids& ids) {
    s.ids.insert(s.ids.end(), ids.begin(), ids.end());
    s.turn.resize(s.ids.size(), -1);
    s.behavior.resize(s.ids.size(), 0.0f);
  };
  context(request.prompt);
  require(rollout.turns.size() <= request.turns.size(), ErrorKind::internal,
          "generate: a rollout of {} turns does not belong to a request of {}", rollout.turns.size(),
          request.turns.size());
  for (std::size_t t = 0; t < rollout.turns.size(); ++t) {
    const Completion& completion = rollout.turns[t];
    context(request.turns[t].forced);
    s.turn_begin.push_back(static_cast<int64_t>(s.ids.size()));
    s.ids.insert(s.ids.end(), completion.ids.begin(), completion.ids.end());
    s.turn.resize(s.ids.size(), static_cast<int32_t>(t));
    s.behavior.insert(s.behavior.end(), completion.logprobs.begin(), completion.logprobs.end());
  }
  return s;
}

}  // namespace hone::generate
