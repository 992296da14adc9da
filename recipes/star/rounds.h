// The stages of a round of STaR: ask, judge, keep, and what is trained on.
#pragma once

#include "hone/models/model.h"
#include "hone/train/loop.h"
#include "recipes/star/world.h"

#include <string>

namespace hone::recipes::star {

/// Pieces of a round's samples; part of the results, since keys are counted in a piece.
inline constexpr int64_t kParts = 4;

/// What every arm works with.
struct Lab {
  train::Env& env;
  train::Session& session;
  const Options& options;
  const World& world;
  const models::Model& base;  ///< M0
};

/// How an arm differs from the next.
struct Arm {
  std::string name;
  enum class Source { model, gold } source = Source::model;  ///< gold: direct answers, no rationale
  enum class Failures { dropped, rationalized } failures = Failures::dropped;
  enum class From { base, last } from = From::base;  ///< what a round trains
};
Arm arm_of(const std::string& name);

/// Rows of part `part` of a round: the model's rationales, and where an arm rationalises, those after a hint for
/// problems on which all samples failed ("source": "sampled", "rationalized" or "gold").
train::LoopRows ask(const Lab& lab, const Arm& arm, const models::Model& model, const train::Round& round,
                    int64_t part);
/// Adds "reward" and "reason", and "valid" where a program can tell.
train::LoopRows judge(const Lab& lab, const train::Round& round, train::LoopRows rows);
/// The right ones, no two of a problem with the same text, at most options.cap of a problem; as {"prompt",
/// "completion"}, the prompt without its hint.
train::LoopRows keep(const Lab& lab, const train::Round& round, const train::LoopRows& judged);
/// Prompt, rationale and answer as a training sequence with loss on the latter two.
std::vector<data::Example> examples_of(const Lab& lab, const train::Round& round, const train::LoopRows& kept);

/// Steps of a round: start_steps · grow^(iteration − 1), rounded.
int64_t steps_of(const Options& options, int64_t iteration);

}  // namespace hone::recipes::star
