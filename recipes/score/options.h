// Options of SCoRe. The preset values are in options.cpp.
#pragma once

#include "hone/adapters/options.h"
#include "hone/base/options.h"
#include "hone/tasks/source.h"
#include "hone/train/base_options.h"

#include <string>

namespace hone::recipes::score {

/// One stage of reinforcement learning.
struct StageOptions {
  int64_t steps = 300;
  double kl_first = 0.01, kl_second = 0.01;

  void visit(base::OptionVisitor& v) {
    v.field("steps", steps, {.help = "reinforcement-learning steps", .min = 0, .max = 1e7});
    v.field("kl_first", kl_first, {.help = "weight of the KL anchor on the first attempt", .min = 0});
    v.field("kl_second", kl_second, {.help = "weight of the KL anchor on the second attempt", .min = 0});
  }
};

/// What the baselines made of supervised fine-tuning may spend.
struct SftArmOptions {
  int64_t problems = 2000, samples = 8, iterations = 3;
  train::FitOptions fit;

  void visit(base::OptionVisitor& v) {
    v.field("problems", problems, {.help = "training problems sampled (per iteration)", .min = 1});
    v.field("samples", samples, {.help = "samples per problem", .min = 1, .max = 1024});
    v.field("iterations", iterations, {.help = "STaR's rounds of collecting and training", .min = 1, .max = 100, .source = "paper"});
    v.group("fit", fit);
  }
};

struct Options : base::Options {
  tasks::TaskOptions task;
  train::BaseOptions base;
  std::string arms = "score";
  std::string turn2 = "auto";
  int64_t max_tokens = 16;
  int64_t problems = 64, samples = 4;
  double alpha = 10;
  std::string credit = "per_attempt";
  std::string kl = "reverse_k2";
  optim::OptimOptions optim;
  adapters::LoraOptions lora;
  StageOptions stage1{.steps = 100, .kl_first = 0.1, .kl_second = 0};
  StageOptions stage2{.steps = 200, .kl_first = 0.01, .kl_second = 0.01};
  SftArmOptions sft;

  void visit(base::OptionVisitor& v) override;
};

/// Every arm of the card, in the order they are shown.
const std::vector<std::string>& arm_names();
/// "base,score" → its parts. Errors: usage with the nearest arm.
std::vector<std::string> parse_arms(const std::string& list);

}  // namespace hone::recipes::score
