// Options of training a reward model (torch-free).
#pragma once

#include "hone/optim/options.h"

namespace hone::train {

struct RewardOptions {
  int64_t batch = 64, epochs = 1, micro_tokens = 1024;
  double margin = 0;
  optim::OptimOptions optim;

  void visit(base::OptionVisitor& v) {
    v.field("batch", batch,
            {.help = "pairs a step; all pairs of a prompt go into one", .min = 1, .max = 1e6, .source = "card"});
    v.field(
        "epochs", epochs,
        {.help = "passes over the pairs; more than one overfits", .min = 1, .max = 1000, .source = "InstructGPT: 1"});
    v.field("micro_tokens", micro_tokens,
            {.help = "tokens of a micro-batch (what one worker holds at a time)", .min = 1});
    v.field("margin", margin,
            {.help = "by how much the chosen one is to be above before a pair counts as won", .min = 0, .max = 100});
    v.group("optim", optim);
  }
};

}  // namespace hone::train
