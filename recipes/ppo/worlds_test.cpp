// The worlds that come as folders of other recipes: requests with a reward model, and searches.
#include "hone/data/search_records.h"
#include "hone/evaluate/test_claims.h"
#include "hone/models/scalar.h"
#include "hone/report/recipe_card.h"
#include "hone/tasks/helpful.h"
#include "hone/train/test_run.h"
#include "recipes/ppo/helpful.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

namespace hone::recipes::ppo {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

using train::expect_error;
using train::TempFolder;

// A model that has learnt nothing, over these words.
models::Model untrained(const text::Tokenizer& tokenizer) {
  const models::ModelOptions size{.width = 32, .layers = 1, .heads = 2, .context = 64};
  return {models::fresh(models::config_of(size, tokenizer.size()), Rng(1)), tokenizer};
}

// What responses are worth stands beside what the reward model says of them, over the run and at its end; the best
// policy by worth is kept beside the last one.
TEST(PpoWorlds, HelpfulMeasuresWorthBesideReward) {
  const TempFolder models, folder;
  auto base = untrained(text::Tokenizer::symbols(text::standard_specials(), tasks::helpful_words()));
  models::save(models / "base", base.decoder, base.tokenizer);
  base.decoder = models::scalar_of(base.decoder);
  // Not normal_(): libtorch seeds its own generator anew in every process.
  Rng rng(1);
  auto* weight = base.decoder.score.data_ptr<float>();
  for (int64_t i = 0; i < base.decoder.score.numel(); ++i) weight[i] = static_cast<float>(rng.normal());
  models::save(models / "judge", base.decoder, base.tokenizer);
  std::unique_ptr<Options> o(dynamic_cast<Options*>(card().options("helpful").release()));
  o->steps = 4;
  o->check_every = 2;
  o->problems = 8;
  o->task.test_problems = 10;
  o->pass_at = 2;
  expect_error(ErrorKind::usage, {"helpful", "reward_model"}, [&] { train::run_recipe(run, *o, folder.path()); });
  o->base.model = (models / "base").string();
  o->reward_model = (models / "judge").string();
  train::run_recipe(run, *o, folder.path());
  const auto arms = evaluate::outcomes_of(folder.path());
  evaluate::expect_claimed_terms(arms, report::claims_of(card(), "helpful"), 10);
  EXPECT_NE(arms.at("base").at("gold"), arms.at("ppo_no_kl").at("gold"));
  EXPECT_NE(arms.at("base").at("score"), arms.at("ppo_no_kl").at("score"));
  for (const auto& kl : arms.at("base").at("kl")) EXPECT_EQ(kl, 0);
  const auto rows = train::metric_rows(folder.path(), "ppo_no_kl");
  ASSERT_EQ(rows.size(), 4u);
  const auto gold = [&](std::size_t i) { return rows[i].at("gold").get<double>(); };
  EXPECT_EQ(rows[3].at("beta"), 0);
  // The better half's last policy: the end itself, or one before it.
  const bool second = gold(2) + gold(3) > gold(0) + gold(1);
  EXPECT_EQ(arms.at("ppo_no_kl_peak").at("gold") == arms.at("ppo_no_kl").at("gold"), second);
}

TEST(PpoWorlds, HelpfulIsRightAboutTheBestResponses) {
  const auto tasks = helpful_tasks({.train_problems = 3, .test_problems = 2}, Rng(1));
  ASSERT_EQ(tasks.train.size(), 3u);
  ASSERT_EQ(tasks.held_out.size(), 2u);
  const auto& problem = tasks.held_out[0];
  EXPECT_EQ(problem.id, helpful_tasks({.train_problems = 1, .test_problems = 2}, Rng(2)).held_out[0].id);
  EXPECT_EQ(tasks.verifier(problem, problem.answer).reward, 1);
  EXPECT_EQ(tasks.verifier(problem, problem.answer + " , " + problem.answer).reward, 0);
  EXPECT_EQ(tasks.verifier(problem, problem.answer.substr(0, problem.answer.rfind(','))).reward, 0);
  EXPECT_EQ(tasks.verifier(problem, "").reward, 0);
}

TEST(PpoWorlds, SearchesLeaveWhatTheirClaimsSpeakOf) {
  const TempFolder models, folder;
  const auto base = untrained(data::search_tokenizer(tasks::countdown_world("cd3")));
  models::save(models / "sos", base.decoder, base.tokenizer);
  std::unique_ptr<Options> o(dynamic_cast<Options*>(card().options("searches").release()));
  o->steps = 2;
  o->problems = 4;
  o->max_tokens = 24;
  o->task.train_problems = 100;
  o->task.test_problems = 6;
  o->pass_at = 2;
  o->base.model = (models / "sos").string();
  train::run_recipe(run, *o, folder.path());
  const auto arms = evaluate::outcomes_of(folder.path());
  evaluate::expect_claimed_terms(arms, report::claims_of(card(), "searches"), 6);
  for (const auto& saved : arms.at("base").at("nodes_saved")) EXPECT_EQ(saved, 0);
}

}  // namespace
}  // namespace hone::recipes::ppo
