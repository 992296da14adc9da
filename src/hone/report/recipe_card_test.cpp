#include "hone/report/recipe_card.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

std::vector<RecipeCard> cards() {
  RecipeCard score;
  score.name = "score";
  score.presets = {{"smoke", "seconds"}, {"laptop", "minutes"}};
  RecipeCard grpo;
  grpo.name = "grpo";
  return {score, grpo};
}

TEST(FindRecipe, ByName) { EXPECT_EQ(find_recipe(cards(), "grpo").name, "grpo"); }

TEST(FindRecipe, SuggestsTheNearest) {
  try {
    find_recipe(cards(), "scoer");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_EQ(std::string(error.what()), "unknown recipe \"scoer\"; did you mean \"score\"?");
    EXPECT_EQ(error.remedy(), "hone ls recipes");
  }
}

TEST(FindPreset, ByNameOrNearest) {
  const RecipeCard card = cards()[0];
  EXPECT_EQ(find_preset(card, "laptop").summary, "minutes");
  try {
    find_preset(card, "laptpo");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "unknown preset of score \"laptpo\"; did you mean \"laptop\"?");
  }
}

}  // namespace
}  // namespace hone::report
