// The models that SCoRe is compared with, each made from the same base model.
#pragma once

#include "hone/models/model.h"
#include "hone/rewards/attempts.h"
#include "hone/train/session.h"
#include "recipes/score/options.h"

#include <string_view>

namespace hone::recipes::score {

/// What every arm works with.
struct Lab {
  train::Env& env;
  train::Session& session;
  const Options& options;
  const tasks::TaskSet& tasks;
  const models::Model& base;
  rewards::Dialogue dialogue() const {
    return {2, options.turn2, options.max_tokens, data::prompts_of(options.task.prompts)};
  }
};

/// Trains `model` (a copy of the base) as the named supervised arm does:
///   star            two-turn traces of the model, wrong→right only; `iterations` rounds, each from the base model
///   star_plus       the same with right→right traces
///   pair_sft        wrong and right single attempts of the base at one problem, paired; one round
///   pair_sft_plus   the same with right→right pairs
/// Loss lies on right attempts only. Returns counts for the record.
Json train_sft_arm(const Lab& lab, std::string_view arm, models::Model& model);

}  // namespace hone::recipes::score
