// Options of the reward model. The preset values are in options.cpp.
#pragma once

#include "hone/adapters/options.h"
#include "hone/base/options.h"
#include "hone/models/decoder_config.h"
#include "hone/tasks/helpful.h"
#include "hone/train/fit_options.h"
#include "hone/train/reward_options.h"

#include <string>
#include <vector>

namespace hone::recipes::reward_model {

/// The toy world: who demonstrates, how many choices there are, and what is drawn to be picked from.
struct HelpfulOptions {
  int64_t pairs = 4000, few_pairs = 500, samples = 4, best_of = 64, max_tokens = 24;
  double careful = 0;
  tasks::AnnotatorOptions annotator;

  void visit(base::OptionVisitor& v);
};

struct Options : base::Options {
  std::string data, test_data, model, too_long = "refuse";
  double held_out = 0.05;
  int64_t test = 300;
  HelpfulOptions helpful;
  models::ModelOptions fresh;
  train::FitOptions sft;
  train::RewardOptions reward;
  adapters::LoraOptions lora;

  void visit(base::OptionVisitor& v) override;
};

/// Errors: usage for a model folder without a file of choices.
void check(const base::Options& options);

/// 1, 2, 4, … below `most`, and `most`.
std::vector<int64_t> sizes_up_to(int64_t most);

}  // namespace hone::recipes::reward_model
