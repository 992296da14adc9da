// Options of the supervised loop (torch-free).
#pragma once

#include "hone/optim/options.h"

namespace hone::train {

struct FitOptions {
  int64_t steps = 1000, batch = 256, micro_tokens = 1024, row_tokens = 128, check_every = 100, patience = 0;
  std::string rows = "one_each";
  optim::OptimOptions optim;

  void visit(base::OptionVisitor& v) {
    v.field("steps", steps, {.help = "most training steps", .min = 0, .max = 1e9});
    v.field("batch", batch, {.help = "examples a step", .min = 1, .max = 1e6});
    v.field("micro_tokens", micro_tokens, {.help = "tokens of a micro-batch (what one worker holds at a time)", .min = 1});
    v.field("rows", rows, {.help = "packed: several examples share a row", .choices = {"one_each", "packed"}});
    v.field("row_tokens", row_tokens, {.help = "width of packed rows; longer examples make longer rows", .min = 1});
    v.field("check_every", check_every, {.help = "steps between looks at held-out data", .min = 1});
    v.field("patience", patience, {.help = "stop after this many looks without a better held-out loss; 0 = off", .min = 0});
    v.group("optim", optim);
  }
};

}  // namespace hone::train
