// Options, presets and claims of SCoRe. Torch-free: `hone show score` reads this.
#include "recipes/score/options.h"

#include "hone/report/recipe_card.h"
#include "hone/train/countdown_presets.h"

#include <memory>

namespace hone::recipes::score {

void Options::visit(base::OptionVisitor& v) {
  task.visit(v);
  v.field("model", base.model, {.help = "model folder to start from; empty = train a fresh one on the world"});
  v.field("arms", arms, {.help = "what is trained and compared, comma-separated: all, or some of " + [] {
            std::string names;
            for (const auto& name : arm_names()) names += (names.empty() ? "" : " ") + name;
            return names;
          }()});
  v.field("turn2", turn2, {.help = "text before the second attempt; auto = <retry>, or the paper's sentence in a conversation",
                           .source = "appendix"});
  v.field("max_tokens", max_tokens, {.help = "most tokens of one attempt", .min = 1, .max = 1 << 20});
  v.field("problems", problems, {.help = "problems a reinforcement-learning step", .min = 1, .max = 1e6});
  v.field("samples", samples, {.help = "rollouts per problem; the other samples are attempt 1's baseline", .min = 1, .max = 4096});
  v.field("alpha", alpha, {.help = "shaping: attempt 2 earns r2 + alpha (r2 - r1)", .min = 0, .max = 1e6, .source = "eq. 5: 10"});
  v.field("credit", credit, {.help = "per_attempt; whole_return is the known trap, kept to show it",
                             .choices = {"per_attempt", "whole_return"}, .source = "appendix A.4"});
  v.field("kl", kl, {.help = "anchor to the base model, named by the gradient it gives", .choices = {"reverse_k2", "forward_k3"},
                     .source = "eqs. 3-4: reverse"});
  v.group("optim", optim);
  v.group("lora", lora);
  v.group("stage1", stage1);
  v.group("stage2", stage2);
  v.group("base", base);
  v.group("sft", sft);
}

const std::vector<std::string>& arm_names() {
  static const std::vector<std::string> names = {"base",          "self_refine",    "star",      "star_plus",  "pair_sft",
                                                 "pair_sft_plus", "single_turn_rl", "no_stage1", "no_shaping", "whole_return",
                                                 "score"};
  return names;
}

std::vector<std::string> parse_arms(const std::string& list) { return report::parse_arms(list, arm_names()); }

namespace {

// A toy world of two numbers on which every part runs in seconds and the gain is plain at temperature 1.
void smoke(Options& o) {
  train::use_smoke_countdown(o.task, o.base);
  o.problems = 32;
  o.alpha = 1;
  o.stage1.steps = 10;
  o.stage2.steps = 40;
  o.optim = {.lr = 5e-4, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 5};
}

// SCoRe alone: the main job of `hone demo`.
void demo(Options& o) {
  train::use_demo_countdown(o.task, o.base);
  o.alpha = 1;
  o.stage1.steps = 80;
  o.stage2.steps = 180;
  o.optim = {.lr = 2e-4, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 10};
}

// The demo's model and budget with every supervised rival and single-turn reinforcement learning beside it.
void laptop(Options& o) {
  demo(o);
  o.arms = "star,star_plus,pair_sft,pair_sft_plus,single_turn_rl,score";
  o.sft.problems = 1500;
  o.sft.fit.steps = 40;
  o.sft.fit.optim = {.lr = 5e-4, .weight_decay = 0, .warmup = 5};
}

// The same where attempts are bare expressions: whoever looks again has to work them out to find a mistake.
void hidden(Options& o) {
  laptop(o);
  o.task.notation = "hidden";
}

// What each part of the method is for: SCoRe and SCoRe without it.
void ablations(Options& o) {
  demo(o);
  o.arms = "no_stage1,no_shaping,whole_return,score";
}

// A user's checkpoint: gentle steps, longer attempts.
void real(Options& o) {
  o.optim = {.lr = 5e-6, .weight_decay = 0, .schedule = "constant", .warmup = 10};
  o.stage1 = {.steps = 1500, .kl_first = 0.1, .kl_second = 0};
  o.stage2 = {.steps = 1500, .kl_first = 0.01, .kl_second = 0.01};
  o.problems = 128;
  o.max_tokens = 256;
}

std::unique_ptr<base::Options> make(std::string_view preset) {
  auto options = std::make_unique<Options>();
  if (preset == "smoke") smoke(*options);
  if (preset == "laptop") laptop(*options);
  if (preset == "demo") demo(*options);
  if (preset == "hidden") hidden(*options);
  if (preset == "ablations") ablations(*options);
  if (preset == "real") real(*options);
  return options;
}

// Δ = Acc@t2 − Acc@t1 of an arm, times `weight`.
std::vector<report::Term> delta(const std::string& arm, double weight = 1) {
  return {{arm, "t2", weight}, {arm, "t1", -weight}};
}

std::vector<report::Term> minus(std::vector<report::Term> a, const std::vector<report::Term>& b) {
  for (auto term : b) {
    term.weight = -term.weight;
    a.push_back(term);
  }
  return a;
}

std::vector<report::Claim> comparison_claims() {
  report::Claim a{"A", "the second attempt helps: Δ of SCoRe is above 0 and above the base model's",
                  {{"Δ score", delta("score")}, {"Δ score − Δ base", minus(delta("score"), delta("base"))}}};
  report::Claim b{"B", "Δ of SCoRe is above that of every supervised arm", {}};
  report::Claim c{"C", "Acc@t2 of SCoRe is above that of every supervised arm", {}};
  for (const std::string arm : {"star", "star_plus", "pair_sft", "pair_sft_plus"}) {
    b.contrasts.push_back({"Δ score − Δ " + arm, minus(delta("score"), delta(arm))});
    c.contrasts.push_back({"Acc@t2 score − " + arm, {{"score", "t2", 1}, {arm, "t2", -1}}});
  }
  report::Claim d{"D", "the first attempt is not sandbagged: Acc@t1 of SCoRe is above the base model's less one point",
                  {{"Acc@t1 score − base", {{"score", "t1", 1}, {"base", "t1", -1}}, -0.01}}};
  report::Claim e{"E", "two attempts with SCoRe beat one attempt after ordinary reinforcement learning (not the paper's claim)",
                  {{"Acc@t2 score − Acc@t1 single_turn_rl", {{"score", "t2", 1}, {"single_turn_rl", "t1", -1}}}}};
  return {a, b, c, d, e};
}

std::vector<report::Claim> ablation_claims() {
  const auto less = [](const std::string& arm) {
    return report::Contrast{"Δ score − Δ " + arm, minus(delta("score"), delta(arm))};
  };
  return {{"F", "without Stage I the second attempt helps less", {less("no_stage1")}},
          {"G", "without the bonus for turning wrong into right it helps less", {less("no_shaping")}},
          {"H",
           "paying all tokens for both attempts sacrifices the first: its Acc@t1 is 10 points or more below SCoRe's",
           {{"Acc@t1 score − whole_return", {{"score", "t1", 1}, {"whole_return", "t1", -1}}, 0.10}}}};
}

// The comparison is weighed in both notations.
std::vector<report::Claim> claims() {
  auto all = comparison_claims();
  report::add_claims(all, "hidden", comparison_claims());
  report::add_claims(all, "ablations", ablation_claims());
  return all;
}

}  // namespace

report::RecipeCard card() {
  return {.name = "score",
          .title = "SCoRe: self-correction by two-stage reinforcement learning",
          .paper = "arXiv:2409.12917",
          .method = {"A model answers a problem, is asked to try again, and answers once more; a verifier rewards right answers.",
                     "Stage I: reward on the second attempt only, the first one held near the base model by a strong KL.",
                     "Stage II: reward on both attempts; the second also earns alpha (r2 - r1): a bonus for wrong→right,",
                     "a penalty for right→wrong. Each attempt's tokens are paid by that attempt alone.",
                     "Compared with STaR, Pair-SFT (each with and without right→right data) and single-turn RL."},
          .presets = {{"laptop", "the demo's world, six arms"},
                      {"hidden", "the same with attempts that show no result"},
                      {"ablations", "SCoRe without Stage I, without shaping, with whole-return credit"},
                      {"smoke", "a toy world, seconds"},
                      {"demo", "the main job of `hone demo`: SCoRe alone on a small Countdown world"},
                      {"real", "a model folder of yours and a JSONL file of problems"}},
          .options = make,
          .check = [](const base::Options& given) { parse_arms(dynamic_cast<const Options&>(given).arms); },
          .claims = claims()};
}

}  // namespace hone::recipes::score
