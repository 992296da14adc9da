// hone demo: the main job, as one command.
#include "cli/commands/engine.h"
#include "cli/console.h"
#include "cli/engine_verbs.h"

namespace hone::cli {

int run_demo(const Call& call) {
  if (!call.has("--quiet") && !call.has("--resume")) {
    say("A small decoder learns number puzzles from scratch: reach 33 from 3, 7 and 12.\n"
        "Then SCoRe trains it by reinforcement learning to answer twice: to find and mend\n"
        "its own mistakes. Both models are measured on problems they have not seen.\n\n");
  }
  return run_recipe(run_of_demo(call));
}

}  // namespace hone::cli
