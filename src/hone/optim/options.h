// Options of the optimiser and its schedule (torch-free).
#pragma once

#include "hone/base/options.h"

#include <cstdint>
#include <string>

namespace hone::optim {

/// AdamW and its learning rate.
struct OptimOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0.01, clip = 1.0;
  std::string schedule = "cosine";
  int64_t warmup = 50;
  double final_lr = 0.1;

  void visit(base::OptionVisitor& v) {
    v.field("lr", lr, {.help = "peak learning rate", .min = 0, .max = 10});
    v.field("beta1", beta1, {.help = "decay of the first moment", .min = 0, .max = 0.9999});
    v.field("beta2", beta2, {.help = "decay of the second moment", .min = 0, .max = 0.99999});
    v.field("eps", eps, {.help = "added to the root of the second moment", .min = 1e-30});
    v.field("weight_decay", weight_decay,
            {.help = "decoupled decay of matrices; norms and biases are left out", .min = 0});
    v.field("clip", clip, {.help = "largest norm of the whole gradient; 0 = off", .min = 0});
    v.field("schedule", schedule, {.help = "learning rate after warm-up", .choices = {"constant", "linear", "cosine"}});
    v.field("warmup", warmup, {.help = "steps of linear warm-up", .min = 0});
    v.field("final_lr", final_lr, {.help = "share of the peak at the last step", .min = 0, .max = 1});
  }
};

/// Learning rate of one update: lr·(step+1)/(warmup+1) while step < warmup, the peak at step = warmup, then constant,
/// linear or half a cosine down to final_lr · lr at the last step.
///
///   step    0-based; beyond the last step the value of the last one
///   steps   ≥ 1, of the whole run; with steps ≤ warmup the peak is never reached
///   errors  usage: unknown schedule; internal: step < 0 or steps < 1
double learning_rate(const OptimOptions& options, int64_t step, int64_t steps);

}  // namespace hone::optim
