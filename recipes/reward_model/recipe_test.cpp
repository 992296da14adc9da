#include "hone/base/error.h"
#include "hone/evaluate/test_claims.h"
#include "hone/models/model.h"
#include "hone/models/scalar.h"
#include "hone/report/recipe_card.h"
#include "hone/tasks/jsonl.h"
#include "hone/train/reward_fit.h"
#include "hone/train/test_run.h"
#include "recipes/reward_model/length.h"
#include "recipes/reward_model/measure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

namespace hone::recipes::reward_model {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

namespace fs = std::filesystem;
using train::expect_error;
using train::TempFolder;

std::unique_ptr<Options> preset(const std::string& name) {
  return std::unique_ptr<Options>(dynamic_cast<Options*>(card().options(name).release()));
}

// The smoke preset, cut to a second or two.
std::unique_ptr<Options> cut() {
  auto o = preset("smoke");
  o->fresh = {.width = 32, .layers = 1, .heads = 2, .context = 40};
  o->sft.steps = 20;
  o->helpful.pairs = 40;
  o->helpful.few_pairs = 12;
  o->test = 5;
  return o;
}

std::vector<Json> rows_of(const fs::path& file) {
  std::vector<Json> rows;
  for (const auto& line : train::lines_without_times(file)) rows.push_back(base::parse_json(line, file.string()));
  return rows;
}

// ---- options and claims ----

TEST(RewardModelOptions, EveryPresetFitsItsDescription) {
  for (const auto& [name, summary] : card().presets) {
    const auto options = card().options(name), defaults = card().options("");
    EXPECT_NO_THROW(base::OptionSet(*options, *defaults, name)) << name;
  }
  EXPECT_EQ(sizes_up_to(64), (std::vector<int64_t>{1, 2, 4, 8, 16, 32, 64}));
  EXPECT_EQ(sizes_up_to(20), (std::vector<int64_t>{1, 2, 4, 8, 16, 20}));
}

// The longest prompt and response of a preset's world fit its context.
TEST(RewardModelOptions, TheWorldFitsItsContext) {
  for (const char* name : {"laptop", "smoke"}) {
    const auto o = preset(name);
    const int64_t prompt = 1 + 1 + tasks::kHelpfulRequests + 1;  // <bos> please … :
    EXPECT_LE(prompt + o->helpful.max_tokens, o->fresh.context) << name;
    // Eight items, the commas between them, one more, and the end.
    EXPECT_LE(8 + 7 + 1 + 1, o->helpful.max_tokens) << name;
  }
}

// ---- length alone ----

data::Example of_length(std::size_t tokens) { return train::example_of(text::Ids(tokens + 1, 3), 1); }

TEST(LengthScore, FindsTheOddsOfLengths) {
  // A completion of 3 tokens beats one of 5 in three choices of four, and 5 one of 9 in four of five.
  std::vector<data::Pair> pairs;
  for (int i = 0; i < 400; ++i) {
    const bool upset = i % 4 == 0, other = i % 5 == 0;
    pairs.push_back({of_length(upset ? 5 : 3), of_length(upset ? 3 : 5)});
    pairs.push_back({of_length(other ? 9 : 5), of_length(other ? 5 : 9)});
  }
  const LengthScore score(pairs);
  EXPECT_NEAR(score.at(3) - score.at(5), std::log(3.0), 0.02);
  EXPECT_NEAR(score.at(5) - score.at(9), std::log(4.0), 0.02);
  EXPECT_EQ(score.at(4), 0) << "never seen";
  EXPECT_EQ(LengthScore::count(of_length(7)), 7);
  EXPECT_EQ(score.of(of_length(3)), score.at(3));
}

TEST(LengthScore, EqualLengthsSayNothingAndLongOnesShare) {
  const std::vector<data::Pair> same = {{of_length(4), of_length(4)}};
  EXPECT_EQ(LengthScore(same).at(4), 0);
  EXPECT_EQ(LengthScore({}).at(4), 0);
  const std::vector<data::Pair> distant(20, {of_length(1000), of_length(10)});
  const LengthScore score(distant);
  EXPECT_GT(score.at(1000), score.at(10));
  EXPECT_EQ(score.at(1001), score.at(1000));
  EXPECT_EQ(score.at(2000), 0);
}

// ---- agreement and best-of-n ----

TEST(RewardModelMeasure, AgreementByHand) {
  // Pairs in gold order 3 > 1 > 0 and scores 5, 7, 1: wrong, right, right.
  const std::vector<double> gold = {3, 1, 0}, score = {5, 7, 1};
  const auto found = agreement(score, gold);
  EXPECT_NEAR(found.accuracy, 2.0 / 3, 1e-12);
  const double p31 = 1 / (1 + std::exp(-2.0)), p30 = 1 / (1 + std::exp(-3.0)), p10 = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(found.coin, ((1 - p31) + p30 + p10) / 3, 1e-12);
  EXPECT_NEAR(found.ceiling, (p31 + p30 + p10) / 3, 1e-12);
  EXPECT_NEAR(agreement(gold, gold).coin, found.ceiling, 1e-12);
}

TEST(RewardModelMeasure, TiesCountHalfAndNothingIsAHalf) {
  const std::vector<double> gold = {1, 0}, tied = {2, 2};
  EXPECT_EQ(agreement(tied, gold).accuracy, 0.5);
  EXPECT_EQ(agreement(tied, gold).coin, 0.5);
  EXPECT_EQ(agreement(gold, tied).accuracy, 0.5);
  EXPECT_EQ(agreement(gold, tied).ceiling, 0.5);
  EXPECT_EQ(agreement({}, {}).accuracy, 0.5);
}

TEST(RewardModelMeasure, BestOfPicksByOneScoreAndShowsAnother) {
  Responses r;
  r.gold = {1, 2, 3};
  const auto values = best_of({r}, {{0.3, 0.9, 0.1}}, {{10, 20, 30}}, 3);
  EXPECT_EQ(values.at("gold"), std::vector<double>{2});
  EXPECT_EQ(values.at("score"), std::vector<double>{20});
}

// ---- the world ----

Responses responses_of(const std::vector<std::string>& texts) {
  Responses r{.problem = tasks::draw_helpful(tasks::HelpfulSplit::train, 1, Rng(1))[0], .texts = texts};
  for (const auto& text : texts) {
    r.finish.push_back(text::Finish::stop);
    r.gold.push_back(tasks::helpful_reward(tasks::helpful_parts(r.problem, text, r.finish.back())));
  }
  return r;
}

TEST(RewardModelWorld, EveryTwoThatDifferAndEndedAreChosenBetween) {
  const auto answer = tasks::draw_helpful(tasks::HelpfulSplit::train, 1, Rng(1))[0].answer;
  auto r = responses_of({answer, "", answer, "tea ,"});
  EXPECT_EQ(choices({r}, 100, Rng(1)).size(), 5u) << "all six but the two that are alike";
  EXPECT_EQ(choices({r}, 3, Rng(1)).size(), 3u);
  r.finish[3] = text::Finish::length;
  const auto rows = choices({r}, 100, Rng(1));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at("prompt"), r.problem.prompt);
  const auto parsed = data::parse_pair_rows(tasks::jsonl_text(rows), "choices.jsonl");
  EXPECT_EQ(parsed[0].chosen.completion, rows[0].at("chosen"));
}

TEST(RewardModelWorld, TheCoinFollowsTheGoldReward) {
  const auto r = responses_of({"", "please ,"});  // both 0
  auto better = r;
  better.gold[0] = 1.5;
  int fair = 0, biased = 0;
  const int count = 3000;
  for (uint64_t i = 0; i < count; ++i) {
    fair += choices({r}, 1, Rng(i))[0].at("chosen") == r.texts[0];
    biased += choices({better}, 1, Rng(i))[0].at("chosen") == r.texts[0];
  }
  EXPECT_NEAR(fair / static_cast<double>(count), 0.5, 0.03);
  EXPECT_NEAR(biased / static_cast<double>(count), tasks::chosen_probability(1.5, 0), 0.03);
  const auto row = choices({better}, 1, Rng(7))[0];
  EXPECT_EQ(row.at("chosen") == better.texts[0] ? row.at("chosen_gold") : row.at("rejected_gold"), 1.5);
}

TEST(RewardModelWorld, DemonstrationsAreOfTrainingRequests) {
  const auto tokenizer = text::Tokenizer::symbols(text::standard_specials(), tasks::helpful_words());
  for (uint64_t i = 0; i < 50; ++i) {
    const auto e = demonstration({}, tokenizer, Rng(i));
    const auto text = tokenizer.decode(e.ids);
    EXPECT_TRUE(text.starts_with("please ")) << text;
    EXPECT_EQ(std::count(e.loss_mask.begin(), e.loss_mask.begin() + 8, 1), 0);
    EXPECT_EQ(std::count(e.loss_mask.begin() + 8, e.loss_mask.end(), 0), 0);
    EXPECT_EQ(e.ids.back(), tokenizer.end());
  }
}

// ---- runs ----

TEST(RewardModelRecipe, TheWorldIsMeasuredAndTheClaimsSpeakOfWhatIsThere) {
  const TempFolder folder;
  const auto options = cut();
  const auto summary = train::run_recipe(run, *options, folder.path());
  EXPECT_EQ(summary.at("held_out"), 5);
  EXPECT_EQ(summary.at("improved"), "reward_model");
  const auto arms = evaluate::outcomes_of(folder.path());
  evaluate::expect_claimed_terms(arms, card().claims, 5);
  // The score of what is picked by it can only rise with n.
  const auto score = [&](const char* arm, std::size_t i) { return arms.at(arm).at("score")[i].get<double>(); };
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_GE(score("best_of_2", i), score("sft", i) - 1e-9);
    EXPECT_GE(score("best_of_16", i), score("best_of_8", i) - 1e-9);
    EXPECT_GE(score("best_of_16", i), score("length", i) - 1e-9);
  }
  const auto rows = rows_of(folder / "choices.jsonl");
  EXPECT_EQ(rows.size(), 40u);
  int64_t curve = 0;
  for (const auto& row : rows_of(folder / "metrics.jsonl")) curve += row.at("phase") == "reward_model.best_of_n";
  EXPECT_EQ(curve, 5) << "n = 1, 2, 4, 8, 16";
}

// What is in the folder says what was measured, and its rewards of what the policy said average 0.
TEST(RewardModelRecipe, TheFolderHoldsTheCentredModel) {
  const TempFolder folder;
  train::run_recipe(run, *cut(), folder.path());
  const auto model = models::open(folder / "models/reward_model"), base = models::open(folder / "models/base");
  ASSERT_TRUE(model.decoder.scalar());
  EXPECT_FALSE(base.decoder.scalar());
  const auto set =
      data::tokenize_pairs(data::read_pair_rows(folder / "choices.jsonl"), model.tokenizer, 40, data::TooLong::refuse);
  base::Pool pool(train::test_threads(1));
  const train::MicroOptions micro{.vocab = model.decoder.config.vocab, .context = 40};
  double mean = 0;
  for (const double reward : train::final_values(model.decoder, train::examples_of(set.pairs), micro, pool))
    mean += reward / static_cast<double>(2 * set.pairs.size());
  EXPECT_NEAR(mean, 0, 1e-4);
  const auto config = base::parse_json(checkpoint::read_bytes(folder / "models/reward_model/config.json"), "config");
  EXPECT_EQ(config.at("architectures")[0], "LlamaForSequenceClassification");
  EXPECT_EQ(config.at("num_labels"), 1);
  EXPECT_TRUE(config.at("pad_token_id").is_number());
}

TEST(RewardModelRecipe, SeedsDecideAndThreadsDoNot) {
  const TempFolder one, two, other;
  EXPECT_EQ(train::run_recipe(run, *cut(), one.path(), 1), train::run_recipe(run, *cut(), two.path(), 2));
  EXPECT_EQ(train::lines_without_times(one / "metrics.jsonl"), train::lines_without_times(two / "metrics.jsonl"));
  for (const char* file : {"choices.jsonl", "outcomes.json", "models/reward_model/model.safetensors"})
    EXPECT_EQ(checkpoint::read_bytes(one / file), checkpoint::read_bytes(two / file)) << file;
  train::run_recipe(run, *cut(), other.path(), 1, 2);
  EXPECT_NE(checkpoint::read_bytes(one / "choices.jsonl"), checkpoint::read_bytes(other / "choices.jsonl"));
}

// Stopped again and again, wherever that is. (Kills of whole programs: tests/invariants.)
TEST(RewardModelRecipe, StoppedAndResumedItIsTheSame) {
  const TempFolder whole, pieces;
  const auto expected = train::run_recipe(run, *cut(), whole.path());
  Json found;
  int stops = 0;
  for (int wait = 20; found.is_null(); wait += 10) {
    train::TestRun part(pieces.path());
    part.env.checkpoint_seconds = wait % 20 == 0 ? 0 : 1e9;
    std::thread hand([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(wait));
      part.stop = true;
    });
    try {
      run(part.env, *cut());
      found = base::parse_json(checkpoint::read_bytes(pieces / "summary.json"), "summary.json");
    } catch (const Interrupted&) {
      ++stops;
    }
    hand.join();
  }
  EXPECT_GE(stops, 1);
  found.erase("cost");
  EXPECT_EQ(found, expected);
  EXPECT_EQ(train::lines_without_times(whole / "metrics.jsonl"), train::lines_without_times(pieces / "metrics.jsonl"));
  EXPECT_EQ(train::lines_without_times(whole / "events.jsonl"), train::lines_without_times(pieces / "events.jsonl"));
  EXPECT_EQ(checkpoint::read_bytes(whole / "models/reward_model/model.safetensors"),
            checkpoint::read_bytes(pieces / "models/reward_model/model.safetensors"));
}

// ---- a file of choices ----

// A byte-level model folder, and rows in which the shorter number is chosen.
struct Given {
  explicit Given(const std::string& rows) {
    checkpoint::write_bytes(files / "prefs.jsonl", rows);
    const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
    const models::ModelOptions size{.width = 16, .layers = 1, .heads = 2, .context = 64};
    models::save(files / "model", models::fresh(models::config_of(size, tokenizer.size()), Rng(1)), tokenizer);
    options->data = (files / "prefs.jsonl").string();
    options->model = (files / "model").string();
    options->too_long = "refuse";
    options->held_out = 0.2;
    options->reward.batch = 8;
  }
  TempFolder files, folder;
  std::unique_ptr<Options> options = preset("real");
};

std::string rows_as_texts() {
  std::string lines;
  for (int i = 0; i < 40; ++i)
    lines += fmt::format("{{\"prompt\": \"{} =\", \"chosen\": \"{}\", \"rejected\": \"{}{}\"}}\n", i % 20, i % 7, i, i);
  return lines;
}

std::string rows_as_messages() {
  std::string lines;
  for (int i = 0; i < 40; ++i)
    lines += fmt::format(
        "{{\"prompt\": [{{\"role\": \"user\", \"content\": \"{}\"}}], \"chosen\": [{{\"role\": \"assistant\", "
        "\"content\": \"{}\"}}], \"rejected\": [{{\"role\": \"assistant\", \"content\": \"\"}}]}}\n",
        i, i % 7);
  return lines;
}

TEST(RewardModelRecipe, AFileOfChoicesAndAModelFolder) {
  for (const auto& rows : {rows_as_texts(), rows_as_messages()}) {
    const Given given(rows);
    const auto summary = train::run_recipe(run, *given.options, given.folder.path());
    EXPECT_EQ(summary.at("base"), "length");
    const auto arms = evaluate::outcomes_of(given.folder.path());
    EXPECT_EQ(arms.at("reward_model").at("accuracy").size(), arms.at("length").at("accuracy").size());
    EXPECT_GE(arms.at("length").at("accuracy").size(), 4u);
    EXPECT_TRUE(models::open(given.folder / "models/reward_model").decoder.scalar());
  }
}

TEST(RewardModelRecipe, LowRankAndHeldOutFiles) {
  const Given given(rows_as_texts());
  given.options->lora.rank = 2;
  given.options->test_data = given.options->data;
  train::run_recipe(run, *given.options, given.folder.path());
  EXPECT_EQ(evaluate::outcomes_of(given.folder.path()).at("length").at("accuracy").size(), 40u);
  EXPECT_TRUE(fs::exists(given.folder / "adapters/reward_model/adapter_model.safetensors"));
  EXPECT_TRUE(models::open(given.folder / "models/reward_model").decoder.scalar());
}

TEST(RewardModelRecipe, WhatDoesNotFitIsRefused) {
  const TempFolder nothing;
  auto world = cut();
  world->model = "somewhere";
  expect_error(ErrorKind::usage, {"toy world", "somewhere"}, [&] { train::run_recipe(run, *world, nothing.path()); });
  {
    const Given given(rows_as_texts());
    given.options->model.clear();
    expect_error(ErrorKind::usage, {"prefs.jsonl", "need a model"},
                 [&] { train::run_recipe(run, *given.options, given.folder.path()); });
  }
  {
    const Given given("{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n");
    expect_error(ErrorKind::data, {"one prompt"}, [&] { train::run_recipe(run, *given.options, given.folder.path()); });
  }
  {
    const Given given(rows_as_texts() + "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"" +
                      std::string(100, 'c') + "\"}\n");
    expect_error(ErrorKind::data, {"prefs.jsonl:41", "at most 64"},
                 [&] { train::run_recipe(run, *given.options, given.folder.path()); });
    const TempFolder again;
    given.options->too_long = "truncate";
    EXPECT_NO_THROW(train::run_recipe(run, *given.options, again.path()));
  }
}

}  // namespace
}  // namespace hone::recipes::reward_model
