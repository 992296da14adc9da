#include "hone/train/fit.h"

#include "hone/base/error.h"
#include "hone/objectives/lm.h"
#include "hone/train/step_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

namespace hone::train {
namespace {

MicroOptions micro_options(const FitOptions& o, const models::Decoder& model) {
  return {.rows = o.rows == "packed" ? Rows::packed : Rows::one_each, .micro_tokens = o.micro_tokens,
          .row_tokens = o.row_tokens, .vocab = model.config.vocab, .context = model.config.context};
}

tensor::Loss language_loss(const models::Decoder& model, const tensor::Batch& batch) {
  return objectives::lm_loss(models::logprobs(model, batch), batch.loss_mask_BT);
}

}  // namespace

void fit(Env& env, Session& session, std::string_view phase, models::Decoder& model, const FitOptions& options,
         const ExampleSource& source, const Monitor& monitor) {
  const auto micro = micro_options(options, model);
  auto optimizer = adamw_for(model, options.optim);
  Slots slots(model, env.pool);
  TrainState state{model, optimizer};
  session.phase(phase, options.steps, state, [&](int64_t step) {
    StepLog log(env, phase, step);
    const auto micros = micro_batches(source(step), micro);
    const auto r = slots.step(micros, language_loss, optimizer,
                              optim::learning_rate(options.optim, step, options.steps));
    const double rate = log.stop(static_cast<double>(r.tokens));
    report::Metrics metrics = {{"loss", r.loss}, {"grad_norm", r.grad_norm}, {"lr", r.lr},
                               {"tokens", static_cast<double>(r.tokens)}};
    Next next = Next::go_on;
    if (monitor && (step + 1) % options.check_every == 0) {
      const auto check = monitor(step, state.notes);
      metrics.insert(metrics.end(), check.metrics.begin(), check.metrics.end());
      next = check.next;
    }
    log.write(metrics, {{"loss", fmt::format("{:.3f}", r.loss)}, {"tok/s", fmt::format("{:.1f}k", rate / 1e3)}});
    return next;
  });
}

double held_out_loss(Env& env, models::Decoder& model, const FitOptions& options,
                     const std::vector<data::Example>& examples) {
  return Slots(model, env.pool).evaluate(micro_batches(examples, micro_options(options, model)), language_loss).loss;
}

Next early_stop(double loss, int64_t patience, Json& notes) {
  const double best = notes.contains("best_loss") ? notes["best_loss"].get<double>() : 1e300;
  const int64_t waited = loss < best ? 0 : notes.value("looks_without_gain", int64_t{0}) + 1;
  notes["best_loss"] = std::min(best, loss);
  notes["looks_without_gain"] = waited;
  return patience > 0 && waited >= patience ? Next::stop : Next::go_on;
}

ExampleSource made(Env& env, int64_t batch, std::function<data::Example(int64_t step, Rng rng)> record) {
  return [&env, batch, record = std::move(record)](int64_t step) {
    std::vector<data::Example> out(static_cast<std::size_t>(batch));
    env.pool.for_each(batch, [&](int64_t i, int) {
      out[static_cast<std::size_t>(i)] =
          record(step, env.rng.fork("record", {static_cast<uint64_t>(step), static_cast<uint64_t>(i)}));
    });
    return out;
  };
}

ExampleSource cycle(const std::vector<data::Example>& examples, int64_t batch, Rng rng) {
  // The order of an epoch is made once and kept: steps arrive in sequence, so it is asked for many times.
  struct Epoch {
    int64_t number = -1;
    std::vector<int64_t> order;
  };
  auto epoch = std::make_shared<Epoch>();
  const auto size = static_cast<int64_t>(examples.size());
  require(size > 0, ErrorKind::internal, "there are no examples to cycle through");
  return [&examples, batch, rng, epoch, size](int64_t step) {
    std::vector<data::Example> out;
    for (int64_t i = step * batch; i < (step + 1) * batch; ++i) {
      if (epoch->number != i / size) {
        epoch->number = i / size;
        epoch->order.resize(static_cast<std::size_t>(size));
        std::iota(epoch->order.begin(), epoch->order.end(), 0);
        rng.fork("epoch", {static_cast<uint64_t>(epoch->number)}).shuffle(epoch->order);
      }
      out.push_back(examples[static_cast<std::size_t>(epoch->order[static_cast<std::size_t>(i % size)])]);
    }
    return out;
  };
}

}  // namespace hone::train
