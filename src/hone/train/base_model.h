// Where a run's starting model comes from: the user's folder, or a fresh decoder trained on the Countdown world until
// it is right about half the time.
#pragma once

#include "hone/data/countdown_records.h"
#include "hone/models/model.h"
#include "hone/tasks/source.h"
#include "hone/train/base_options.h"
#include "hone/train/fit.h"

#include <optional>
#include <string>

namespace hone::train {

/// The model on the run's device, where training and generation then take place.
models::Model on_device(const Env& env, models::Model model);

/// A decoder with random weights for the tokenizer, on the run's device.
models::Model fresh_model(const Env& env, const models::ModelOptions& size, text::Tokenizer tokenizer);

/// The model folder that a run was given, opened on its device; nothing when it was given none and is to make one.
/// Errors: usage when its problems come from the file `data`, which a model made here could not read; those of
/// models::open.
std::optional<models::Model> given_model(const Env& env, const std::string& folder, const std::string& data);

/// Opens `options.model`, or trains a fresh one (phase "base") until `accuracy(model)` reaches options.accuracy or the
/// steps are spent. `accuracy` is asked every fit.check_every steps and should look at validation problems, not at those that results are measured on.
/// Errors: usage if there is neither a model folder nor a Countdown world to learn from; those of models::open.
models::Model base_model(Env& env, Session& session, const BaseOptions& options, const tasks::TaskOptions& task,
                         const tasks::TaskSet& tasks,
                         const std::function<double(const models::Model&)>& accuracy);

}  // namespace hone::train
