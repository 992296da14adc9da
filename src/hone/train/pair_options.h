// Options of training on pairs (torch-free).
#pragma once

#include "hone/objectives/options.h"
#include "hone/optim/options.h"

namespace hone::train {

struct PairOptions {
  int64_t batch = 64, epochs = 1, micro_tokens = 1024;
  double alarm = 20;
  objectives::PreferenceOptions loss;
  optim::OptimOptions optim;

  void visit(base::OptionVisitor& v) {
    v.field("batch", batch, {.help = "pairs a step", .min = 1, .max = 1e6, .source = "DNO, arXiv:2404.03715: 64"});
    v.field("epochs", epochs,
            {.help = "passes over the pairs", .min = 1, .max = 1000, .source = "DNO, arXiv:2404.03715: 1"});
    v.field("micro_tokens", micro_tokens,
            {.help = "tokens of a micro-batch (what one worker holds at a time)", .min = 1});
    v.field("alarm", alarm,
            {.help = "note in the record when chosen completions have become less likely by so many nats", .min = 0});
    v.group("loss", loss);
    v.group("optim", optim);
  }
};

}  // namespace hone::train
