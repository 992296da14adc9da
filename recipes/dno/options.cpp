// Options, presets and claims of DNO. Torch-free: `hone show dno` reads this.
#include "recipes/dno/options.h"

#include "hone/base/error.h"
#include "hone/report/recipe_card.h"
#include "hone/tasks/countdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace hone::recipes::dno {

void TraceOptions::visit(base::OptionVisitor& v) {
  v.field("world", world,
          {.help = "Countdown world that is searched", .choices = tasks::countdown_world_names(), .source = "card"});
  v.field("accuracy", accuracy,
          {.help = "the student is trained until its greedy searches solve this share",
           .min = 0,
           .max = 1,
           .source = "card: 0.45-0.55"});
  v.field("check_problems", check_problems, {.help = "problems looked at for that", .min = 1, .max = 1e6});
}

void OracleOptions::visit(base::OptionVisitor& v) {
  v.field("command", command,
          {.help = "program that judges, JSON lines in and out; empty = the rubric (needs `traces`)"});
  v.field("seconds", seconds,
          {.help = "longest silence of the program while an answer is due", .min = 0.01, .max = 1e6});
  v.field("memory_gb", memory_gb, {.help = "address space of the program; 0 = no limit", .min = 0, .max = 1e6});
  v.field("in_flight", in_flight, {.help = "questions sent ahead of their answers", .min = 1, .max = 4096});
  v.field("noise", noise,
          {.help = "rubric: share of scores that are replaced by a random one", .min = 0, .max = 1, .source = "card"});
}

void Options::visit(base::OptionVisitor& v) {
  v.field("data", data,
          {.help = "JSONL file of prompts with the teacher's answers (prompt, answer); empty = Countdown searches"});
  v.field("test_data", test_data, {.help = "JSONL file of held-out prompts; empty = every fifth of `data` by hash"});
  v.field("model", model, {.help = "model folder to start from; empty = a fresh one on Countdown searches"});
  v.field("arms", arms,
          {.help = "what is trained and compared, comma-separated: all, or some of " +
                   fmt::format("{}", fmt::join(arm_names(), " "))});
  v.field("iterations", iterations,
          {.help = "rounds of sampling, judging and training", .min = 1, .max = 100, .source = "paper: 3"});
  v.field("prompts", prompts,
          {.help = "prompts of one round; rounds share none", .min = 1, .max = 1e7, .source = "card; paper: 20000"});
  v.field("samples", samples,
          {.help = "completions of the student per prompt (K)", .min = 1, .max = 64, .source = "paper: 5"});
  v.field("temperature", temperature, {.help = "of sampling", .min = 0.01, .max = 100, .source = "paper: 0.7"});
  v.field("top_p", top_p, {.help = "of sampling", .min = 0.01, .max = 1, .source = "paper: 0.95"});
  v.field("max_tokens", max_tokens, {.help = "most tokens of a completion", .min = 1, .max = 1 << 20});
  v.field("replay", replay,
          {.help = "share of the last round's pairs that are trained on again; half of it for every round before",
           .min = 0,
           .max = 1,
           .source = "paper: 0.3"});
  v.field("offline_epochs", offline_epochs,
          {.help = "passes of sft and offline_dpo", .min = 1, .max = 100, .source = "paper: 4"});
  v.field("test", test, {.help = "held-out prompts", .min = 1, .max = 1e6, .source = "card"});
  v.field("game_steps", game_steps, {.help = "iterations of the tabular game", .min = 1, .max = 1e6, .source = "card"});
  v.group("traces", traces);
  v.group("oracle", oracle);
  v.group("filter", filter);
  v.group("fresh", fresh);
  v.group("base", base);
  v.group("sft", sft);
  v.group("pairs", pairs);
  v.group("lora", lora);
}

const std::vector<std::string>& arm_names() {
  static const std::vector<std::string> names = {"sft", "offline_dpo", "spin",          "dno_restrictive",
                                                 "dno", "dno_mixture", "dno_lookahead", "dno_soft"};
  return names;
}

std::vector<std::string> parse_arms(const std::string& list) {
  const auto arms = report::parse_arms(list, arm_names());
  const auto dno = std::find(arms.begin(), arms.end(), "dno");
  for (auto arm = arms.begin(); arm != arms.end(); ++arm) {
    const bool needs_dno = *arm == "dno_mixture" || *arm == "dno_lookahead";
    require(!needs_dno || dno < arm, ErrorKind::usage, "arms: {} is made from what dno leaves; put dno before it",
            *arm);
  }
  return arms;
}

void check(const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  parse_arms(o.arms);
  require(o.data.empty() || !o.oracle.command.empty(), ErrorKind::usage,
          "prompts from {} need a judge: set oracle.command", o.data);
}

namespace {

// The card's run: searches of three numbers, about a million parameters.
void laptop(Options& o) {
  o.prompts = 1000;  // the card's 4,000 would take seven hours for three seeds on two cores
  o.fresh.context = 288;
  o.base.steps = 3000;
  o.base.batch = 32;
  o.base.micro_tokens = 2048;
  o.base.check_every = 250;  // of 500, it went from below a half to 63 %
  o.base.optim = {.lr = 2e-3, .weight_decay = 0, .warmup = 50};
  o.sft.batch = 64;
  o.sft.micro_tokens = 2048;
  o.sft.optim = {.lr = 2e-4, .weight_decay = 0, .warmup = 20};
  o.pairs.micro_tokens = 2048;
  // Without the second term both sides fall and searches with them: 61 % solved before a round, 27 % after it.
  o.pairs.loss.nll = 5;
  o.pairs.optim = {.lr = 3e-5, .weight_decay = 0, .schedule = "constant", .warmup = 10};
}

// A toy world, every part in seconds; what it learns is not looked at.
void smoke(Options& o) {
  o.traces.world = "cd3-demo";
  o.traces.check_problems = 40;
  o.fresh = {.width = 64, .layers = 2, .heads = 2, .context = 224};
  o.max_tokens = 200;
  o.base.steps = 60;
  o.base.batch = 16;
  o.base.check_every = 30;
  o.base.optim = {.lr = 4e-3, .weight_decay = 0, .warmup = 5};
  o.arms = "dno";
  o.iterations = 2;
  o.prompts = 40;
  o.samples = 3;
  o.test = 20;
  o.filter.least = 3;
  o.game_steps = 50;
  o.sft.batch = 16;
  o.sft.optim = {.lr = 1e-3, .weight_decay = 0, .warmup = 2};
  o.pairs.batch = 16;
  o.pairs.optim = {.lr = 1e-4, .weight_decay = 0, .schedule = "constant", .warmup = 2};
}

// A user's checkpoint, prompts and judge.
void real(Options& o) {
  o.arms = "dno";
  o.prompts = 20000;
  o.max_tokens = 512;
  o.pairs.optim = {.lr = 5e-7, .weight_decay = 0, .schedule = "linear", .warmup = 20};
}

std::unique_ptr<base::Options> make(std::string_view preset) {
  auto options = std::make_unique<Options>();
  if (preset == "laptop") laptop(*options);
  if (preset == "smoke") smoke(*options);
  if (preset == "real") real(*options);
  return options;
}

// mean of one number of `arm` less that of `other`.
report::Contrast above(const std::string& arm, const std::string& other, double margin = 0) {
  return {"win rate " + arm + " − " + other, {{arm, "win", 1}, {other, "win", -1}}, margin};
}

std::vector<report::Claim> claims() {
  report::Claim i{
      "i",
      "the win rate over the teacher rises: after three rounds above the start, and no round costs 2 points",
      {above("dno", "base")}};
  for (int round = 1; round <= 3; ++round) {
    const auto after = fmt::format("win{}", round), before = fmt::format("win{}", round - 1);
    i.contrasts.push_back({after + " − " + before, {{"dno", after, 1}, {"dno", before, -1}}, -0.02});
  }
  report::Claim ii{
      "ii", "the student beats its teacher: a win rate above 50 %", {{"win rate dno", {{"dno", "win", 1}}, 0.5}}};
  report::Claim iii{
      "iii",
      "DNO is above DNO-Restrictive, SPIN and offline DPO, and offline DPO above fine-tuning on the teacher",
      {above("dno", "dno_restrictive"), above("dno", "spin"), above("dno", "offline_dpo"),
       above("offline_dpo", "sft")}};
  report::Claim iv{"iv",
                   "pairs turn round: student-over-teacher less teacher-over-student pairs per prompt grow from the "
                   "first to the third round",
                   {{"third − first round", {{"dno", "net3", 1}, {"dno", "net1", -1}}}}};
  return {i, ii, iii, iv};
}

}  // namespace

report::RecipeCard card() {
  return {.name = "dno",
          .title = "DNO: direct Nash optimization on pairs that an oracle prefers",
          .paper = "arXiv:2404.03715",
          .method = {"Per round: sample K completions of fresh prompts, judge them beside the teacher's by an oracle,",
                     "keep pairs of large margin in which the better one is good, add some of earlier rounds, and",
                     "minimise the DPO loss with the model at the start of the round as the reference.",
                     "dno_soft is Algorithm 1: win rates as soft targets, no filter.",
                     "dno_mixture answers with one of all rounds' models, drawn per prompt.",
                     "Rivals: fine-tuning on the teacher, offline DPO, SPIN, DNO-Restrictive, DNO-Lookahead."},
          .presets = {{"laptop", "Countdown searches, teacher = depth-first search, oracle = a rubric; all rivals"},
                      {"smoke", "a toy world, every part in seconds"},
                      {"real", "a model folder of yours, prompts with a teacher's answers, a judge of yours"}},
          .options = make,
          .check = check,
          .claims = claims()};
}

}  // namespace hone::recipes::dno
