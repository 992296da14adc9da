// Where a run's starting model comes from: the user's folder, or a fresh decoder trained on the Countdown world until
// it is right about half the time.
#pragma once

#include "hone/data/countdown_records.h"
#include "hone/models/model.h"
#include "hone/tasks/source.h"
#include "hone/train/base_options.h"
#include "hone/train/fit.h"

namespace hone::train {

/// The model on the run's device, where training and generation then take place.
models::Model on_device(const Env& env, models::Model model);

/// Opens `options.model`, or trains a fresh one (phase "base") until `accuracy(model)` reaches options.accuracy or the
/// steps are spent. `accuracy` is asked every fit.check_every steps and should look at validation problems, not at those that results are measured on.
/// Errors: usage if there is neither a model folder nor a Countdown world to learn from; those of models::open.
models::Model base_model(Env& env, Session& session, const BaseOptions& options, const tasks::TaskOptions& task,
                         const tasks::TaskSet& tasks,
                         const std::function<double(const models::Model&)>& accuracy);

}  // namespace hone::train
