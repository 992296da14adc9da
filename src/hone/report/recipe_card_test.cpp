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

TEST(ClaimsOf, APresetWithoutItsOwnSharesThoseOfNone) {
  RecipeCard card = cards()[0];
  card.presets.push_back({"hidden", "minutes"});
  card.claims = {{"A", "shared", {}}};
  add_claims(card.claims, "hidden", {{"F", "of hidden", {}}});
  card.claims.push_back({"B", "shared too", {}});
  const auto ids = [&](const char* preset) {
    std::string text;
    for (const Claim& claim : claims_of(card, preset)) text += claim.id;
    return text;
  };
  EXPECT_EQ(ids("laptop"), "AB");
  EXPECT_EQ(ids("smoke"), "AB");
  EXPECT_EQ(ids(""), "AB");
  EXPECT_EQ(ids("hidden"), "F");
  EXPECT_EQ(record_name(card, "laptop"), "results.json");
  EXPECT_EQ(record_name(card, ""), "results.json");
  EXPECT_EQ(record_name(card, "hidden"), "results-hidden.json");
  EXPECT_EQ(record_names(card), (std::vector<std::string>{"results.json", "results-hidden.json"}));
}

TEST(ParseArms, InOrderAndOnce) {
  const std::vector<std::string> known = {"base", "score", "star"};
  EXPECT_EQ(parse_arms("score,base,score", known), (std::vector<std::string>{"score", "base"}));
  EXPECT_EQ(parse_arms("all", known), known);
  for (const auto& [list, said] : {std::pair("scor", "unknown arm \"scor\"; did you mean \"score\"?"),
                                   std::pair("base,,score", "unknown arm \"\""), std::pair("", "the list is empty")}) {
    try {
      parse_arms(list, known);
      ADD_FAILURE() << list;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(error.what()).find(said), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace hone::report
