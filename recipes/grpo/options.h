// Options of GRPO. The preset values are in options.cpp.
#pragma once

#include "hone/adapters/options.h"
#include "hone/base/options.h"
#include "hone/objectives/options.h"
#include "hone/tasks/source.h"
#include "hone/train/base_options.h"

namespace hone::recipes::grpo {

struct Options : base::Options {
  tasks::TaskOptions task;
  train::BaseOptions base;
  std::string arms = "grpo";
  int64_t steps = 200, problems = 64, samples = 8, max_tokens = 16;
  int64_t epochs = 1;
  double temperature = 1.0;
  std::string advantage_scale = "group", normalisation = "dapo";
  objectives::ClipOptions clip;
  double kl = 0;
  std::string kl_gradient = "forward_k3";
  int64_t pass_at = 16;
  optim::OptimOptions optim;
  adapters::LoraOptions lora;

  void visit(base::OptionVisitor& v) override;
};

}  // namespace hone::recipes::grpo
