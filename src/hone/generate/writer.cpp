#include "hone/generate/writer.h"

#include "hone/base/error.h"
#include "hone/generate/packed_decoder.h"

#include <algorithm>
#include <optional>

namespace hone::generate {
namespace {

std::size_t common_prefix(const text::Ids& a, const text::Ids& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

void check_job(const WriteJob& job, const models::DecoderConfig& config) {
  check_sampling(job.sampling);
  require(!job.context.empty(), ErrorKind::data, "generate: there is no text to go on with");
  for (const int32_t id : job.context)
    require(id >= 0 && id < config.vocab, ErrorKind::data, "generate: token id {}; the model has {} tokens", id,
            config.vocab);
  require(job.stop.max_tokens >= 1, ErrorKind::usage, "generate: {} tokens are to be written; at least 1 is possible",
          job.stop.max_tokens);
  const auto before = static_cast<int64_t>(job.context.size());
  if (job.stop.max_tokens > config.context - before)
    throw Error(ErrorKind::data,
                fmt::format("generate: {} tokens and up to {} more; the model's context is {}", before,
                            job.stop.max_tokens, config.context),
                "shorten the text or lower max_tokens");
}

}  // namespace

struct Writer::State {
  PackedDecoder model;
  text::Tokenizer tokenizer;
  RopeTable rope{};
  std::optional<Workspace> workspace{};
  KvCache cache{};
  text::Ids cached{};  // what is in the cache
  std::vector<float> logits{};
  int64_t room = 0, kept = 0;

  // Room for `tokens`; what was cached is lost when there was less, so that there is some to begin with.
  void reserve(int64_t tokens) {
    if (tokens <= room) return;
    constexpr int64_t kFirst = 2048;
    room = std::min(model.config.context, std::max({tokens, 2 * room, kFirst}));
    workspace.reset();
    rope = make_rope_table(model.config, room);
    workspace.emplace(model.config, rope, room);
    cache = KvCache(model.config, room);
    cached.clear();
  }

  // Logits after `ids`, which follow what is cached.
  void feed(const text::Ids& ids) {
    const Feed feed{ids, nullptr, &cache};
    forward(model, {&feed, 1}, *workspace, logits.data());
    cached.insert(cached.end(), ids.begin(), ids.end());
  }
};

Writer::Writer(const models::Decoder& model, base::Pool& pool, const text::Tokenizer& tokenizer,
               kernels::WeightFormat weights)
    : state_(new State{pack(model, pool, weights), tokenizer}) {
  state_->logits.resize(static_cast<std::size_t>(model.config.vocab));
}

Writer::~Writer() = default;

int64_t Writer::kept_tokens() const { return state_->kept; }

Completion Writer::write(const WriteJob& job, const OnToken& on_token) {
  State& s = *state_;
  check_job(job, s.model.config);
  s.reserve(static_cast<int64_t>(job.context.size()) + job.stop.max_tokens);
  // The last token is fed in any case: the logits after it are needed.
  const std::size_t kept = std::min(common_prefix(s.cached, job.context), job.context.size() - 1);
  s.kept = static_cast<int64_t>(kept);
  s.cache.keep(s.kept);
  s.cached.resize(kept);

  Sampler sampler(job.sampling, s.model.config.vocab);
  Rng rng = job.rng;
  text::Ids pending(job.context.begin() + static_cast<std::ptrdiff_t>(kept), job.context.end());
  Completion completion{.finish = text::Finish::running};
  while (completion.finish == text::Finish::running) {
    s.feed(pending);
    const Draw draw = sampler.draw(s.logits, rng);
    completion.ids.push_back(draw.id);
    completion.logprobs.push_back(draw.logprob);
    completion.finish = text::check_stop(job.stop, completion.ids, s.tokenizer);
    if (on_token(draw.id) == Flow::stop) break;
    pending.assign(1, draw.id);
  }
  return completion;
}

}  // namespace hone::generate
