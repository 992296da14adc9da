// Choices and options of the objectives (torch-free, so that the front program can list and check them).
#pragma once

#include "hone/base/options.h"

#include <string>
#include <string_view>

namespace hone::objectives {

/// What the rewards of a group are divided by after their mean is taken off.
///   group  the deviation of the group: every prompt counts alike, however small its differences (GRPO)
///   batch  the deviation over all groups: easy and hopeless prompts count less
///   none   nothing (Dr. GRPO)
enum class Scale { group, batch, none };

/// How the tokens of a batch are weighed against each other. The choice changes what training prefers:
///   grpo     mean over the tokens of a sequence, then over sequences: a long wrong answer is punished less per token
///   dapo     mean over all tokens: long sequences count more
///   dr_grpo  sum over tokens ÷ a constant length, then mean over sequences: no preference for either
enum class Normalisation { grpo, dapo, dr_grpo };

/// Which divergence a KL loss descends on samples of the policy; see kl.h.
enum class KlGradient { reverse_k2, forward_k3 };

/// What the probability of a pair is fitted to.
///   hard  1: the chosen completion is the better one (DPO)
///   soft  how much better it is: the logistic function of the difference in expected win rate (DNO, Algorithm 1)
enum class PairTarget { hard, soft };

/// Options as text → choice.    Errors: usage, with the allowed names.
Scale scale_of(std::string_view name);
Normalisation normalisation_of(std::string_view name);
KlGradient kl_gradient_of(std::string_view name);
PairTarget pair_target_of(std::string_view name);

/// How far the ratio policy/behavior may go before its gradient is cut: [1 − low, 1 + high].
struct ClipOptions {
  double low = 0.2, high = 0.2;

  void visit(base::OptionVisitor& v) {
    v.field("low", low, {.help = "ratio is cut below 1 - low", .min = 0, .max = 1, .source = "PPO, arXiv:1707.06347"});
    v.field("high", high,
            {.help = "ratio is cut above 1 + high; 0.28 = clip-higher of DAPO",
             .min = 0,
             .max = 100,
             .source = "PPO, arXiv:1707.06347"});
  }
};

/// A policy loss on groups of samples.
struct PolicyOptions {
  std::string normalisation = "dapo";
  std::string scale = "group";
  double scale_eps = 1e-4;
  ClipOptions clip;

  void visit(base::OptionVisitor& v) {
    v.field("normalisation", normalisation,
            {.help = "how tokens are weighed: mean per sequence, over all tokens, or by a constant length",
             .choices = {"grpo", "dapo", "dr_grpo"},
             .source = "DAPO, arXiv:2503.14476"});
    v.field("scale", scale,
            {.help = "deviation that advantages are divided by",
             .choices = {"group", "batch", "none"},
             .source = "GRPO, arXiv:2402.03300"});
    v.field("scale_eps", scale_eps, {.help = "added to that deviation", .min = 0, .source = "TRL"});
    v.group("clip", clip);
  }
};

/// A loss on pairs of completions.
struct PreferenceOptions {
  double beta = 0.1;
  double nll = 0;
  std::string target = "hard";

  void visit(base::OptionVisitor& v) {
    v.field("beta", beta,
            {.help = "weight of the log-ratio to the reference inside the logistic loss; small = far from it",
             .min = 1e-6,
             .max = 1e6,
             .source = "DNO, arXiv:2404.03715: 0.1 or 0.05"});
    v.field("nll", nll,
            {.help = "weight of the chosen completion's negative log-likelihood per token, which keeps it from falling",
             .min = 0,
             .source = "arXiv:2404.19733: 1"});
    v.field("target", target,
            {.help = "hard: chosen beats rejected (DPO); soft: by how much, from win rates (DNO's Algorithm 1)",
             .choices = {"hard", "soft"},
             .source = "DNO, arXiv:2404.03715"});
  }
};

/// A penalty that holds the policy near a reference.
struct KlOptions {
  double weight = 0;
  std::string gradient = "reverse_k2";

  void visit(base::OptionVisitor& v) {
    v.field("weight", weight, {.help = "weight of the KL penalty; 0 = no reference model needed", .min = 0});
    v.field("gradient", gradient,
            {.help = "divergence whose gradient is followed: KL(policy|reference) or the other way",
             .choices = {"reverse_k2", "forward_k3"}});
  }
};

}  // namespace hone::objectives
