// Options, presets and claims of STaR. Torch-free: `hone show star` reads this.
#include "recipes/star/options.h"

#include "hone/base/error.h"
#include "hone/report/recipe_card.h"
#include "hone/tasks/verifiers.h"

#include <fmt/format.h>

#include <memory>

namespace hone::recipes::star {

void Options::visit(base::OptionVisitor& v) {
  v.field("data", data, {.help = "JSONL file of problems (prompt and answer); empty = additions"});
  v.field("test_data", test_data,
          {.help = "JSONL file of held-out problems; empty = every fifth problem of `data` by hash"});
  v.field("verifier", verifier, {.help = "judge of the answers to `data`", .choices = tasks::verifier_names()});
  v.field("model", model, {.help = "model folder to start from (M0); empty = a fresh one shown short additions"});
  v.field("hint", hint, {.help = "prompt of a rationalisation on `data`; {prompt} and {answer} are filled in"});
  v.field("arms", arms,
          {.help = "what is trained and compared, comma-separated: all, or some of " +
                   fmt::format("{}", fmt::join(arm_names(), " "))});
  v.field("iterations", iterations,
          {.help = "rounds of sampling and training", .min = 1, .max = 1000, .source = "card; paper: 16"});
  v.field("problems", problems,
          {.help = "problems asked a round", .min = 1, .max = 1e7, .source = "card; paper: 10000"});
  v.field("samples", samples, {.help = "rationales a problem", .min = 1, .max = 1024, .source = "official code: 1"});
  v.field("temperature", temperature,
          {.help = "of sampling; 0 = greedy", .min = 0, .max = 100, .source = "paper: greedy"});
  v.field("cap", cap,
          {.help = "most rationales of one problem that a round keeps, so that easy ones do not flood",
           .min = 1,
           .max = 1024});
  v.field("max_tokens", max_tokens, {.help = "most tokens of a rationale with its answer", .min = 1, .max = 1 << 20});
  v.field("test", test,
          {.help = "held-out problems; additions: of every length", .min = 1, .max = 1e6, .source = "card"});
  v.field("start_steps", start_steps,
          {.help = "training steps of the first round", .min = 1, .max = 1e7, .source = "official code: 40"});
  v.field("grow", grow,
          {.help = "factor on them in every further round", .min = 1, .max = 10, .source = "official code: 1.2"});
  v.group("sums", sums);
  v.group("fresh", fresh);
  v.group("base", base);
  v.group("fit", fit);
  v.group("lora", lora);
}

const std::vector<std::string>& arm_names() {
  static const std::vector<std::string> names = {"star", "star_rationalize", "star_continue", "direct"};
  return names;
}

std::vector<std::string> parse_arms(const std::string& list) { return report::parse_arms(list, arm_names()); }

void check(const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  parse_arms(o.arms);
  require(o.data.empty() || o.hint.find("{answer}") != std::string::npos, ErrorKind::usage,
          "the hint \"{}\" does not hold {{answer}}", o.hint);
}

namespace {

// The card's ladder on a decoder of 0.8 million parameters.
void laptop(Options& o) {
  o.fresh.context = 160;
  o.sums.few_shot =
      50;  // with the paper's 10, M0 is right on 0.2 % of the sums of 3 digits, and they stay out of reach
  o.base.steps = 800;
  o.base.batch = 64;
  o.base.micro_tokens = 2048;
  o.base.optim = {.lr = 2e-3, .weight_decay = 0, .warmup = 40};
  o.fit.batch = 64;
  o.fit.micro_tokens = 2048;
  o.fit.optim = {.lr = 1e-3, .weight_decay = 0, .warmup = 10};
}

// Fewer rounds and one arm: to see the lengths come one after the other.
void demo(Options& o) {
  laptop(o);
  o.arms = "star_rationalize";
  o.iterations = 5;
  o.problems = 2000;
  o.test = 100;
}

// Every part in seconds; what it learns is not looked at.
void smoke(Options& o) {
  o.fresh = {.width = 64, .layers = 2, .heads = 2, .context = 160};
  o.sums.seed_records = 300;
  o.base.steps = 60;
  o.base.batch = 32;
  o.base.optim = {.lr = 4e-3, .weight_decay = 0, .warmup = 5};
  o.iterations = 2;
  o.problems = 90;
  o.test = 10;
  o.start_steps = 6;
  o.fit.batch = 32;
  o.fit.optim = {.lr = 1e-3, .weight_decay = 0, .warmup = 2};
}

// A user's checkpoint and problems: gentle steps, several samples.
void real(Options& o) {
  o.arms = "star_rationalize";
  o.iterations = 5;
  o.problems = 10000;
  o.samples = 4;
  o.temperature = 0.8;
  o.cap = 4;
  o.max_tokens = 256;
  o.fit.batch = 32;
  o.fit.optim = {.lr = 5e-6, .weight_decay = 0, .schedule = "constant", .warmup = 10};
}

std::unique_ptr<base::Options> make(std::string_view preset) {
  auto options = std::make_unique<Options>();
  if (preset == "laptop") laptop(*options);
  if (preset == "demo") demo(*options);
  if (preset == "smoke") smoke(*options);
  if (preset == "real") real(*options);
  return options;
}

std::vector<report::Claim> claims() {
  report::Claim a{
      "a",
      "on sums of 3 to 6 digits STaR is at least 10 points above answers learned directly from as many gold answers",
      {{"long star_rationalize − direct", {{"star_rationalize", "long", 1}, {"direct", "long", -1}}, 0.10}}};
  report::Claim b{"b",
                  "rationalisation lets longer sums rise sooner: area under the curve of 4 to 6 digits",
                  {{"area star_rationalize − star", {{"star_rationalize", "area", 1}, {"star", "area", -1}}}}};
  report::Claim c{
      "c", "the skill is not there before: M0 is right on less than 5 % of the sums of 4, 5 and 6 digits", {}};
  for (const std::string length : {"len4", "len5", "len6"})
    c.contrasts.push_back({"− " + length + " of the base model", {{"base", length, -1}}, -0.05});
  return {a, b, c};
}

}  // namespace

report::RecipeCard card() {
  return {.name = "star",
          .title = "STaR: bootstrapping reasoning with reasoning",
          .paper = "arXiv:2203.14465",
          .method = {"Ask the model for a rationale and an answer; keep what ends right; train on it; ask again.",
                     "star_rationalize asks again with the answer as a hint where it failed, and keeps the rationale",
                     "without the hint. Every round trains the original model anew; star_continue the last one.",
                     "direct learns as many gold answers without rationales in as many steps."},
          .presets = {{"laptop", "additions of 1 to 6 digits from a model that has seen 1 and 2; four arms"},
                      {"smoke", "every part in seconds"},
                      {"demo", "five rounds of one arm"},
                      {"real", "a model folder of yours and a JSONL file of problems"}},
          .options = make,
          .check = check,
          .claims = claims()};
}

}  // namespace hone::recipes::star
