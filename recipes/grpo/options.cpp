// Options, presets and claims of GRPO. Torch-free: `hone show grpo` reads this.
#include "recipes/grpo/options.h"

#include "hone/report/recipe_card.h"
#include "hone/train/countdown_presets.h"

#include <memory>

namespace hone::recipes::grpo {

void Options::visit(base::OptionVisitor& v) {
  task.visit(v);
  v.field("model", base.model, {.help = "model folder to start from; empty = train a fresh one on the world"});
  v.field("arms", arms, {.help = "what is trained: grpo, its rival reinforce (batch-mean baseline), or both",
                         .choices = {"grpo", "reinforce", "both"}});
  v.field("steps", steps, {.help = "reinforcement-learning steps", .min = 0, .max = 1e7});
  v.field("problems", problems, {.help = "problems a step (G)", .min = 1, .max = 1e6});
  v.field("samples", samples, {.help = "samples per problem (K): the group", .min = 1, .max = 4096, .source = "card: 8; paper: 64"});
  v.field("max_tokens", max_tokens, {.help = "most tokens of a completion", .min = 1, .max = 1 << 20});
  v.field("epochs", epochs, {.help = "updates per batch of rollouts", .min = 1, .max = 100, .source = "paper: 1"});
  v.field("temperature", temperature, {.help = "of sampling, applied to the trainer's log-probs alike", .min = 0.01, .max = 100});
  v.field("advantage_scale", advantage_scale, {.help = "what an advantage is divided by: deviation of the group, of the batch, or nothing",
                                               .choices = {"group", "batch", "none"}, .source = "paper: group"});
  v.field("normalisation", normalisation, {.help = "grpo: per sequence; dapo: all tokens; dr_grpo: a constant length",
                                           .choices = {"grpo", "dapo", "dr_grpo"}, .source = "TRL: dapo"});
  v.group("clip", clip);
  v.field("kl", kl, {.help = "weight of the KL anchor to the base model; 0 = off", .min = 0, .source = "TRL: 0; paper: 0.04"});
  v.field("kl_gradient", kl_gradient, {.help = "anchor named by the gradient it gives", .choices = {"reverse_k2", "forward_k3"},
                                       .source = "paper: k3"});
  v.field("pass_at", pass_at, {.help = "samples per held-out problem for pass@k", .min = 1, .max = 4096});
  v.group("optim", optim);
  v.group("lora", lora);
  v.group("base", base);
}

namespace {

void smoke(Options& o) {
  train::use_smoke_countdown(o.task, o.base);
  o.base.two_turn = 0;
  o.steps = 20;
  o.problems = 16;
  o.pass_at = 16;
  o.optim = {.lr = 5e-4, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 5};
}

// The world and the base of SCoRe's demo, one attempt.
void laptop(Options& o) {
  o.arms = "both";
  train::use_demo_countdown(o.task, o.base);
  o.base.two_turn = 0;
  o.steps = 150;
  o.optim = {.lr = 2e-4, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 10};
}

void real(Options& o) {
  o.optim = {.lr = 1e-6, .weight_decay = 0, .schedule = "constant", .warmup = 10};
  o.samples = 16;
  o.max_tokens = 256;
  o.steps = 500;
}

std::unique_ptr<base::Options> make(std::string_view preset) {
  auto options = std::make_unique<Options>();
  if (preset == "smoke") smoke(*options);
  if (preset == "laptop") laptop(*options);
  if (preset == "real") real(*options);
  return options;
}

std::vector<report::Claim> claims() {
  return {{"a", "pass@1 rises by at least 10 points over the base model",
           {{"pass@1 grpo − base", {{"grpo", "pass1", 1}, {"base", "pass1", -1}}, 0.10}}},
          {"b", "the group baseline is not worse than REINFORCE with a batch-mean baseline at equal samples (within 1 point)",
           {{"pass@1 grpo − reinforce", {{"grpo", "pass1", 1}, {"reinforce", "pass1", -1}}, -0.01}}},
          {"d", "sampling more still helps as before: pass@16 does not fall below the base model's (within 1 point)",
           {{"pass@16 grpo − base", {{"grpo", "pass16", 1}, {"base", "pass16", -1}}, -0.01}}}};
}

}  // namespace

report::RecipeCard card() {
  return {.name = "grpo",
          .title = "GRPO: group-relative policy optimisation",
          .paper = "arXiv:2402.03300",
          .method = {"Sample K completions per problem; a verifier rewards right ones.",
                     "A completion's advantage is its reward minus the mean of its group, over the group's deviation.",
                     "Maximise the clipped policy ratio times the advantage; no critic.",
                     "Rival at equal samples: REINFORCE with the batch mean as baseline."},
          .presets = {{"laptop", "the world of hone demo, GRPO and REINFORCE"},
                      {"smoke", "a toy world, seconds"},
                      {"real", "a model folder of yours and a JSONL file of problems"}},
          .options = make,
          .claims = claims()};
}

}  // namespace hone::recipes::grpo
