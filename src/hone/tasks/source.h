// The problems of a run: a Countdown world, or the user's JSONL file, split into training and held-out ones.
#pragma once

#include "hone/base/options.h"
#include "hone/base/rng.h"
#include "hone/tasks/countdown.h"
#include "hone/tasks/verifiers.h"

#include <string>
#include <vector>

namespace hone::tasks {

/// Where problems come from and who judges the answers. Visited without a group: `data`, `verifier`, `world`, ….
struct TaskOptions {
  std::string data, test_data;
  std::string verifier = "countdown";
  std::string world = "cd3";
  std::string notation = "visible";
  std::string prompts = "chat";
  int64_t train_problems = 20000, test_problems = 2000;

  void visit(base::OptionVisitor& v) {
    v.field("data", data, {.help = "JSONL file of problems (prompt and answer); empty = the Countdown world below"});
    v.field("test_data", test_data, {.help = "JSONL file of held-out problems; empty = every fifth problem of `data` by hash"});
    v.field("verifier", verifier, {.help = "judge of the answers", .choices = verifier_names()});
    v.field("world", world, {.help = "family of Countdown problems", .choices = countdown_world_names()});
    v.field("notation", notation,
            {.help = "visible: every result is in the text; hidden: the bare expression", .choices = {"visible", "hidden"}, .source = "card"});
    v.field("prompts", prompts,
            {.help = "a prompt of one text: chat: the user's turn in the model's chat template, where it has one; text: as it stands",
             .choices = {"chat", "text"}});
    v.field("train_problems", train_problems, {.help = "most problems to train on", .min = 1, .max = 1e8, .source = "card"});
    v.field("test_problems", test_problems, {.help = "most held-out problems", .min = 1, .max = 1e6, .source = "card"});
  }
  Notation countdown_notation() const { return notation == "hidden" ? Notation::hidden : Notation::visible; }
};

struct TaskSet {
  std::vector<Problem> train;
  std::vector<Problem> held_out;    ///< what results are measured on, and nothing is decided by
  std::vector<Problem> validation;  ///< worlds only: what early stopping looks at; not of held_out
  Verifier verifier;
};

/// The problems of a run. Held-out problems never share a (multiset, target) pair, or a prompt, with training ones.
/// Neither does a validation problem. They do not depend on the seed in `rng` (so that seeds can be compared problem by problem); training ones do.
/// Errors: data if a side would be empty; those of read_problems and draw_problems.
TaskSet load_tasks(const TaskOptions& options, Rng rng);

/// `count` of the problems, each drawn from all of them: what one step of a policy is asked.
std::vector<Problem> draw(const std::vector<Problem>& from, int64_t count, Rng rng);

}  // namespace hone::tasks
