// Options, presets and claims of Stream of Search. Torch-free: `hone show stream_of_search` reads this.
#include "recipes/stream_of_search/options.h"

#include "hone/report/recipe_card.h"
#include "hone/tasks/search/solvers.h"

#include <memory>

namespace hone::recipes::stream_of_search {

void Options::visit(base::OptionVisitor& v) {
  v.field("world", world,
          {.help = "family of Countdown problems", .choices = tasks::countdown_world_names(), .source = "card"});
  v.field(
      "arms", arms,
      {.help = "sos: searches alone; all: also optimal paths (op), as many tokens of them (op_matched), and best of n",
       .choices = {"all", "sos"}});
  v.field("problems", problems,
          {.help = "training problems, each with a search and an optimal path",
           .min = 1,
           .max = 1e8,
           .source = "card; paper: 500,000"});
  v.field("test_problems", test_problems,
          {.help = "held-out problems of each kind: new inputs, new targets, unsolved ones of training",
           .min = 2,
           .max = 1e6,
           .source = "card; paper: 10,000"});
  v.field("max_tokens", max_tokens,
          {.help = "most tokens of a search", .min = 1, .max = 1 << 20, .source = "card; paper: 4,096"});
  v.field("temperature", temperature,
          {.help = "of sampled searches (best of n, STaR)", .min = 0.01, .max = 100, .source = "paper"});
  v.group("fresh", fresh);
  v.group("fit", fit);
  v.group("star", star);
}

namespace {

void common(Options& o) {
  o.fresh = {.width = 128, .layers = 4, .heads = 4, .context = 528};
  o.fit.rows = "packed";
  o.fit.batch = 128;
  o.fit.check_every = 100;
  o.fit.optim = {.lr = 2e-3, .weight_decay = 0.01, .warmup = 50};
  o.star.fit = o.fit;
  o.star.fit.optim.lr = 5e-4;
}

// Everything runs; nothing is learned worth measuring.
void smoke(Options& o) {
  o.world = "cd3-demo";
  o.problems = 600;
  o.test_problems = 20;
  o.max_tokens = 160;
  o.fresh = {.width = 32, .layers = 2, .heads = 2, .context = 256};
  o.fit.steps = 60;
  o.fit.batch = 32;
  o.fit.check_every = 30;
  o.fit.optim.warmup = 10;
  o.star.iterations = 1;
  o.star.problems = 60;
  o.star.fit = o.fit;
  o.star.fit.steps = 10;
}

// Searches alone: a model that looks for solutions in its own text.
void demo(Options& o) {
  o.world = "cd3-demo";
  o.arms = "sos";
  o.problems = 20000;
  o.test_problems = 200;
  o.fit.steps = 300;
}

void laptop(Options& o) {
  o.fit.steps = 1200;
  o.star.iterations = 3;
  o.star.fit.steps = 200;
}

// The paper's setting, for a GPU: four numbers, 250 million parameters, 4,096 tokens.
void paper(Options& o) {
  o.world = "cd4-mini";
  o.problems = 500000;
  o.test_problems = 10000;
  o.max_tokens = 4096;
  o.fresh = {.family = "gpt2", .width = 1024, .layers = 16, .heads = 16, .context = 4110};
  o.fit.steps = 200000;
  o.fit.batch = 24;
  o.fit.optim = {.lr = 1e-5, .weight_decay = 0.01, .warmup = 1000};
  o.star.iterations = 3;
  o.star.problems = 200000;
  o.star.fit = o.fit;
}

std::unique_ptr<base::Options> make(std::string_view preset) {
  auto options = std::make_unique<Options>();
  common(*options);
  if (preset == "smoke") smoke(*options);
  if (preset == "demo") demo(*options);
  if (preset == "laptop") laptop(*options);
  if (preset == "paper") paper(*options);
  return options;
}

// sos − rival on new inputs and on new targets.
std::vector<report::Contrast> on_both(const std::string& rival, double margin) {
  return {{"new inputs: sos − " + rival, {{"sos", "val", 1}, {rival, "val", -1}}, margin},
          {"new targets: sos − " + rival, {{"sos", "val_target", 1}, {rival, "val_target", -1}}, margin}};
}

std::vector<report::Claim> claims() {
  report::Claim like{
      "D", "the model copies no single solver: it shares at most 80 % of the states visited with each", {}};
  for (const auto& solver : tasks::search::all_solvers()) {
    const auto name = tasks::search::name_of(solver);
    like.contrasts.push_back({"states not shared with " + name, {{"sos", "unlike_" + name, 1}}, 0.20});
  }
  return {{"A", "learning from searches beats learning from optimal paths by at least 10 points", on_both("op", 0.10)},
          {"B", "it still does when optimal paths get as many training tokens", on_both("op_matched", 0)},
          {"C", "it beats the best of n optimal paths at equal generated tokens (a rival that the paper lacks)",
           on_both("op_best_of_n", 0)},
          like,
          {"E", "three rounds of STaR solve more new inputs than the search model",
           {{"new inputs: star − sos", {{"star", "val", 1}, {"sos", "val", -1}}, 0}}},
          {"F", "they solve more of the training problems whose own search had failed",
           {{"unsolved in training: star − sos", {{"star", "unsolved", 1}, {"sos", "unsolved", -1}}, 0}}}};
}

}  // namespace

report::RecipeCard card() {
  return {.name = "stream_of_search",
          .title = "Stream of Search: a model that searches in its own text",
          .paper = "arXiv:2404.03683",
          .method = {"Make Countdown problems; 12 symbolic solvers write down their searches, dead ends included.",
                     "Train a small decoder from scratch on the searches (sos), whether they succeed or not.",
                     "Rivals: optimal paths alone (op), as many tokens of them (op_matched), the best of n samples.",
                     "Judged strictly on new inputs and on targets never seen in training.",
                     "STaR (star.iterations): sample searches, keep right ones, train on from the search model."},
          .presets = {{"laptop", "three numbers up to 30, 100k problems, all arms"},
                      {"smoke", "a toy world, seconds"},
                      {"demo", "searches alone on a small world, a minute or two"},
                      {"paper", "four numbers, the paper's model and context, for a GPU"}},
          .options = make,
          .claims = claims()};
}

}  // namespace hone::recipes::stream_of_search
