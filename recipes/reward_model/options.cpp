// Options, presets and claims of the reward model. Torch-free: `hone show reward_model` reads this.
#include "recipes/reward_model/options.h"

#include "hone/base/error.h"
#include "hone/report/recipe_card.h"

#include <memory>

namespace hone::recipes::reward_model {

void HelpfulOptions::visit(base::OptionVisitor& v) {
  v.field("pairs", pairs, {.help = "choices to learn from", .min = 1, .max = 1e7, .source = "card"});
  v.field("few_pairs", few_pairs,
          {.help = "choices that a second reward model learns from, for its curve of best-of-n; 0 = no second one",
           .min = 0,
           .max = 1e7,
           .source = "card: 500"});
  v.field("samples", samples,
          {.help = "responses a prompt, K; all K-choose-2 pairs of them are chosen between",
           .min = 2,
           .max = 64,
           .source = "InstructGPT: 4 to 9"});
  v.field("best_of", best_of,
          {.help = "responses drawn for every held-out prompt: the largest n of best-of-n", .min = 16, .max = 4096});
  v.field("max_tokens", max_tokens, {.help = "most tokens of a response", .min = 1, .max = 1024, .source = "card"});
  v.field("careful", careful,
          {.help = "share of sft's steps, the first ones, whose annotators make no mistake: they teach to read the "
                   "request, which a pre-trained model can",
           .min = 0,
           .max = 1});
  v.group("annotator", annotator);
}

void Options::visit(base::OptionVisitor& v) {
  v.field("data", data,
          {.help = "JSONL file of choices (prompt, chosen, rejected); empty = the toy world of helpfulness"});
  v.field("test_data", test_data, {.help = "JSONL file of held-out choices; empty = some of the prompts of `data`"});
  v.field("held_out", held_out, {.help = "share of the prompts of `data` that are held out", .min = 0.001, .max = 0.5});
  v.field("model", model, {.help = "model folder to start from; needed with `data`"});
  v.field("too_long", too_long,
          {.help = "rows longer than the context: refuse names the row, truncate cuts it",
           .choices = {"refuse", "truncate"}});
  v.field("test", test, {.help = "held-out prompts of the world", .min = 1, .max = 1e6});
  v.group("helpful", helpful);
  v.group("fresh", fresh);
  v.group("sft", sft);
  v.group("reward", reward);
  v.group("lora", lora);
}

void check(const base::Options& given) {
  const auto& o = dynamic_cast<const Options&>(given);
  require(o.model.empty() || !o.data.empty(), ErrorKind::usage,
          "the toy world has a vocabulary of its own, which the model in {} does not read; give --data FILE", o.model);
}

std::vector<int64_t> sizes_up_to(int64_t most) {
  std::vector<int64_t> sizes;
  for (int64_t n = 1; n < most; n *= 2) sizes.push_back(n);
  sizes.push_back(most);
  return sizes;
}

namespace {

// The card's world on decoders of 0.8 million parameters.
void laptop(Options& o) {
  o.helpful.careful = 0.1;
  o.sft.steps = 2500;
  o.sft.batch = 64;
  o.sft.optim = {.lr = 1e-3, .weight_decay = 0, .warmup = 50};
  // Two responses a prompt: 4,000 choices on as many prompts teach more than on the 667 of K = 4.
  o.helpful.samples = 2;
  o.reward.batch = 4;
  o.reward.optim = {.lr = 1e-4, .weight_decay = 0, .schedule = "linear", .warmup = 10};
}

// Every part in seconds; what it learns is not looked at.
void smoke(Options& o) {
  o.fresh = {.width = 64, .layers = 2, .heads = 2, .context = 48};
  o.helpful.careful = 0.2;
  o.sft.steps = 60;
  o.sft.batch = 32;
  o.sft.optim = {.lr = 4e-3, .weight_decay = 0, .warmup = 5};
  o.helpful.pairs = 120;
  o.helpful.few_pairs = 30;
  o.helpful.best_of = 16;
  o.test = 20;
  o.reward.batch = 24;
  o.reward.optim = {.lr = 2e-3, .weight_decay = 0, .schedule = "linear", .warmup = 2};
}

// A user's checkpoint and choices.
void real(Options& o) {
  o.too_long = "truncate";
  o.reward.optim = {.lr = 1e-5, .weight_decay = 0, .schedule = "cosine", .warmup = 20};
}

std::unique_ptr<base::Options> make(std::string_view preset) {
  auto options = std::make_unique<Options>();
  if (preset == "laptop") laptop(*options);
  if (preset == "smoke") smoke(*options);
  if (preset == "real") real(*options);
  return options;
}

std::vector<report::Claim> claims() {
  report::Claim a{
      "a",
      "of two responses to a held-out prompt the reward model prefers the better one at least 80 % of the "
      "time, and 15 points more often than what length alone tells",
      {{"accuracy reward_model", {{"reward_model", "accuracy", 1}}, 0.80},
       {"accuracy reward_model − length", {{"reward_model", "accuracy", 1}, {"length", "accuracy", -1}}, 0.15}}};
  report::Claim b{"b",
                  "picking the best of 16 by the reward model raises the gold reward, and more than picking by length",
                  {{"gold best_of_16 − sft", {{"best_of_16", "gold", 1}, {"sft", "gold", -1}}},
                   {"gold best_of_16 − length", {{"best_of_16", "gold", 1}, {"length", "gold", -1}}}}};
  return {a, b};
}

}  // namespace

report::RecipeCard card() {
  return {.name = "reward_model",
          .title = "Reward model: choices between two, and best-of-n by it",
          .paper = "arXiv:2203.02155",
          .method = {"A language model with a scalar head learns from choices: −log σ(r(chosen) − r(rejected)).",
                     "One epoch; all pairs of a prompt in one step; read at the last token; mean reward set to 0.",
                     "The toy world knows what responses are worth: held-out accuracy against a length-only rival,",
                     "and best-of-n, whose score keeps rising where its worth does not."},
          .presets = {{"laptop", "the toy world of helpfulness: 4,000 choices, a second model of 500"},
                      {"smoke", "every part in seconds"},
                      {"real", "a model folder of yours and a JSONL file of choices"}},
          .options = make,
          .check = check,
          .claims = claims(),
          .rows = report::RecipeCard::Rows::choices};
}

}  // namespace hone::recipes::reward_model
