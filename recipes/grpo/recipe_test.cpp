#include "hone/adapters/peft.h"
#include "hone/base/error.h"
#include "hone/data/rows.h"
#include "hone/evaluate/test_claims.h"
#include "hone/models/model.h"
#include "hone/report/recipe_card.h"
#include "hone/train/fit.h"
#include "hone/train/test_run.h"
#include "recipes/grpo/options.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

namespace hone::recipes::grpo {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

namespace fs = std::filesystem;
using train::expect_error;
using train::TempFolder;

// The smoke preset, cut to a second.
std::unique_ptr<Options> smoke(int64_t steps = 3) {
  std::unique_ptr<Options> options(dynamic_cast<Options*>(card().options("smoke").release()));
  options->task.test_problems = 40;
  options->base.fit.steps = 15;
  options->base.fit.batch = 32;
  options->base.fit.check_every = 10;
  options->steps = steps;
  options->problems = 8;
  return options;
}

// The lines that an arm logged.
std::vector<Json> steps_of(const fs::path& dir, const std::string& arm) {
  std::vector<Json> rows;
  for (const auto& line : train::lines_without_times(dir / "metrics.jsonl")) {
    auto row = base::parse_json(line, "metrics.jsonl");
    if (row.at("phase") == arm) rows.push_back(std::move(row));
  }
  return rows;
}

TEST(GrpoRecipe, SmokePresetWithItsRival) {
  const TempFolder folder;
  auto options = smoke();
  options->arms = "both";
  options->pass_at = 16;
  const auto summary = train::run_recipe(run, *options, folder.path());
  EXPECT_EQ(summary.at("improved"), "grpo");
  EXPECT_EQ(summary.at("held_out"), options->task.test_problems);
  const auto outcomes = evaluate::outcomes_of(folder.path());
  for (const char* arm : {"base", "reinforce", "grpo"}) {
    for (const char* metric : {"greedy", "pass1", "pass4", "pass16"}) {
      EXPECT_EQ(outcomes.at(arm).at(metric).size(), 40u) << arm << " " << metric;
      EXPECT_TRUE(summary.at("arms").at(arm).at("values").at(metric).at("mean").is_number()) << arm << " " << metric;
    }
    EXPECT_TRUE(fs::exists(folder / "models" / arm / "model.safetensors")) << arm;
  }
  // Both arms start from the same base, but on rollouts of their own.
  EXPECT_EQ(steps_of(folder.path(), "grpo").size(), 3u);
  EXPECT_EQ(steps_of(folder.path(), "reinforce").size(), 3u);
  // The claims speak of what a run with both arms leaves.
  evaluate::expect_claimed_terms(outcomes, card().claims, 40);
}

TEST(GrpoRecipe, SeedsDecideAndThreadsDoNot) {
  const TempFolder one, two, other;
  EXPECT_EQ(train::run_recipe(run, *smoke(), one.path(), 1), train::run_recipe(run, *smoke(), two.path(), 2));
  const auto lines = train::lines_without_times(one / "metrics.jsonl");
  EXPECT_EQ(lines.size(), 18u);  // 15 of the base model and 3
  EXPECT_EQ(lines, train::lines_without_times(two / "metrics.jsonl"));
  train::run_recipe(run, *smoke(), other.path(), 1, 2);
  EXPECT_NE(lines, train::lines_without_times(other / "metrics.jsonl"));
}

// "i" is to be answered by "i mod 2".
std::string problems_file(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += fmt::format(R"({{"prompt": [{{"role": "user", "content": "{}"}}], "answer": "{}"}})"
                         "\n",
                         i, i % 2);
  return lines;
}

// A problem file, and a byte-level model in a folder that has seen its rows: it knows the form and guesses the digit.
struct Parity {
  Parity() {
    checkpoint::write_bytes(data(), problems_file(60));
    const TempFolder run_folder;
    train::TestRun run(run_folder.path());
    train::Session session(run.env);
    const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
    const models::ModelOptions size{.width = 32, .layers = 2, .heads = 2, .context = 32};
    auto model = models::fresh(models::config_of(size, tokenizer.size()), Rng(1));
    std::vector<data::Example> examples;
    for (const auto& row : data::read_rows(data()))
      examples.push_back(data::tokenize(row, tokenizer, 32, data::TooLong::refuse));
    const train::FitOptions fit{.steps = 30, .batch = 32, .optim = {.lr = 1e-2, .warmup = 5}};
    train::fit(run.env, session, "sft", model, fit, train::cycle(examples, fit.batch, Rng(2)));
    models::save(this->model(), model, tokenizer);
  }
  std::unique_ptr<Options> options(int64_t steps) const {
    auto o = smoke(steps);
    o->base.model = model().string();
    o->task.data = data().string();
    o->task.verifier = "exact";
    o->max_tokens = 3;
    return o;
  }
  fs::path data() const { return folder / "problems.jsonl"; }
  fs::path model() const { return folder / "model"; }
  TempFolder folder;
};
const Parity& parity() {
  static const Parity made;
  return made;
}

// The reference is the base in the policy's own storage: at the first step there is nothing between them.
TEST(GrpoRecipe, AnAdapterWithItsBaseAsReference) {
  const TempFolder one, two;
  auto options = parity().options(4);
  options->lora = {.rank = 4, .dropout = 0.1, .targets = "q_proj,v_proj,down_proj"};
  options->kl = 0.05;
  options->optim.lr = 1e-2;
  const auto before = models::open_decoder(parity().model());
  train::run_recipe(run, *options, one.path());
  const auto rows = steps_of(one.path(), "grpo");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_NEAR(rows.front().at("kl").get<double>(), 0, 1e-6);
  EXPECT_GT(rows.back().at("kl").get<double>(), 1e-6);
  EXPECT_TRUE(at::equal(models::open_decoder(one / "models/base").flat, before.flat));
  auto model = before;
  adapters::load_adapter(model, one / "adapters/grpo");
  const auto merged = models::open_decoder(one / "models/grpo");
  EXPECT_LE(adapters::relative_gap(adapters::probe_logits(merged), adapters::probe_logits(model)), 1e-5);
  EXPECT_FALSE(fs::exists(one / "adapters/base"));
  train::run_recipe(run, *options, two.path(), 2);
  EXPECT_EQ(train::lines_without_times(one / "metrics.jsonl"), train::lines_without_times(two / "metrics.jsonl"));
}

// The parity model's folder with a chat template.
fs::path with_template(const fs::path& to, const std::string& source) {
  fs::copy(parity().model(), to);
  checkpoint::write_bytes(to / "chat_template.jinja", source);
  checkpoint::write_bytes(to / "tokenizer_config.json", R"({"bos_token": "<bos>", "eos_token": "<end>"})");
  return to;
}

constexpr const char* kOwnFormat =
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}";

// A template that writes what hone's own format does gives the same run, from conversations and from texts; another one
// doesn't, and every model that is saved keeps it.
TEST(GrpoRecipe, PromptsAreThoseOfTheFoldersChatTemplate) {
  const TempFolder folders, own, same, texts, other;
  train::run_recipe(run, *parity().options(2), own.path());
  const auto lines = train::lines_without_times(own / "metrics.jsonl");

  auto options = parity().options(2);
  options->base.model = with_template(folders / "same", kOwnFormat).string();
  train::run_recipe(run, *options, same.path());
  EXPECT_EQ(train::lines_without_times(same / "metrics.jsonl"), lines);
  EXPECT_EQ(checkpoint::read_bytes(same / "outcomes.json"), checkpoint::read_bytes(own / "outcomes.json"));
  for (const char* arm : {"base", "grpo"})
    EXPECT_EQ(checkpoint::read_bytes(same / "models" / arm / "chat_template.jinja"), kOwnFormat) << arm;

  // The rows' prompts as texts: the user's turn, unless they are wanted as they stand.
  std::string rows = problems_file(60);
  for (const std::string part : {R"([{"role": "user", "content": )", R"(}])"})
    for (auto at = rows.find(part); at != std::string::npos; at = rows.find(part)) rows.erase(at, part.size());
  checkpoint::write_bytes(folders / "texts.jsonl", rows);
  options->task.data = (folders / "texts.jsonl").string();
  options->base.model = with_template(folders / "texts", kOwnFormat).string();
  train::run_recipe(run, *options, texts.path());
  EXPECT_GT(steps_of(texts.path(), "grpo")[0].at("reward").get<double>(), 0.2);  // it knows the form it is asked in
  options->task.prompts = "text";
  options->base.model = with_template(folders / "other", kOwnFormat).string();
  train::run_recipe(run, *options, other.path());
  EXPECT_NE(train::lines_without_times(other / "metrics.jsonl"), train::lines_without_times(texts / "metrics.jsonl"));
}

TEST(GrpoRecipe, AModelFolderAndAProblemFile) {
  const TempFolder folder;
  const auto summary = train::run_recipe(run, *parity().options(3), folder.path());
  EXPECT_TRUE(steps_of(folder.path(), "base").empty());
  const auto rows = steps_of(folder.path(), "grpo");
  EXPECT_EQ(rows.size(), 3u);
  for (const auto& row : rows) EXPECT_LT(row.at("cut_at_limit").get<double>(), 0.5);
  EXPECT_GT(summary.at("arms").at("base").at("values").at("pass1").at("mean").get<double>(), 0.2);
  const auto made = models::open(folder / "models/grpo");
  EXPECT_EQ(made.decoder.config, models::open(parity().model()).decoder.config);
  EXPECT_EQ(text::Tokenizer::load(folder / "models/grpo/tokenizer.json").to_json(), made.tokenizer.to_json());
}

// On the policy's own samples the ratio is 1; a second update on them moves it off.
TEST(GrpoRecipe, EpochsReuseTheRollouts) {
  const TempFolder once, twice;
  auto options = parity().options(2);
  train::run_recipe(run, *options, once.path());
  options->epochs = 2;
  train::run_recipe(run, *options, twice.path());
  for (const auto& row : steps_of(once.path(), "grpo")) {
    EXPECT_NEAR(row.at("ratio").get<double>(), 1, 1e-4);
    EXPECT_NEAR(row.at("approx_kl").get<double>(), 0, 1e-6);
    EXPECT_EQ(row.at("clip_fraction"), 0);
  }
  for (const auto& row : steps_of(twice.path(), "grpo")) EXPECT_GT(row.at("approx_kl").get<double>(), 1e-6);
  // The first batch of rollouts is the base model's in both runs.
  EXPECT_EQ(steps_of(once.path(), "grpo")[0].at("reward"), steps_of(twice.path(), "grpo")[0].at("reward"));
}

// The anchor starts at nothing, since the policy is the base model, and holds the policy back.
TEST(GrpoRecipe, TheAnchorHolds) {
  for (const char* gradient : {"reverse_k2", "forward_k3"}) {
    std::vector<double> drift;
    for (const double weight : {1e-9, 10.0}) {
      const TempFolder folder;
      auto options = parity().options(6);
      options->kl = weight;
      options->kl_gradient = gradient;
      train::run_recipe(run, *options, folder.path());
      const auto rows = steps_of(folder.path(), "grpo");
      EXPECT_NEAR(rows.front().at("kl").get<double>(), 0, 1e-8);
      drift.push_back(rows.back().at("kl").get<double>());
    }
    EXPECT_GT(drift[0], 0);
    EXPECT_LT(drift[1], drift[0]) << gradient;
  }
}

TEST(GrpoRecipe, EveryNormalisationAndScaleRuns) {
  for (const char* normalisation : {"grpo", "dapo", "dr_grpo"}) {
    for (const char* scale : {"batch", "none"}) {
      const TempFolder folder;
      auto options = parity().options(1);
      options->normalisation = normalisation;
      options->advantage_scale = scale;
      options->temperature = 0.8;  // the on-policy check is for temperature 1
      train::run_recipe(run, *options, folder.path());
      const auto row = steps_of(folder.path(), "grpo").at(0);
      EXPECT_TRUE(std::isfinite(row.at("grad_norm").get<double>())) << normalisation << " " << scale;
      EXPECT_NEAR(row.at("ratio").get<double>(), 1, 1e-4) << "sampler and trainer apply the temperature alike";
    }
  }
}

TEST(GrpoRecipe, AProblemFileNeedsAModel) {
  const TempFolder files, folder;
  checkpoint::write_bytes(files / "problems.jsonl", problems_file(60));
  auto options = smoke();
  options->task.data = (files / "problems.jsonl").string();
  options->task.verifier = "exact";
  expect_error(ErrorKind::usage, {"problems.jsonl", "need a model"},
               [&] { train::run_recipe(run, *options, folder.path()); });
}

TEST(GrpoOptions, EveryPresetFitsItsDescription) {
  for (const auto& [name, summary] : card().presets) {
    const auto options = card().options(name), defaults = card().options("");
    EXPECT_NO_THROW(base::OptionSet(*options, *defaults, name)) << name;
  }
}

}  // namespace
}  // namespace hone::recipes::grpo
