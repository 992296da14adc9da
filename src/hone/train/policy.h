// The model that a run trains: a copy of its base, or the base with an adapter beside it.
#pragma once

#include "hone/adapters/options.h"
#include "hone/models/model.h"
#include "hone/train/env.h"

#include <string>

namespace hone::train {

/// What `arm` of a run starts from: with lora.rank 0 a copy of `base`, else the base's own storage with a fresh adapter
/// (adapters::attach), so that the base stays the reference without a second copy. The adapter's folder will name the
/// folder that the base was read from or, for a base that was trained in this run, where the run saves it.
/// Errors: usage, as adapters::config_of. Randomness: env.rng, by the arm's name.
models::Model policy_of(const Env& env, const models::Model& base, const adapters::LoraOptions& lora,
                        const std::string& arm);

}  // namespace hone::train
