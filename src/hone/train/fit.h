// The one supervised loop: packing, loss masks, schedule, checkpoints, early stop.
#pragma once

#include "hone/train/fit_options.h"
#include "hone/train/session.h"
#include "hone/train/step.h"

#include <functional>

namespace hone::train {

/// The examples of one step: a pure function of the step, so that a resumed run reads the same data.
using ExampleSource = std::function<std::vector<data::Example>(int64_t step)>;

/// A look at held-out data every check_every steps. `notes` is saved with checkpoints.
struct Check {
  report::Metrics metrics;
  Next next = Next::go_on;
};
using Monitor = std::function<Check(int64_t step, Json& notes)>;

/// Minimises −Σ log p(masked tokens) / Σ masked tokens for options.steps steps, as one phase of the session.
/// Every step is logged (loss in nats per token, gradient norm, learning rate, tokens/s).
void fit(Env& env, Session& session, std::string_view phase, models::Decoder& model, const FitOptions& options,
         const ExampleSource& source, const Monitor& monitor = {});

/// −Σ log p / tokens of `examples`, in nats.
double held_out_loss(Env& env, models::Decoder& model, const FitOptions& options,
                     const std::vector<data::Example>& examples);

/// Says stop when `loss` has not improved for `patience` calls; keeps its count in `notes`.
Next early_stop(double loss, int64_t patience, Json& notes);

/// `batch` examples a step, made as they are needed, in parallel: record(step, rng) with a stream of its own for each.
ExampleSource made(Env& env, int64_t batch, std::function<data::Example(int64_t step, Rng rng)> record);

/// The examples of a step from a fixed list, in a fresh order every epoch.
ExampleSource cycle(const std::vector<data::Example>& examples, int64_t batch, Rng rng);

}  // namespace hone::train
