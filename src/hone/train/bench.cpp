#include "hone/train/bench.h"

#include "hone/base/error.h"
#include "hone/generate/engine.h"
#include "hone/objectives/lm.h"
#include "hone/train/step.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <functional>

namespace hone::train {
namespace {

struct Shape {
  int64_t width, layers, heads, tokens, rows;
};

constexpr Shape kShapes[] = {{128, 4, 4, 32, 256}, {128, 4, 4, 128, 64}, {256, 6, 8, 256, 16}};
constexpr int kRepeats = 5;
constexpr int64_t kVocab = 120;

models::Decoder model_of(const Shape& s) {
  models::ModelOptions options{.width = s.width, .layers = s.layers, .heads = s.heads, .context = s.tokens};
  return models::fresh(models::config_of(options, kVocab), Rng(1));
}

text::Ids random_ids(int64_t count, Rng rng) {
  text::Ids ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(rng.below(kVocab)));
  return ids;
}

// Runs `work` (which returns the tokens it handled) once to warm up, then times it.
Json time_row(const char* what, const Shape& s, int64_t parameters, double flops_per_token,
              const std::function<int64_t()>& work) {
  work();
  double sum = 0, squares = 0;
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto tokens = static_cast<double>(work());
    const double rate = tokens / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    sum += rate;
    squares += rate * rate;
  }
  const double mean = sum / kRepeats;
  const double deviation = std::sqrt(std::max(0.0, (squares - sum * mean) / (kRepeats - 1)));
  return {{"name", fmt::format("{} d{} L{} H{} T{} B{}", what, s.width, s.layers, s.heads, s.tokens, s.rows)},
          {"mean", mean}, {"sd", deviation}, {"unit", "tokens/s"}, {"parameters", parameters},
          {"gflops", mean * flops_per_token * static_cast<double>(parameters) / 1e9}};
}

Json train_row(const Shape& s, base::Pool& pool) {
  auto model = model_of(s);
  const optim::OptimOptions options;
  optim::AdamW optimizer(model.flat, decay_segments(model, options.weight_decay), options);
  Slots slots(model, pool);
  std::vector<data::Example> examples;
  for (int64_t i = 0; i < s.rows; ++i) {
    data::Example e{.ids = random_ids(s.tokens, Rng(2).fork("row", {static_cast<uint64_t>(i)}))};
    e.loss_mask.assign(static_cast<std::size_t>(s.tokens), 1);
    e.loss_mask[0] = 0;
    examples.push_back(std::move(e));
  }
  const auto micros = micro_batches(examples, {.vocab = kVocab, .context = s.tokens});
  const auto loss = [](const models::Decoder& m, const tensor::Batch& b) {
    return objectives::lm_loss(models::logprobs(m, b), b.loss_mask_BT);
  };
  return time_row("train", s, models::parameter_count(model), 6,
                  [&] { return slots.step(micros, loss, optimizer, 1e-4).tokens; });
}

// A prompt of a quarter of the tokens, the rest sampled in two attempts; no stop token, so that lengths are fixed.
Json generate_row(const Shape& s, base::Pool& pool) {
  const auto model = model_of(s);
  const generate::Engine engine(model, pool);
  const int64_t prompt = s.tokens / 4, attempt = (s.tokens - prompt) / 2 - 1;
  std::vector<generate::Request> requests;
  for (int64_t i = 0; i < s.rows / 4; ++i) {
    const generate::TurnPlan turn{{}, {{}, {}, attempt}};
    generate::Request r{random_ids(prompt, Rng(3).fork("prompt", {static_cast<uint64_t>(i)})), {turn, turn}, 4,
                        static_cast<uint64_t>(i)};
    r.turns[1].forced = {1};
    requests.push_back(std::move(r));
  }
  return time_row("generate", s, models::parameter_count(model), 2, [&] {
    generate::RollStats stats;
    engine.roll(requests, {}, Rng(4), &stats);
    return stats.sampled_tokens;
  });
}

}  // namespace

Json bench(const std::string& what, base::Pool& pool) {
  require(what == "train" || what == "generate", ErrorKind::usage, "bench: unknown \"{}\"; known: train, generate", what);
  Json rows = Json::array();
  for (const auto& shape : kShapes) rows.push_back(what == "train" ? train_row(shape, pool) : generate_row(shape, pool));
  return rows;
}

}  // namespace hone::train
