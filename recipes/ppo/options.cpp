// Options, presets and claims of actor-critic reinforcement learning. Torch-free: `hone show ppo` reads this.
#include "recipes/ppo/options.h"

#include "hone/base/error.h"
#include "hone/report/recipe_card.h"
#include "hone/train/countdown_presets.h"

#include <memory>

namespace hone::recipes::ppo {

void PenaltyOptions::visit(base::OptionVisitor& v) {
  v.field("weight", weight,
          {.help = "beta: nats per token that are taken off the reward (grpo: off the loss)",
           .min = 0,
           .max = 1e6,
           .source = "TRL: 0.05"});
  v.field("target", target,
          {.help = "KL in nats a completion that beta follows; 0 = beta is fixed",
           .min = 0,
           .source = "Ziegler et al.: 6"});
  v.field("horizon", horizon,
          {.help = "samples over which beta can change by a fifth", .min = 1, .source = "Ziegler et al."});
}

void CriticOptions::visit(base::OptionVisitor& v) {
  v.field("start", start,
          {.help = "what the critic begins as: the policy with a head of 0, or a copy of reward_model",
           .choices = {"policy", "reward_model"},
           .source = "InstructGPT: reward model"});
  v.field("clip", clip,
          {.help = "how far a value may move from the collected one before its loss is cut; 0 = off",
           .min = 0,
           .source = "arXiv:2403.17031: 0.2"});
  v.field("discount", discount, {.help = "gamma", .min = 0, .max = 1});
  v.field("trace", trace,
          {.help = "lambda of generalised advantage estimation", .min = 0, .max = 1, .source = "card: 0.95"});
  v.group("optim", optim);
}

void FitOptions::visit(base::OptionVisitor& v) {
  v.field("strength", strength,
          {.help = "what whitened advantages are multiplied by: 1/lambda of the paper",
           .min = 0,
           .source = "official code: 0.5"});
  v.field("limit", limit, {.help = "most of that product, so that no token rules the batch; 0 = no limit", .min = 0});
}

void ApaOptions::visit(base::OptionVisitor& v) {
  FitOptions::visit(v);
  v.field("anchor", anchor,
          {.help = "whose log-probs the square is around: sampler, the policy that sampled; reference, which holds it "
                   "where ref_reset leaves it",
           .choices = {"sampler", "reference"},
           .source = "official code; reference: Stream of Search, algorithm 1"});
}

void Options::visit(base::OptionVisitor& v) {
  task.visit(v);
  v.field("model", base.model, {.help = "model folder to start from; empty = train a fresh one on the world"});
  v.field("arms", arms,
          {.help = "what is trained and compared at equal samples, comma-separated: all, or some of ppo apa awr grpo "
                   "ppo_no_kl apa_no_reset"});
  v.field("reward_model", reward_model,
          {.help = "folder of a scalar model that scores prompt and completion at their end; empty = the verifier"});
  v.field("helpful", helpful,
          {.help = "problems are requests of reward_model's toy world, from a run of which model and reward_model must "
                   "come; what responses are worth (gold) is measured beside their reward"});
  v.field(
      "reward", reward,
      {.help = "of the verifier: its verdict, or with verifier = search a right search's rating, more for fewer nodes",
       .choices = {"verdict", "rating"},
       .source = "card of Stream of Search"});
  v.field("steps", steps, {.help = "batches of rollouts", .min = 0, .max = 1e7});
  v.field("problems", problems, {.help = "problems a step", .min = 1, .max = 1e6});
  v.field("samples", samples, {.help = "samples per problem; grpo's group", .min = 1, .max = 4096});
  v.field("max_tokens", max_tokens, {.help = "most tokens of a completion", .min = 1, .max = 1 << 20});
  v.field("epochs", epochs,
          {.help = "passes over the rollouts of a step", .min = 1, .max = 100, .source = "PPO: 4; APA: 2"});
  v.field("grpo_epochs", grpo_epochs, {.help = "the same of grpo", .min = 1, .max = 100, .source = "DeepSeekMath: 1"});
  v.field(
      "grpo_lr", grpo_lr,
      {.help = "its peak learning rate, since it makes fewer updates of a batch; 0 = optim.lr", .min = 0, .max = 10});
  v.field("minibatches", minibatches, {.help = "updates a pass", .min = 1, .max = 4096});
  v.field("temperature", temperature,
          {.help = "of sampling, applied to the trainer's log-probs alike", .min = 0.01, .max = 100});
  v.field("cut_penalty", cut_penalty,
          {.help = "taken off the reward of a completion that was cut at max_tokens", .min = 0, .source = "TRL: 1"});
  v.field("whiten", whiten,
          {.help = "what is brought to mean 0 and deviation 1 over the batch",
           .choices = {"advantages", "nothing"},
           .source = "PPO, APA"});
  v.group("clip", clip);
  v.group("kl", kl);
  v.group("apa", apa);
  v.group("awr", awr);
  v.group("critic", critic);
  v.field("ref_reset", ref_reset,
          {.help = "looks without a better one after which the policy becomes the new reference; 0 = never",
           .min = 0,
           .source = "Stream of Search"});
  v.field("check_every", check_every,
          {.help = "steps between those looks: at greedy accuracy on validation problems, or where there are none at "
                   "the mean reward",
           .min = 1});
  v.field("pass_at", pass_at, {.help = "samples per held-out problem for pass@k", .min = 1, .max = 4096});
  v.field("kl_samples", kl_samples,
          {.help = "samples per held-out problem for the KL to the base", .min = 1, .max = 4096});
  v.group("optim", optim);
  v.group("lora", lora);
  v.group("base", base);
}

const std::vector<std::string>& arm_names() {
  static const std::vector<std::string> names = {"ppo", "apa", "awr", "grpo", "ppo_no_kl", "apa_no_reset"};
  return names;
}

std::string rule_of(const std::string& arm) { return arm.substr(0, arm.find('_')); }

Options options_of(const std::string& arm, const Options& options) {
  Options own = options;
  if (arm == "ppo_no_kl") own.kl.weight = own.kl.target = 0;
  if (arm == "apa_no_reset") own.ref_reset = 0;
  if (arm == "grpo" && own.grpo_lr > 0) own.optim.lr = own.grpo_lr;
  return own;
}

void check(const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  report::parse_arms(o.arms, arm_names());
  require(
      o.lora.dropout == 0, ErrorKind::usage,
      "lora.dropout is {}; here it must be 0: the policy that is trained would be another than the one that sampled",
      o.lora.dropout);
  const bool searches = o.task.verifier == "search";
  require(o.reward != "rating" || searches, ErrorKind::usage,
          "reward = \"rating\" is of searches; the verifier is {}, not search", o.task.verifier);
  if (searches && o.base.model.empty())
    throw Error(ErrorKind::usage, "the verifier search needs a model that writes searches",
                "give --model DIR of a stream_of_search run: its models/sos");
  if (o.helpful && (o.reward_model.empty() || o.base.model.empty()))
    throw Error(ErrorKind::usage, "helpful needs model and reward_model: what a run of reward_model has made",
                "--model RUN/models/base --set reward_model=RUN/models/reward_model_few; in RUN of several seeds each "
                "has its own: RUN/seed-{seed}/models/…");
  require(o.critic.start != "reward_model" || !o.reward_model.empty(), ErrorKind::usage,
          "critic.start = \"reward_model\" needs reward_model: the folder of a scalar model");
}

namespace {

void smoke(Options& o) {
  o.arms = "all";
  train::use_smoke_countdown(o.task, o.base);
  o.base.two_turn = 0;
  o.steps = 10;
  o.problems = 16;
  o.kl.weight = 0.01;
  o.optim = {.lr = 5e-4, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 3};
  o.critic.optim = {.lr = 2e-3, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 3};
}

// World, base, samples and steps of grpo's laptop preset, so that its arms and these stand at equal tokens.
void laptop(Options& o) {
  o.arms = "ppo,apa,awr,grpo";
  train::use_demo_countdown(o.task, o.base);
  o.base.two_turn = 0;
  o.steps = 150;
  o.kl.weight = 0.001;  // TinyZero's
  o.optim = {.lr = 5e-5, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 10};
  o.grpo_lr = 2e-4;  // that recipe's, for one update in place of four
  o.critic.optim = {.lr = 1e-3, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 10};
}

// Policy improvement of Stream of Search (its card's numbers): needs --model, the models/sos of a run of that recipe.
void searches(Options& o) {
  o.arms = "ppo,apa,awr,grpo,apa_no_reset";
  o.task.world = "cd3";  // that recipe's; a pair of numbers and target is held out there and here alike
  o.task.verifier = "search";
  o.task.train_problems = 20000;
  o.task.test_problems = 1000;
  o.reward = "rating";
  o.steps = 150;
  o.problems = 32;
  o.samples = 4;  // 128 rollouts
  o.max_tokens = 256;
  o.epochs = 2;
  o.minibatches = 4;
  o.kl.weight = 0;  // as its authors have it: nearness is the squared loss's business
  o.apa.anchor = "reference";
  o.ref_reset = 3;
  o.optim = {.lr = 3e-5, .beta2 = 0.95, .weight_decay = 0, .schedule = "constant", .warmup = 10};
  o.critic.optim = {.lr = 3e-4, .beta2 = 0.95, .weight_decay = 0, .schedule = "constant", .warmup = 10};
}

// PPO against a reward model of the toy world of helpfulness, held near the base and not held at all: needs --model
// RUN/seed-{seed}/models/base and reward_model of a run of that recipe.
void helpful(Options& o) {
  o.arms = "ppo,ppo_no_kl";
  o.helpful = true;
  o.task.train_problems = 4000;
  o.task.test_problems = 300;
  o.steps = 200;
  o.problems = 32;
  o.samples = 4;  // 128 rollouts
  o.max_tokens = 24;
  o.cut_penalty = 1;
  o.kl.weight = 0.05;
  o.kl.target = 6;  // Ziegler et al.'s
  o.kl.horizon = 1000;
  o.critic.start = "reward_model";
  o.optim = {.lr = 1e-4, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 10};
  o.critic.optim = {.lr = 5e-4, .beta2 = 0.99, .weight_decay = 0, .schedule = "constant", .warmup = 10};
}

void real(Options& o) {
  o.optim = {.lr = 1e-6, .eps = 1e-5, .weight_decay = 0, .schedule = "linear", .warmup = 10};
  o.critic.optim = {.lr = 1e-5, .eps = 1e-5, .weight_decay = 0, .schedule = "linear", .warmup = 10};
  o.minibatches = 4;
  o.max_tokens = 256;
  o.steps = 500;
}

std::unique_ptr<base::Options> make(std::string_view preset) {
  auto options = std::make_unique<Options>();
  if (preset == "smoke") smoke(*options);
  if (preset == "laptop") laptop(*options);
  if (preset == "searches") searches(*options);
  if (preset == "helpful") helpful(*options);
  if (preset == "real") real(*options);
  return options;
}

report::Contrast more(const std::string& what, const std::string& arm, const std::string& rival, double margin = 0) {
  const std::string metric = what == "pass@1" ? "pass1" : what == "KL" ? "kl" : what;
  return {what + " " + arm + " − " + rival, {{arm, metric, 1}, {rival, metric, -1}}, margin};
}

// Of the four arms on Countdown.
std::vector<report::Claim> countdown_claims() {
  return {{"a", "APA raises pass@1 over the base model", {more("pass@1", "apa", "base")}},
          {"b",
           "PPO with a critic raises pass@1 by at least 10 points over the base model",
           {more("pass@1", "ppo", "base", 0.10)}},
          {"c", "APA is better than advantage-weighted regression at equal samples", {more("pass@1", "apa", "awr")}},
          {"d",
           "APA is at least as good as PPO and stays nearer to the base",
           {more("pass@1", "apa", "ppo"), more("KL", "ppo", "apa")}},
          {"e",
           "GRPO, without a critic, is not worse than PPO at equal samples (within 1 point)",
           {more("pass@1", "grpo", "ppo", -0.01)}}};
}

// Of the card of APA, on searches.
std::vector<report::Claim> search_claims() {
  return {{"a", "APA solves more new problems than the search model", {more("greedy", "apa", "base")}},
          {"b",
           "its searches make at least a quarter fewer mistakes in arithmetic",
           {{"arithmetic, ¾ base − apa", {{"base", "arithmetic", 0.75}, {"apa", "arithmetic", -1}}}}},
          {"c",
           "where both solve a problem it tries fewer operations",
           {{"operations saved by apa", {{"apa", "nodes_saved", 1}}}}},
          {"d",
           "APA is at least as good as PPO and stays nearer to the base",
           {more("greedy", "apa", "ppo"), more("KL", "ppo", "apa")}},
          {"e",
           "renewing the reference where progress stops solves more problems than keeping it",
           {more("greedy", "apa", "apa_no_reset")}}};
}

// Of the card of PPO, against a reward model.
std::vector<report::Claim> helpful_claims() {
  return {
      {"b", "PPO against a reward model, held near the base, raises the gold reward", {more("gold", "ppo", "base")}},
      {"c",
       "without that the reward is over-optimised: from where the gold reward was best to the end the reward model's "
       "score rises and the gold reward falls",
       {more("score", "ppo_no_kl", "ppo_no_kl_peak"), more("gold", "ppo_no_kl_peak", "ppo_no_kl")}},
      {"d",
       "the controller keeps the KL within a fifth of its target of 6 nats",
       {{"KL ppo", {{"ppo", "kl", 1}}, 0.8 * 6}, {"− KL ppo", {{"ppo", "kl", -1}}, -1.2 * 6}}}};
}

std::vector<report::Claim> claims() {
  auto all = countdown_claims();
  report::add_claims(all, "searches", search_claims());
  report::add_claims(all, "helpful", helpful_claims());
  return all;
}

}  // namespace

report::RecipeCard card() {
  return {
      .name = "ppo",
      .title = "PPO and APA: reinforcement learning with a critic",
      .paper = "arXiv:1707.06347, arXiv:2306.02231",
      .method = {"Sample completions; a verifier or a reward model rewards them at their last token.",
                 "Every token pays β for its log-ratio to the reference; β is fixed or follows a KL target.",
                 "A critic, a model with a scalar head, says what was to be expected; GAE makes advantages of both.",
                 "ppo: the clipped ratio. apa: the log-ratio is regressed on the advantage. awr: weighted likelihood.",
                 "Beside them at equal samples grpo, whose groups stand in for the critic.",
                 "With lora.rank, policy, reference and critic are adapters to one frozen base."},
      .presets = {{"laptop", "the world and the samples of grpo's laptop preset, all four arms"},
                  {"smoke", "a toy world, seconds"},
                  {"searches", "searches of a stream_of_search model that you give, paid for being right and short"},
                  {"helpful", "reward_model's toy world: policy and reward model of a run that you give"},
                  {"real", "a model folder of yours and a JSONL file of problems"}},
      .options = make,
      .check = check,
      .claims = claims()};
}

}  // namespace hone::recipes::ppo
