// The Countdown worlds, with the base models learned on them, that presets of several recipes share, so that their arms
// can be compared (torch-free).
#pragma once

#include "hone/tasks/source.h"
#include "hone/train/base_options.h"

namespace hone::train {

/// A toy world of two numbers, learned in seconds.
inline void use_smoke_countdown(tasks::TaskOptions& task, BaseOptions& base) {
  task.world = "cd2-smoke";
  task.train_problems = 400;
  task.test_problems = 80;  // of 112; early stopping looks at the others
  base.fresh = {.width = 64, .layers = 2, .heads = 2, .context = 40};
  base.fit.steps = 250;
  base.arithmetic = 0;
  base.fit.batch = 128;
  base.fit.check_every = 20;
  base.fit.optim = {.lr = 4e-3, .weight_decay = 0, .warmup = 8};
}

/// The world and the base of `hone demo`: three numbers, about half of them solved.
inline void use_demo_countdown(tasks::TaskOptions& task, BaseOptions& base) {
  task.world = "cd3-demo";
  task.train_problems = 7600;
  task.test_problems = 1000;
  base.fit.steps = 850;
  base.fit.batch = 128;
  base.fit.optim = {.lr = 3e-3, .weight_decay = 0, .warmup = 45};
}

}  // namespace hone::train
