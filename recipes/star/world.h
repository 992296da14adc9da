// What STaR is run on: the addition ladder, or a user's file of problems.
#pragma once

#include "hone/base/rng.h"
#include "hone/data/example.h"
#include "hone/tasks/problem.h"
#include "recipes/star/options.h"

#include <functional>
#include <string>
#include <vector>

namespace hone::recipes::star {

/// Held-out problems that are measured together; all groups have as many.
struct Group {
  std::string name, label;  ///< "len4", "sums of 4 digits"; or "held_out", "held-out problems" for a file
  std::vector<tasks::Problem> problems;
  bool in_long = true, in_area = true;  ///< whether it counts in the metrics "long" and "area"
};

struct World {
  std::vector<Group> groups;
  tasks::Verifier verifier;
  /// The problems of a round; the same for every arm.
  std::function<std::vector<tasks::Problem>(uint64_t round)> draw;
  /// The problem with its answer given away.
  std::function<tasks::Problem(const tasks::Problem&)> hinted;
  /// The gold answer as a completion without a rationale.
  std::function<std::string(const tasks::Problem&)> direct;
  /// Whether a right answer has a right rationale; empty where no program can tell.
  std::function<bool(const tasks::Problem&, std::string_view completion)> valid;
};

/// Held-out problems do not depend on the seed. Errors: those of tasks::load_tasks; usage for a hint without {answer}.
World make_world(const Options& options, Rng rng);

/// The prompt of a hint: `hint` with {prompt} and {answer} filled in.
std::string filled_hint(const std::string& hint, const std::string& prompt, const std::string& answer);

/// What M0 learns from: short scratchpads, some of them after a hint, and then `sums.few_shot` of every longer length,
/// each once without a hint and once with it.
std::vector<data::Example> seed_records(const Options& options, const text::Tokenizer& tokenizer, Rng rng);

}  // namespace hone::recipes::star
