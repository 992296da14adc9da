// Options of actor-critic reinforcement learning. The preset values are in options.cpp.
#pragma once

#include "hone/adapters/options.h"
#include "hone/base/options.h"
#include "hone/objectives/options.h"
#include "hone/tasks/source.h"
#include "hone/train/base_options.h"

#include <string>
#include <vector>

namespace hone::recipes::ppo {

/// What holds the policy near the reference: −β (log π − log π_ref) per token, in the reward.
struct PenaltyOptions {
  double weight = 0.05, target = 0, horizon = 10000;
  void visit(base::OptionVisitor& v);
};

/// The value function: a model of its own.
struct CriticOptions {
  std::string start = "policy";
  double clip = 0.2, discount = 1, trace = 0.95;
  optim::OptimOptions optim;
  void visit(base::OptionVisitor& v);
};

/// A fit to exp(strength · advantage), by least squares (apa) or as a weight (awr).
struct FitOptions {
  double strength = 1, limit = 0;
  void visit(base::OptionVisitor& v);
};

/// APA's fit and what its square is around.
struct ApaOptions : FitOptions {
  std::string anchor = "sampler";
  void visit(base::OptionVisitor& v);
};

struct Options : base::Options {
  tasks::TaskOptions task;
  train::BaseOptions base;
  std::string arms = "ppo", reward_model;
  int64_t steps = 200, problems = 64, samples = 8, max_tokens = 16;
  int64_t epochs = 4, grpo_epochs = 1, minibatches = 1;
  double temperature = 1.0, cut_penalty = 0, grpo_lr = 0;
  std::string whiten = "advantages", reward = "verdict";
  objectives::ClipOptions clip;
  PenaltyOptions kl;
  ApaOptions apa{{.strength = 0.5}};
  FitOptions awr{.strength = 1, .limit = 3};
  CriticOptions critic;
  int64_t ref_reset = 0, check_every = 10;
  bool helpful = false;
  int64_t pass_at = 16, kl_samples = 4;
  optim::OptimOptions optim;
  adapters::LoraOptions lora;

  void visit(base::OptionVisitor& v) override;
};

/// ppo, apa, awr, grpo, and two of them with something taken away: ppo_no_kl (β = 0), apa_no_reset (ref_reset = 0).
const std::vector<std::string>& arm_names();
/// Errors: usage for options that contradict one another or need a model, and for an unknown arm.
void check(const base::Options& options);
/// "ppo" of "ppo_no_kl": how an arm updates its policy.
std::string rule_of(const std::string& arm);
/// The options as an arm has them.
Options options_of(const std::string& arm, const Options& options);

}  // namespace hone::recipes::ppo
