// What DNO is run on: searches for Countdown solutions, or a user's prompts with a teacher's answers and a judge.
#pragma once

#include "hone/base/rng.h"
#include "hone/data/example.h"
#include "hone/rewards/oracle.h"
#include "hone/tasks/problem.h"
#include "recipes/dno/options.h"

#include <functional>
#include <string>
#include <vector>

namespace hone::recipes::dno {

struct World {
  /// The prompts of a round (from 1): no prompt is in two rounds.
  std::function<std::vector<tasks::Problem>(int64_t round)> draw;
  std::vector<tasks::Problem> held_out, validation;
  std::function<std::string(const tasks::Problem&)> teacher;  ///< y_gold
  rewards::Oracle oracle;                                     ///< judges what is trained on
  rewards::Oracle fair;                                       ///< judges what is measured: without noise
  tasks::Verifier solved;                                     ///< empty where no program can tell
};

/// Errors: usage for `data` without an oracle; those of tasks::load_tasks.
World make_world(const Options& options, base::Pool& pool, Rng rng);

/// The rubric of the card on searches as compact words:
///   1 malformed   2 an illegal step   3 legal, no solution   4 solved, with a slip elsewhere   5 solved
///   6 solved within 1.5 × the words of the shortest solved one in the pool
/// `noise`: chance that a score is replaced by a random one of 1…6, decided by the question and the place alone.
rewards::Judgement rubric(const rewards::Question& question, double noise);

/// Training record i of the student: a search by one of twelve solvers, solved or not, of at most max_tokens tokens.
data::Example trace_record(const Options& options, const text::Tokenizer& tokenizer, Rng rng);

}  // namespace hone::recipes::dno
