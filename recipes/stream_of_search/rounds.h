// The stages of a round of STaR on searches, for train/loop: sample training problems, judge strictly, keep what
// reached the goal.
#pragma once

#include "hone/train/loop.h"
#include "recipes/stream_of_search/arms.h"

#include <vector>

namespace hone::recipes::stream_of_search {

/// What the rounds read; `model` is the policy as it stands.
struct StarLab {
  train::Env& env;
  const Options& options;
  const Corpus& corpus;
  const models::Model& model;
};

/// Pieces of a round's samples that are safe on the disk as soon as they are made.
inline constexpr int64_t kStarParts = 4;

/// Searches of `model` for one piece of the round's training problems, a fresh selection every round.
train::LoopRows sample_searches(const StarLab& lab, const train::Round& round, int64_t part);

/// Adds "reward" and "reason", by the strict verifier. A search that was cut at the length limit is wrong.
train::LoopRows judge_searches(const StarLab& lab, const train::Round& round, train::LoopRows rows);

/// Right searches, each text of a problem once, as {"prompt","completion"} cut after the goal.
train::LoopRows keep_searches(const StarLab& lab, const train::Round& round, const train::LoopRows& judged);

/// Kept rows as training sequences. Errors: data for a row that is not of keep_searches.
std::vector<data::Example> examples_of(const StarLab& lab, const train::LoopRows& kept);

}  // namespace hone::recipes::stream_of_search
