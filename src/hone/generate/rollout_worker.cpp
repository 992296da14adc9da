#include "hone/generate/rollout_worker.h"

#include "hone/base/error.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hone::generate {

RolloutWorker::RolloutWorker(RollJob& job)
    : job_(job),
      sampler_(job.sampling, job.model.config.vocab),
      workspace_(job.model.config, job.rope, job.most_tokens) {
  add_slots(job.slots);
}

// In one piece of memory, which is touched when tokens are stored in it.
void RolloutWorker::add_slots(int64_t count) {
  const int64_t floats = KvCache::floats(job_.model.config, job_.most_own_tokens);
  const auto memory = std::make_shared<kernels::Floats>(count * floats);
  for (int64_t i = 0; i < count; ++i) {
    free_.push_back(std::make_unique<LiveSequence>());
    free_.back()->memory = memory;
    free_.back()->cache = KvCache(job_.model.config, job_.most_own_tokens, memory->data() + i * floats);
  }
}

void RolloutWorker::run() {
  job_.hand_over.begin();
  try {
    while (!job_.hand_over.abandoned()) {
      open_prompts();
      start_samples();
      if (live_.empty() && prompts_.empty()) {
        live_ = job_.hand_over.take();
        if (live_.empty()) return;
      }
      step();
      if (job_.hand_over.wanted()) share();
    }
  } catch (...) {
    job_.hand_over.abandon();
    throw;
  }
}

// Half of the live sequences go to workers that have none. Samples not yet started stay: their prompt's cache is here.
void RolloutWorker::share() {
  const std::size_t keep = (live_.size() + 1) / 2;
  if (keep == live_.size()) return;
  std::vector<std::unique_ptr<LiveSequence>> spare;
  std::move(live_.begin() + static_cast<std::ptrdiff_t>(keep), live_.end(), std::back_inserter(spare));
  live_.resize(keep);
  job_.hand_over.offer(std::move(spare));
}

// As many prompts as there are slots for their samples.
void RolloutWorker::open_prompts() {
  const auto total = static_cast<int64_t>(job_.tickets.size());
  while (waiting_samples_ < static_cast<int64_t>(free_.size())) {
    const int64_t next = job_.next_ticket.fetch_add(1, std::memory_order_relaxed);
    if (next >= total) return;
    auto prompt = std::make_shared<OpenPrompt>();
    prompt->ticket = job_.tickets[static_cast<std::size_t>(next)];
    prompt->request = &job_.requests[static_cast<std::size_t>(prompt->ticket.request)];
    prompt->ids = prompt->request->prompt;
    const text::Ids& forced = prompt->request->turns.front().forced;
    prompt->ids.insert(prompt->ids.end(), forced.begin(), forced.end());
    prompt->cache = KvCache(job_.model.config, static_cast<int64_t>(prompt->ids.size()));
    waiting_samples_ += prompt->ticket.samples;
    prompts_.push_back(std::move(prompt));
  }
}

// Samples of prompts that are ready go to free slots, each with its first token.
void RolloutWorker::start_samples() {
  // Slots given away with their sequences are replaced while there is something to put into them.
  const auto slots = static_cast<int64_t>(free_.size() + live_.size());
  if (waiting_samples_ > 0 && slots < job_.slots) add_slots(std::min(job_.slots - slots, waiting_samples_));
  for (const auto& prompt : prompts_) {
    const Ticket& ticket = prompt->ticket;
    while (!prompt->logits.empty() && prompt->started < ticket.samples && !free_.empty()) {
      const int64_t sample = ticket.first_sample + prompt->started++;
      --waiting_samples_;
      std::unique_ptr<LiveSequence> slot = std::move(free_.back());
      free_.pop_back();
      const auto index = job_.first_rollout[static_cast<std::size_t>(ticket.request)] + sample;
      slot->rollout = &job_.rollouts[static_cast<std::size_t>(index)];
      *slot->rollout = {ticket.request, sample, {Completion()}};
      slot->prompt = prompt;
      slot->rng = job_.rng.fork("sample", {prompt->request->key, static_cast<uint64_t>(sample)});
      slot->cache.clear();
      slot->done = false;
      sample_next(*slot, prompt->logits.data());
      (slot->done ? free_ : live_).push_back(std::move(slot));
    }
  }
  std::erase_if(prompts_, [](const auto& prompt) { return prompt->started == prompt->ticket.samples; });
}

// One forward pass: every live sequence's pending tokens, and the prompts that are not in their caches yet.
void RolloutWorker::step() {
  feeds_.clear();
  for (const auto& slot : live_) feeds_.push_back({slot->pending, &slot->prompt->cache, &slot->cache});
  for (const auto& prompt : prompts_) {
    if (prompt->logits.empty()) feeds_.push_back({prompt->ids, nullptr, &prompt->cache});
  }
  const auto vocab = static_cast<std::size_t>(job_.model.config.vocab);
  logits_.resize(std::max(logits_.size(), feeds_.size() * vocab));
  for (const Feed& feed : feeds_) fed_tokens_ += static_cast<int64_t>(feed.ids.size());
  forward(job_.model, feeds_, workspace_, logits_.data());

  const float* row = logits_.data();
  for (const auto& slot : live_) {
    sample_next(*slot, row);
    row += vocab;
  }
  for (const auto& prompt : prompts_) {
    if (!prompt->logits.empty()) continue;
    prompt->logits.assign(row, row + vocab);
    row += vocab;
  }
  const auto ended = std::stable_partition(live_.begin(), live_.end(), [](const auto& slot) { return !slot->done; });
  for (auto it = ended; it != live_.end(); ++it) {
    (*it)->prompt.reset();
    free_.push_back(std::move(*it));
  }
  live_.erase(ended, live_.end());
}

// Draws a token and plans what has to be fed before the next one.
void RolloutWorker::sample_next(LiveSequence& slot, const float* logits) {
  const Request& request = *slot.prompt->request;
  Draw draw;
  try {
    draw = sampler_.draw({logits, static_cast<std::size_t>(job_.model.config.vocab)}, slot.rng);
  } catch (const Error& error) {
    fail(error.kind(), "generate: request {} (key {}), sample {}, turn {}, token {}: {}", slot.rollout->request,
         request.key, slot.rollout->sample, slot.rollout->turns.size() - 1, slot.rollout->turns.back().ids.size(),
         error.what());
  }
  ++sampled_tokens_;
  slot.done = advance(request, *slot.rollout, draw, job_.tokenizer, slot.pending) == Progress::ended;
}

Progress advance(const Request& request, Rollout& rollout, const Draw& draw, const text::Tokenizer& tokenizer,
                 text::Ids& pending) {
  auto& turns = rollout.turns;
  Completion& completion = turns.back();
  completion.ids.push_back(draw.id);
  completion.logprobs.push_back(draw.logprob);
  completion.finish = text::check_stop(request.turns[turns.size() - 1].stop, completion.ids, tokenizer);
  pending.assign(1, draw.id);
  if (completion.finish == text::Finish::running) return Progress::goes_on;
  if (turns.size() == request.turns.size()) return Progress::ended;
  const text::Ids& forced = request.turns[turns.size()].forced;
  pending.insert(pending.end(), forced.begin(), forced.end());
  turns.emplace_back();
  return Progress::goes_on;
}

}  // namespace hone::generate
