// The stages of a round of DNO: sample, judge, pair, train.
#pragma once

#include "hone/data/example.h"
#include "hone/models/model.h"
#include "hone/report/progress.h"
#include "hone/rewards/oracle.h"
#include "hone/train/loop.h"
#include "recipes/dno/world.h"

#include <string>
#include <vector>

namespace hone::recipes::dno {

/// Pieces of a round's samples; part of the results, since keys are counted in a piece.
inline constexpr int64_t kParts = 4;

/// What every arm works with.
struct Lab {
  train::Env& env;
  train::Session& session;
  const Options& options;
  const World& world;
  const models::Model& base;  ///< π_1
};

/// How an arm differs from the next.
struct Arm {
  std::string name;
  PairRule rule = PairRule::filtered;
  int64_t rounds = 3;
  enum class Prompts { slice, all } prompts = Prompts::slice;  ///< all: one offline round on every slice
  train::PairOptions pairs;                                    ///< of its training
  double replay = 0.3;
};
Arm arm_of(const std::string& name, const Options& options);

/// Steps of fine-tuning on so many of the teacher's completions.
int64_t sft_steps(const Options& options, std::size_t examples);

/// The phases of a run of these arms with so many prompts a round; how many pairs a round will find is guessed.
std::vector<report::PhasePlan> progress_plan(const Options& options, const std::vector<std::string>& arms,
                                             std::size_t prompts_a_round);

/// The prompts of a round of the arm.
std::vector<tasks::Problem> prompts_of(const Lab& lab, const Arm& arm, int64_t iteration);

/// Of every prompt of the part the teacher's completion ("source": "teacher") and K of the student's ("student").
train::LoopRows sample(const Lab& lab, const Arm& arm, const models::Model& student, const train::Round& round,
                       int64_t part);
/// Adds "score" (null where the oracle only compares) and "win_rate" in the pool of the prompt. The rule `gold` asks no
/// oracle and adds nothing.
train::LoopRows judge(const Lab& lab, const Arm& arm, const train::Round& round, train::LoopRows rows);
/// Pairs in TRL's form, {"prompt", "chosen", "rejected", …}, with the tokens, scores and win rates of both.
train::LoopRows pair_up(const Lab& lab, const Arm& arm, const train::Round& round, const train::LoopRows& judged);

/// Pairs as training sequences: loss on the completions; for a soft target their win rates.
std::vector<data::Pair> pairs_of(const Lab& lab, const Arm& arm, const train::LoopRows& rows);

/// The pairs of earlier rounds that are trained on again in the round after them, newest first.
train::LoopRows replay(const std::vector<train::LoopRows>& earlier, double share, Rng rng);

/// A prompt and a completion as one supervised sequence.
data::Example taught(const Lab& lab, const tasks::Problem& problem, const std::string& completion);

}  // namespace hone::recipes::dno
