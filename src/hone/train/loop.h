// The iterated loop of self-improvement: sample, judge, filter, train, again. Each stage's output is a JSONL file with
// provenance, finished before the next one begins; killed in any of them, a run goes on from there with the same
// result.
//   <run>/loop/<name>/<iteration>-samples.jsonl   what the model said
//   <run>/loop/<name>/<iteration>-judged.jsonl    the same with what was said of it
//   <run>/loop/<name>/<iteration>-kept.jsonl      what is trained on
// STaR and SCoRe's supervised arms keep rollouts, DNO pairs of them.
#pragma once

#include "hone/base/json.h"
#include "hone/generate/engine.h"
#include "hone/tasks/problem.h"
#include "hone/text/tokenizer.h"
#include "hone/train/session.h"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace hone::train {

/// Lines of a stage's file. The runner puts "iteration", "seed" and "model" (the first 16 hex digits of the SHA-256 of
/// the parameters that sampled) in front; samples and judgements must have "problem" (its id) and "sample" (its index).
using LoopRows = std::vector<Json>;

/// One turn of the loop.
struct Round {
  int64_t iteration = 1;  ///< from 1
  std::string model;      ///< provenance of the policy as it stands at the start
  Rng rng;                ///< of this loop and iteration
};

/// What a loop does. All but `train` must depend on the round, its policy and their arguments alone, since a stage that
/// was interrupted is computed again.
struct LoopPlan {
  std::string name;  ///< letters, digits, "-", "_" and "."
  int64_t iterations = 1;
  int64_t parts = 1;  ///< pieces of the samples that are safe on the disk as soon as they are made
  std::function<LoopRows(const Round&, int64_t part)> sample;
  std::function<LoopRows(const Round&, LoopRows samples)> judge;  ///< a row for every sample, in their order
  std::function<LoopRows(const Round&, const LoopRows& judged)> filter;
  /// Changes the policy, in phases of the session; called in every iteration, also in those that are only loaded.
  std::function<void(const Round&, const LoopRows& kept)> train;
};

/// Runs the loop. Every finished stage is a commit of the session, with the size and the hash of its file, and an event
/// "loop" of the record.
///
///   policy  what `sample` samples from and `train` changes: read for provenance only
///   errors  io or data, naming the file, when a finished stage's file is missing or has changed since; internal for
///   rows
///           without their fields; those of the stages. Interrupted between parts and stages when env.stop is set
void run_loop(Env& env, Session& session, const models::Decoder& policy, const LoopPlan& plan);

/// The first 16 hex digits of the SHA-256 of all parameters, an adapter's included.
std::string model_hash(const models::Decoder& model);

/// A rollout as a row: {"problem","sample","turns":[{"text","ids","logprob","finish"}]}; logprob is the sum over the
/// turn's tokens, nats.
Json rollout_row(const tasks::Problem& problem, const generate::Rollout& rollout, const text::Tokenizer& tokenizer);
/// Its turns; their per-token log-probs are not in a row and are 0. Errors: format, naming `where`, for a row that is
/// not of rollout_row.
std::vector<generate::Completion> turns_of(const Json& row, std::string_view where);

/// Part `part` of `parts` of [0, count): begin and end.
std::pair<std::size_t, std::size_t> part_of(std::size_t count, int64_t part, int64_t parts);
/// The same of problems, and the place of its first among all.
struct Part {
  std::vector<tasks::Problem> problems;
  std::size_t begin = 0;
};
Part part_of(const std::vector<tasks::Problem>& all, int64_t part, int64_t parts);

/// The problems of a round, found again by the rows that name them.
class Asked {
 public:
  explicit Asked(std::vector<tasks::Problem> problems);
  const std::vector<tasks::Problem>& problems() const { return problems_; }
  /// Where among them the row's "problem" is. Errors: data when it is not.
  std::size_t place_of(const Json& row) const;
  const tasks::Problem& of(const Json& row) const { return problems_[place_of(row)]; }

 private:
  std::vector<tasks::Problem> problems_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace hone::train
