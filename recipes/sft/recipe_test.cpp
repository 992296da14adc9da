#include "hone/adapters/peft.h"
#include "hone/base/error.h"
#include "hone/models/model.h"
#include "hone/report/recipe_card.h"
#include "hone/train/test_run.h"
#include "recipes/sft/options.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

namespace hone::recipes::sft {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

namespace fs = std::filesystem;
using train::expect_error;
using train::TempFolder;

// The smoke preset, cut to a second.
std::unique_ptr<Options> smoke(int64_t steps = 10) {
  std::unique_ptr<Options> options(dynamic_cast<Options*>(card().options("smoke").release()));
  options->records = 200;
  options->fit.steps = steps;
  options->fit.batch = 16;
  options->fit.check_every = 5;
  return options;
}

std::string chat_row(int i) {
  return fmt::format(R"({{"messages": [{{"role": "user", "content": "say {0}"}}, )"
                     R"({{"role": "assistant", "content": "{0}{0}"}}]}})"
                     "\n",
                     i);
}

fs::path write_chat(const fs::path& file, int first, int count) {
  std::string lines;
  for (int i = first; i < first + count; ++i) lines += chat_row(i);
  checkpoint::write_bytes(file, lines);
  return file;
}

std::vector<double> losses(const fs::path& dir, const std::string& arm) {
  const auto json = base::parse_json(checkpoint::read_bytes(dir / "outcomes.json"), "outcomes.json");
  return json.at("arms").at(arm).at("loss").get<std::vector<double>>();
}

double mean_loss(const Json& summary, const std::string& arm) {
  return summary.at("arms").at(arm).at("values").at("loss").at("mean").get<double>();
}

TEST(SftRecipe, SmokePresetLearns) {
  const TempFolder folder;
  auto options = smoke(40);
  options->fit.batch = 32;
  const auto summary = train::run_recipe(run, *options, folder.path());
  EXPECT_LT(mean_loss(summary, "sft"), 0.8 * mean_loss(summary, "base"));
  EXPECT_EQ(summary.at("held_out"), 20);  // a tenth of the records
  EXPECT_EQ(summary.at("improved"), "sft");
  EXPECT_FALSE(fs::exists(folder / "models/base"));
  // The last look at held-out data is the saved model's loss, per token instead of per example.
  const auto last = base::parse_json(train::lines_without_times(folder / "metrics.jsonl").back(), "last line");
  EXPECT_NEAR(last.at("held_out_loss").get<double>(), mean_loss(summary, "sft"), 0.1);
}

TEST(SftRecipe, SeedsDecideAndThreadsDoNot) {
  const TempFolder one, two, other;
  EXPECT_EQ(train::run_recipe(run, *smoke(), one.path(), 1), train::run_recipe(run, *smoke(), two.path(), 2));
  const auto lines = train::lines_without_times(one / "metrics.jsonl");
  EXPECT_EQ(lines.size(), 10u);
  EXPECT_EQ(lines, train::lines_without_times(two / "metrics.jsonl"));
  EXPECT_EQ(checkpoint::read_bytes(one / "models/sft/model.safetensors"),
            checkpoint::read_bytes(two / "models/sft/model.safetensors"));
  train::run_recipe(run, *smoke(), other.path(), 1, 2);
  EXPECT_NE(lines, train::lines_without_times(other / "metrics.jsonl"));
}

TEST(SftRecipe, AChatFileAndTheModelItMadeTrainFurther) {
  const TempFolder files, from_scratch, further;
  auto options = smoke();
  options->data = write_chat(files / "chat.jsonl", 0, 40).string();
  options->test_data = write_chat(files / "test.jsonl", 40, 7).string();
  const auto summary = train::run_recipe(run, *options, from_scratch.path());
  EXPECT_EQ(summary.at("held_out"), 7);
  EXPECT_LT(mean_loss(summary, "sft"), mean_loss(summary, "base"));

  options->model = (from_scratch / "models/sft").string();
  const auto model = models::open(options->model);
  EXPECT_EQ(model.tokenizer.kind(), text::TokenizerKind::bytes);
  EXPECT_EQ(text::Tokenizer::load(from_scratch / "models/sft/tokenizer.json").to_json(), model.tokenizer.to_json());
  options->fit.rows = "one_each";
  train::run_recipe(run, *options, further.path());
  EXPECT_EQ(losses(further.path(), "base"), losses(from_scratch.path(), "sft"));
}

TEST(SftRecipe, AShareOfTheFileIsHeldOutWhenThereIsNoTestFile) {
  const TempFolder files, folder;
  auto options = smoke(2);
  options->data = write_chat(files / "chat.jsonl", 0, 20).string();
  options->held_out = 0.25;
  EXPECT_EQ(train::run_recipe(run, *options, folder.path()).at("held_out"), 5);
}

TEST(SftRecipe, PatienceEndsTheRun) {
  const TempFolder folder;
  auto options = smoke(1000);
  options->fit.check_every = 1;
  options->fit.patience = 2;
  options->fit.optim = {.lr = 0, .weight_decay = 0};  // nothing can get better
  train::run_recipe(run, *options, folder.path());
  EXPECT_EQ(train::lines_without_times(folder / "metrics.jsonl").size(), 3u);
}

// Base, adapter and merged model of a run belong together, and the merged one starts the next run.
TEST(SftRecipe, AnAdapterIsKeptBesideItsBaseAndMerged) {
  const TempFolder files, first, again, further;
  auto options = smoke();
  options->data = write_chat(files / "chat.jsonl", 0, 40).string();
  options->lora = {.rank = 4, .dropout = 0.1};
  options->fit.optim.lr = 1e-2;
  const auto summary = train::run_recipe(run, *options, first.path());
  EXPECT_LT(mean_loss(summary, "sft"), mean_loss(summary, "base"));
  auto model = models::open_decoder(first / "models/base");
  adapters::load_adapter(model, first / "adapters/sft");
  const auto written = base::parse_json(checkpoint::read_bytes(first / "summary.json"), "summary.json");
  EXPECT_EQ(written.at("cost").at("trained_parameters"), model.trained().numel());
  EXPECT_EQ(written.at("cost").at("frozen_parameters"), models::parameter_count(model));
  EXPECT_EQ(model.adapter.config->base, (first / "models/base").string());
  const auto merged = models::open_decoder(first / "models/sft");
  EXPECT_LE(adapters::relative_gap(adapters::probe_logits(merged), adapters::probe_logits(model)), 1e-5);

  EXPECT_EQ(train::run_recipe(run, *options, again.path(), 2), summary);
  EXPECT_EQ(checkpoint::read_bytes(first / "adapters/sft/adapter_model.safetensors"),
            checkpoint::read_bytes(again / "adapters/sft/adapter_model.safetensors"));

  options->model = (first / "models/sft").string();
  train::run_recipe(run, *options, further.path());
  const auto as_adapter = losses(first.path(), "sft"), as_merged = losses(further.path(), "base");
  ASSERT_EQ(as_adapter.size(), as_merged.size());
  for (std::size_t i = 0; i < as_merged.size(); ++i) EXPECT_NEAR(as_merged[i], as_adapter[i], 1e-4) << i;
  EXPECT_FALSE(fs::exists(further / "models/base"));
  model = models::open_decoder(first / "models/sft");
  EXPECT_TRUE(at::equal(model.flat, merged.flat));
  adapters::load_adapter(model, further / "adapters/sft");
  EXPECT_EQ(model.adapter.config->base, options->model);
}

TEST(SftRecipe, RowsThatDoNotFit) {
  const TempFolder files, refused, truncated, nothing;
  auto options = smoke(2);
  const std::string begin = R"({"messages": [{"role": "user", "content": ")";
  const std::string end = R"("}, {"role": "assistant", "content": "no"}]})";
  checkpoint::write_bytes(files / "long.jsonl", chat_row(1) + begin + std::string(300, 'x') + end + "\n" + chat_row(2));
  options->data = (files / "long.jsonl").string();
  expect_error(ErrorKind::data, {"long.jsonl:2", "256"}, [&] { train::run_recipe(run, *options, refused.path()); });
  options->too_long = "truncate";
  options->test_data = write_chat(files / "test.jsonl", 0, 3).string();
  EXPECT_NO_THROW(train::run_recipe(run, *options, truncated.path()));
  // Rows cut before their answers have nothing to measure: said before the training, not after it.
  checkpoint::write_bytes(files / "test.jsonl", begin + std::string(300, 'x') + end + "\n");
  expect_error(ErrorKind::data, {"none of the 1 held-out"}, [&] { train::run_recipe(run, *options, nothing.path()); });
  EXPECT_EQ(checkpoint::read_bytes(nothing / "metrics.jsonl"), "");
}

TEST(SftRecipe, OneRowCannotBeSplit) {
  const TempFolder files, folder;
  auto options = smoke(2);
  options->data = write_chat(files / "one.jsonl", 0, 1).string();
  expect_error(ErrorKind::data, {"one.jsonl", "can't be split"},
               [&] { train::run_recipe(run, *options, folder.path()); });
}

TEST(SftOptions, EveryPresetFitsItsDescription) {
  for (const auto& [name, summary] : card().presets) {
    const auto options = card().options(name), defaults = card().options("");
    EXPECT_NO_THROW(base::OptionSet(*options, *defaults, name)) << name;
  }
}

}  // namespace
}  // namespace hone::recipes::sft
