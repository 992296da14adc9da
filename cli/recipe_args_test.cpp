#include "cli/recipe_args.h"

#include "cli/engine_verbs.h"
#include "cli/test_folder.h"
#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

int nothing(const Call&) { return 0; }

Recipe resolved(std::vector<std::string> words) {
  words.insert(words.begin(), "run");
  return resolve_recipe(parse(engine_verb("run", &nothing), "hone", words));
}

std::string refusal(const std::vector<std::string>& words) {
  try {
    resolved(words);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
    return error.what();
  }
  return "";
}

const base::OptionEntry entry_of(const Recipe& recipe, const std::string& path) {
  for (const auto& entry : recipe.set->entries()) {
    if (entry.path == path) return entry;
  }
  ADD_FAILURE() << "no option " << path;
  return {};
}

TEST(RecipeArgs, TheFirstPresetIsTheDefault) {
  const Recipe recipe = resolved({"score"});
  EXPECT_EQ(recipe.preset, recipe.card.presets.front().name);
  EXPECT_EQ(resolved({"score", "--preset", "smoke"}).preset, "smoke");
}

TEST(RecipeArgs, LaterPlacesWin) {
  const TestFolder folder;
  const std::string file =
      folder.file("my.toml", "recipe = \"score\"\npreset = \"smoke\"\nalpha = 3\nsamples = 6\n[stage2]\nsteps = 7\n");
  const Recipe recipe = resolved({file, "--set", "samples=8"});
  EXPECT_EQ(recipe.card.name, "score");
  EXPECT_EQ(recipe.preset, "smoke");
  EXPECT_EQ(entry_of(recipe, "alpha").value, "3.0");
  EXPECT_EQ(entry_of(recipe, "alpha").place, file + ":3");
  EXPECT_EQ(entry_of(recipe, "stage2.steps").value, "7");
  EXPECT_EQ(entry_of(recipe, "samples").value, "8");
  EXPECT_EQ(entry_of(recipe, "samples").place, "--set");
  EXPECT_EQ(entry_of(recipe, "world").origin, base::Origin::preset);
}

TEST(RecipeArgs, ARunAsAModelIsTheModelThatCameOutOfIt) {
  const TestFolder folder;
  folder.file("r/run.json", "{}");
  folder.file("r/models/base/config.json", "{}");
  const std::string made = folder.file("r/models/grpo/config.json", "{}");
  folder.file("r/summary.json", R"({"improved": "grpo"})");
  const std::string model = made.substr(0, made.rfind('/')), run = (folder.path() / "r").string();
  EXPECT_EQ(text_value(resolved({"grpo", "--model", run}), "model"), model);
  EXPECT_EQ(text_value(resolved({"grpo", "--model", "r", "--runs", folder.path().string()}), "model"), model);
  EXPECT_EQ(text_value(resolved({"grpo", "--model", "elsewhere"}), "model"), "elsewhere");
}

TEST(RecipeArgs, NamedOptionsAreShortForSet) {
  const Recipe recipe = resolved({"score", "--data", "a \"b\".jsonl", "--verifier", "number", "--model", "dir"});
  EXPECT_EQ(text_value(recipe, "data"), "a \"b\".jsonl");
  EXPECT_EQ(text_value(recipe, "verifier"), "number");
  EXPECT_EQ(text_value(recipe, "model"), "dir");
  EXPECT_EQ(text_value(recipe, "no.such"), "");
  EXPECT_EQ(entry_of(recipe, "data").place, "--data");
  EXPECT_NE(refusal({"sft", "--verifier", "number"}).find("has no option \"verifier\""), std::string::npos);
}

TEST(RecipeArgs, ErrorsNameThePlaceAndTheNearest) {
  const TestFolder folder;
  EXPECT_NE(refusal({"scor"}).find("did you mean \"score\""), std::string::npos);
  EXPECT_NE(refusal({"score", "--preset", "smok"}).find("did you mean \"smoke\""), std::string::npos);
  EXPECT_NE(refusal({"score", "--set", "alhpa=1"}).find("did you mean \"alpha\""), std::string::npos);
  EXPECT_NE(refusal({"score", "--set", "alpha"}).find("name=value"), std::string::npos);
  const std::string typo = folder.file("typo.toml", "recipe = \"score\"\n[stage2]\nstpes = 7\n");
  EXPECT_NE(refusal({typo}).find("typo.toml:3:1"), std::string::npos);
  EXPECT_NE(refusal({folder.file("none.toml", "alpha = 1\n")}).find("which recipe"), std::string::npos);
  EXPECT_NE(refusal({folder.file("number.toml", "recipe = 3\n")}).find("number.toml:1:10"), std::string::npos);
  EXPECT_THROW(resolved({(folder.path() / "absent.toml").string()}), Error);
}

TEST(RecipeArgs, TheWrittenFileReadsBackToTheSameValues) {
  const TestFolder folder;
  const Recipe before = resolved({"score", "--preset", "smoke", "--set", "alpha=2.5", "--data", "x y.jsonl"});
  const Recipe after = resolved({folder.file("copy.toml", recipe_toml(before))});
  EXPECT_EQ(after.preset, "smoke");
  EXPECT_EQ(before.set->to_json(), after.set->to_json());
}

TEST(RecipeArgs, SeedInATextIsTheSeedsNumber) {
  const Recipe recipe = resolved({"ppo", "--model", "runs/x/seed-{seed}/models/{seed}", "--set", "kl.weight=0.3"});
  const Recipe second = recipe_for_seed(recipe, 12);
  EXPECT_EQ(text_value(second, "model"), "runs/x/seed-12/models/12");
  EXPECT_EQ(entry_of(second, "model").origin, base::Origin::set);
  EXPECT_EQ(text_value(recipe, "model"), "runs/x/seed-{seed}/models/{seed}");
  const auto all = recipe.set->entries(), same = second.set->entries();
  ASSERT_EQ(all.size(), same.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].path == "model") continue;
    EXPECT_EQ(all[i].value, same[i].value) << all[i].path;
  }
}

TEST(RecipeArgs, ARunGivesItsRecipeBack) {
  const TestFolder folder;
  const Recipe before = resolved({"grpo", "--preset", "smoke", "--set", "samples=3"});
  folder.file("run.json", "{\"recipe\": \"grpo\", \"preset\": \"smoke\", \"seed\": 1}");
  folder.file("options.json", base::dump(options_json(before)));
  const Recipe after = recipe_of_run(folder.path());
  EXPECT_EQ(before.set->to_json(), after.set->to_json());
  EXPECT_EQ(entry_of(after, "samples").place, "--set");
  EXPECT_EQ(options_json(after), options_json(before));
  folder.file("options.json", "[{\"path\": \"gone\", \"value\": \"1\", \"origin\": \"set\"}]");
  EXPECT_THROW(recipe_of_run(folder.path()), Error);
}

}  // namespace
}  // namespace hone::cli
