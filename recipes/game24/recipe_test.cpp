#include "hone/base/json.h"
#include "hone/evaluate/test_claims.h"
#include "hone/models/model.h"
#include "hone/report/recipe_card.h"
#include "hone/train/test_run.h"
#include "recipes/game24/options.h"

#include <gtest/gtest.h>

#include <memory>

namespace hone::recipes::game24 {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

namespace fs = std::filesystem;
using train::TempFolder;

std::unique_ptr<Options> smoke() {
  std::unique_ptr<Options> options(dynamic_cast<Options*>(card().options("smoke").release()));
  options->fit.steps = 4;
  options->fit.check_every = 4;
  options->test_puzzles = 6;
  options->max_tokens = 40;
  return options;
}

TEST(Game24Recipe, LeavesWhatItsClaimsSpeakOf) {
  const TempFolder folder;
  const auto summary = train::run_recipe(run, *smoke(), folder.path());
  EXPECT_EQ(summary.at("improved"), "search");
  EXPECT_EQ(summary.at("arms").at("base").at("label"), "derivation at once");
  evaluate::expect_claimed_terms(evaluate::outcomes_of(folder.path()), card().claims, 6);
  EXPECT_TRUE(fs::exists(folder / "models" / "search" / "model.safetensors"));
  const auto model = models::open(folder / "models" / "search");
  EXPECT_TRUE(model.tokenizer.find("search").has_value());
}

TEST(Game24Recipe, ThreadsDoNotChangeIt) {
  const TempFolder one, two;
  EXPECT_EQ(train::run_recipe(run, *smoke(), one.path(), 1), train::run_recipe(run, *smoke(), two.path(), 2));
  EXPECT_EQ(train::lines_without_times(one / "metrics.jsonl"), train::lines_without_times(two / "metrics.jsonl"));
}

}  // namespace
}  // namespace hone::recipes::game24
