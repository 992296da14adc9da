// Options, presets and claims of the Game of 24. Torch-free: `hone show game24` reads this.
#include "recipes/game24/options.h"

#include "hone/report/recipe_card.h"

#include <memory>

namespace hone::recipes::game24 {

void Options::visit(base::OptionVisitor& v) {
  v.field("search", search, {.help = "share of records that are searches in text", .min = 0, .max = 1});
  v.field("checks", checks,
          {.help = "share of records that are verdicts on positions of three values; the rest are derivations alone", .min = 0, .max = 1});
  v.field("wide", wide, {.help = "share of puzzles with a number above 13: none of them is a puzzle of the Game of 24", .min = 0, .max = 1});
  v.field("highest", highest, {.help = "largest number of those", .min = 14, .max = 20});
  v.field("doubt", doubt, {.help = "chance that a move that leads nowhere is tried all the same, so that coming back is learned", .min = 0, .max = 0.5});
  v.field("hopeless", hopeless, {.help = "share of the puzzles without solution whose search is learned", .min = 0, .max = 1});
  v.field("checks_each", checks_each, {.help = "positions of a record of verdicts", .min = 1, .max = 40});
  v.field("max_tokens", max_tokens, {.help = "most tokens of a completion", .min = 20, .max = 1 << 16});
  v.field("samples", samples, {.help = "samples per puzzle for best-of-n", .min = 1, .max = 4096});
  v.field("test_puzzles", test_puzzles, {.help = "held-out puzzles looked at, of 681", .min = 1, .max = 681});
  v.field("orders", orders, {.help = "orders of a held-out puzzle's numbers that are tried: all, or one", .choices = {"all", "one"}});
  v.group("fresh", fresh);
  v.group("fit", fit);
}

namespace {

void smoke(Options& o) {
  o.fresh = {.width = 64, .layers = 2, .heads = 2, .context = 640};
  o.fit.steps = 30;
  o.fit.batch = 16;
  o.fit.check_every = 15;
  o.fit.optim = {.lr = 3e-3, .weight_decay = 0, .warmup = 5};
  o.samples = 4;
  o.test_puzzles = 24;
  o.orders = "one";
  o.max_tokens = 400;
}

void laptop(Options& o) {
  o.fresh = {.width = 192, .layers = 6, .heads = 6, .context = 640};
  o.fit.steps = 3700;
  o.fit.batch = 64;
  o.fit.check_every = 400;
  o.fit.rows = "packed";
  o.fit.row_tokens = 640;
  o.fit.micro_tokens = 1280;
  o.fit.optim = {.lr = 2e-3, .beta2 = 0.99, .weight_decay = 0.01, .warmup = 200};
}

std::unique_ptr<base::Options> make(std::string_view preset) {
  auto options = std::make_unique<Options>();
  preset == "smoke" ? smoke(*options) : laptop(*options);
  return options;
}

std::vector<report::Claim> claims() {
  return {{"A", "one greedy search in text solves at least 90 % of the held-out puzzles",
           {{"solved by search, above 90 %", {{"search", "greedy", 1}}, 0.90}}},
          {"B", "searching in text solves more than writing the derivation down at once",
           {{"greedy search − greedy derivation", {{"search", "greedy", 1}, {"base", "greedy", -1}}, 0}}},
          {"C", "and more than the best of 4 derivations, of which the judge picks the right one",
           {{"greedy search − best of 4 derivations", {{"search", "greedy", 1}, {"base", "pass4", -1}}, 0}}},
          {"D", "the order of the numbers makes no difference of 2 points",
           {{"search in every order − in one", {{"search", "orders", 1}, {"search", "greedy", -1}}, -0.02}}}};
}

}  // namespace

report::RecipeCard card() {
  return {.name = "game24",
          .title = "Game of 24: a small specialist that searches in its own text",
          .paper = "arXiv:2305.10601",
          .method = {"Train from scratch on generated searches: a guess, then the other moves in turn, each with a verdict.",
                     "No puzzle of the held-out half (every second of the 1,362 solvable ones) is trained on in any order.",
                     "Measure on that half with the strict judge: one derivation, the best of n, one search in text."},
          .presets = {{"laptop", "a model of 2.7 million parameters, about half an hour on two cores"},
                      {"smoke", "a tiny model that learns nothing, seconds"}},
          .options = make,
          .claims = claims()};
}

}  // namespace hone::recipes::game24
