// The toy world as the recipe uses it: demonstrations, choices between a policy's responses, and responses to held-out
// prompts with their gold rewards.
#pragma once

#include "hone/base/pool.h"
#include "hone/data/pair_rows.h"
#include "hone/models/model.h"
#include "recipes/reward_model/options.h"

#include <string>
#include <vector>

namespace hone::recipes::reward_model {

/// A request and what an annotator writes, as one supervised sequence.
data::Example demonstration(const tasks::AnnotatorOptions& annotator, const text::Tokenizer& tokenizer, Rng rng);

/// A policy's responses to one prompt.
struct Responses {
  tasks::Problem problem;
  std::vector<std::string> texts;
  std::vector<data::Example> examples;  ///< prompt and response, loss on what was sampled
  std::vector<double> gold;             ///< its rewards
  std::vector<text::Finish> finish;
};

/// `samples` responses to every problem at temperature 1.
std::vector<Responses> respond(const models::Model& policy, const std::vector<tasks::Problem>& problems,
                               int64_t samples, const HelpfulOptions& options, base::Pool& pool, Rng rng);

/// Choices between the responses of each prompt: every two that differ and ended by themselves, labelled by a coin that
/// falls with P(a over b) = σ(gold a − gold b); at most `most`. Rows are TRL's {"prompt", "chosen", "rejected"} with
/// the gold rewards of both beside them.
std::vector<Json> choices(const std::vector<Responses>& responses, int64_t most, Rng rng);

/// The same from prompts that are drawn until there are options.pairs of them.
std::vector<Json> draw_choices(const models::Model& policy, const HelpfulOptions& options, base::Pool& pool, Rng rng);

}  // namespace hone::recipes::reward_model
