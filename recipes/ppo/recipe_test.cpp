#include "hone/adapters/peft.h"
#include "hone/base/error.h"
#include "hone/data/rows.h"
#include "hone/evaluate/summary.h"
#include "hone/evaluate/test_claims.h"
#include "hone/models/scalar.h"
#include "hone/report/recipe_card.h"
#include "hone/train/fit.h"
#include "hone/train/test_run.h"
#include "recipes/ppo/learner.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <thread>

namespace hone::recipes::ppo {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

namespace fs = std::filesystem;
using train::expect_error;
using train::TempFolder;

double mean_of_last(const std::vector<Json>& rows, const char* metric, std::size_t count) {
  double sum = 0;
  for (std::size_t i = rows.size() - count; i < rows.size(); ++i) sum += rows[i].at(metric).get<double>();
  return sum / static_cast<double>(count);
}

// Ten arms, one of which pays: every question is answered by a digit, "7" is right, and the model in the folder says
// all digits alike.
struct Bandit {
  Bandit() {
    std::string lines, shown;
    for (int i = 0; i < 60; ++i) lines += fmt::format("{{\"prompt\": \"q{}:\", \"answer\": \"7\"}}\n", i);
    for (int i = 0; i < 200; ++i)
      shown += fmt::format("{{\"prompt\": \"q{}:\", \"answer\": \"{}\"}}\n", i % 60, (i * 7 + i / 10) % 10);
    checkpoint::write_bytes(data(), lines);
    checkpoint::write_bytes(folder / "shown.jsonl", shown);
    const TempFolder run_folder;
    train::TestRun run(run_folder.path());
    train::Session session(run.env);
    const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
    const models::ModelOptions size{.width = 32, .layers = 1, .heads = 2, .context = 16};
    auto model = models::fresh(models::config_of(size, tokenizer.size()), Rng(1));
    std::vector<data::Example> examples;
    for (const auto& row : data::read_rows(folder / "shown.jsonl"))
      examples.push_back(data::tokenize(row, tokenizer, 16, data::TooLong::refuse));
    const train::FitOptions fit{.steps = 60, .batch = 50, .optim = {.lr = 1e-2, .warmup = 5}};
    train::fit(run.env, session, "sft", model, fit, train::cycle(examples, fit.batch, Rng(2)));
    models::save(this->model(), model, tokenizer);
  }
  std::unique_ptr<Options> options(const std::string& arms, int64_t steps) const {
    std::unique_ptr<Options> o(dynamic_cast<Options*>(card().options("smoke").release()));
    o->arms = arms;
    o->steps = steps;
    o->base.model = model().string();
    o->task.data = data().string();
    o->task.verifier = "exact";
    o->max_tokens = 2;
    o->problems = 16;
    o->samples = 4;
    o->epochs = 2;
    o->pass_at = 4;
    o->optim.lr = 3e-3;
    o->critic.optim.lr = 1e-2;
    return o;
  }
  fs::path data() const { return folder / "problems.jsonl"; }
  fs::path model() const { return folder / "model"; }
  TempFolder folder;
};
const Bandit& bandit() {
  static const Bandit made;
  return made;
}

TEST(PpoRecipe, EveryArmFindsTheArmThatPays) {
  const TempFolder folder;
  auto options = bandit().options("ppo,apa,awr,grpo", 40);
  options->kl.weight = 0;
  train::run_recipe(run, *options, folder.path());
  for (const std::string arm : {"ppo", "apa", "awr", "grpo"}) {
    const auto rows = train::metric_rows(folder.path(), arm);
    EXPECT_LT(rows.front().at("reward").get<double>(), 0.35) << arm;
    EXPECT_GT(mean_of_last(rows, "reward", 3), arm == "awr" ? 0.8 : 0.95) << arm;
  }
  // The critic has come to expect what is earned.
  EXPECT_LT(mean_of_last(train::metric_rows(folder.path(), "ppo"), "value_error", 3), 0.05);
}

TEST(PpoRecipe, EveryArmLeavesWhatTheClaimsSpeakOf) {
  const TempFolder folder;
  std::unique_ptr<Options> options(dynamic_cast<Options*>(card().options("smoke").release()));
  options->task.test_problems = 40;
  options->base.fit.steps = 15;
  options->base.fit.batch = 32;
  options->base.fit.check_every = 10;
  options->steps = 2;
  options->problems = 8;
  options->minibatches = 3;
  const auto summary = train::run_recipe(run, *options, folder.path());
  EXPECT_EQ(summary.at("improved"), "ppo");
  evaluate::expect_claimed_terms(evaluate::outcomes_of(folder.path()), report::claims_of(card(), "smoke"), 40);
  for (const auto& arm : arm_names()) {
    const auto rows = train::metric_rows(folder.path(), arm);
    ASSERT_EQ(rows.size(), 2u) << arm;
    for (const char* metric : {"reward", "kl", "beta", "policy_kl", "ratio", "nll", "length", "cut_at_limit"})
      EXPECT_TRUE(std::isfinite(rows[1].at(metric).get<double>())) << arm << " " << metric;
    EXPECT_NEAR(rows[0].at("kl").get<double>(), 0, 1e-4) << arm;  // it is the base as yet
    EXPECT_FALSE(rows[0].contains("gold")) << arm;
    EXPECT_EQ(rows[0].contains("explained_variance"), arm != "grpo");
    const auto critic = folder / "models" / (arm + "_critic");
    EXPECT_EQ(fs::exists(critic), arm != "grpo");
    if (arm != "grpo") {
      EXPECT_TRUE(models::open(critic).decoder.scalar());
    }
  }
}

TEST(PpoRecipe, SeedsDecideAndThreadsDoNot) {
  const TempFolder one, two, other;
  auto options = bandit().options("ppo,apa", 3);
  options->minibatches = 2;
  EXPECT_EQ(train::run_recipe(run, *options, one.path(), 1), train::run_recipe(run, *options, two.path(), 2));
  const auto lines = train::lines_without_times(one / "metrics.jsonl");
  EXPECT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines, train::lines_without_times(two / "metrics.jsonl"));
  EXPECT_EQ(checkpoint::read_bytes(one / "models/apa_critic/model.safetensors"),
            checkpoint::read_bytes(two / "models/apa_critic/model.safetensors"));
  train::run_recipe(run, *options, other.path(), 1, 2);
  EXPECT_NE(lines, train::lines_without_times(other / "metrics.jsonl"));
}

// Stopped again and again, with a critic, a reference that is renewed and a β that moves, a run is what it would have
// been. What a killed process leaves is the checkpoint's matter (session_test).
TEST(PpoRecipe, StoppedAndResumedTheRunIsTheSame) {
  auto options = bandit().options("apa", 8);
  options->ref_reset = 1;
  options->check_every = 1;
  options->kl.target = 0.2;
  options->kl.horizon = 200;
  options->task.verifier = "exact";
  const TempFolder whole, parts;
  train::run_recipe(run, *options, whole.path());
  int stops = 0;
  for (bool finished = false; !finished;) {
    train::TestRun part(parts.path());
    part.env.checkpoint_seconds = 0;
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30 + 20 * stops));
      part.stop = true;
    });
    try {
      run(part.env, *options);
      finished = true;
    } catch (const Interrupted&) {
      ++stops;
    }
    stopper.join();
    ASSERT_LT(stops, 100);
  }
  EXPECT_GT(stops, 0);
  for (const char* log : {"metrics.jsonl", "events.jsonl"})
    EXPECT_EQ(train::lines_without_times(parts / log), train::lines_without_times(whole / log)) << log;
  for (const char* file : {"outcomes.json", "models/apa/model.safetensors", "models/apa_critic/model.safetensors"})
    EXPECT_EQ(checkpoint::read_bytes(parts / file), checkpoint::read_bytes(whole / file)) << file;
  // Something was renewed, and the distance from the new reference starts at nothing.
  int resets = 0;
  const auto rows = train::metric_rows(whole.path(), "apa");
  for (const auto& line : train::lines_without_times(whole / "events.jsonl")) {
    const auto event = base::parse_json(line, "events.jsonl");
    if (line.find("reference_reset") == std::string::npos) continue;
    ++resets;
    const auto next = static_cast<std::size_t>(event.at("step").get<int64_t>()) + 1;
    if (next < rows.size()) {
      EXPECT_NEAR(rows[next].at("kl").get<double>(), 0, 1e-4);
    }
  }
  EXPECT_GT(resets, 0);
}

// The reward pulls the policy ln 10 nats away; β settles where it stays at the target. A fixed one does not know it.
TEST(PpoRecipe, AnAdaptivePenaltyHoldsItsTarget) {
  const auto reached = [](double target, int64_t steps) {
    const TempFolder folder;
    auto options = bandit().options("ppo", steps);
    options->kl = {.weight = 0.2, .target = target, .horizon = 500};
    train::run_recipe(run, *options, folder.path());
    const auto rows = train::metric_rows(folder.path(), "ppo");
    EXPECT_EQ(rows.back().at("beta") == rows.front().at("beta"), target == 0);
    return mean_of_last(rows, "kl", static_cast<std::size_t>(steps / 3));
  };
  EXPECT_NEAR(reached(0.6, 120), 0.6, 0.12);
  EXPECT_GT(reached(0, 45), 0.9);
}

// Policy, reference and critic are adapters to one base, whose numbers nobody touches.
TEST(PpoRecipe, AdaptersShareOneFrozenBase) {
  const TempFolder one, two;
  auto options = bandit().options("ppo", 4);
  options->lora = {.rank = 4};
  options->ref_reset = 1;
  options->check_every = 1;
  const auto base = models::open(bandit().model());
  const auto before = base.decoder.flat.clone();
  {
    train::TestRun own(one.path());
    train::Session session(own.env);
    const auto tasks = tasks::load_tasks(options->task, own.env.rng.fork("tasks"));
    const Lab lab{own.env, session, *options, tasks, base, nullptr, RewardOf()};
    Learner learner(lab, "ppo");
    const auto critic_before = learner.critic()->decoder.trained().clone();
    learner.train();
    EXPECT_EQ(learner.policy().decoder.flat.data_ptr(), base.decoder.flat.data_ptr());
    EXPECT_EQ(learner.critic()->decoder.flat.data_ptr(), base.decoder.flat.data_ptr());
    EXPECT_EQ(learner.reference().flat.data_ptr(), base.decoder.flat.data_ptr());
    EXPECT_EQ(learner.critic()->decoder.blocks[0].up.weight.data_ptr(), base.decoder.blocks[0].up.weight.data_ptr());
    EXPECT_NE(learner.policy().decoder.trained().data_ptr(), learner.reference().trained().data_ptr());
    EXPECT_FALSE(at::equal(learner.critic()->decoder.trained(), critic_before));
    EXPECT_NE(learner.critic()->decoder.score.abs().max().item<float>(), 0);
    EXPECT_TRUE(at::equal(base.decoder.flat, before));
  }
  train::run_recipe(run, *options, two.path(), 2);
  auto critic = base.decoder, policy = base.decoder;
  adapters::load_adapter(policy, two / "adapters/ppo");
  adapters::load_adapter(critic, two / "adapters/ppo_critic");
  EXPECT_TRUE(critic.scalar());
  const auto merged = models::open_decoder(two / "models/ppo_critic");
  EXPECT_LE(adapters::relative_gap(adapters::probe_logits(merged), adapters::probe_logits(critic)), 1e-5);
}

// A reward model that likes "3": its head reads a state that only that digit has. What it says is what is earned.
TEST(PpoRecipe, ARewardModelStandsInForTheVerifier) {
  const TempFolder folder, scored;
  const auto base = models::open(bandit().model());
  auto judge = base;
  judge.decoder = models::scalar_of(base.decoder);
  judge.decoder.score.fill_(0.05f);
  models::save(folder / "judge", judge.decoder, judge.tokenizer);
  auto options = bandit().options("ppo", 1);
  options->reward_model = (folder / "judge").string();
  options->critic.start = "reward_model";
  train::run_recipe(run, *options, scored.path());
  // The same rollouts, read by hand.
  const auto reward = train::metric_rows(scored.path(), "ppo").at(0).at("reward").get<double>();
  EXPECT_NE(reward, 0);
  base::Pool pool(1);
  const auto judged = model_reward(std::make_shared<const models::Model>(judge), base.tokenizer, pool);
  const std::vector<tasks::Problem> problems(1);
  const std::vector<generate::Request> requests = {{.prompt = {1, 40, 41}, .turns = {{}}}};
  const std::vector<generate::Rollout> rollouts = {{.turns = {{.ids = {50, 2}, .logprobs = {0, 0}}}}};
  tensor::Batch whole;
  whole.ids_BT = at::tensor({1, 40, 41, 50, 2}, at::kLong).view({1, 5});
  whole.positions_BT = at::arange(5).view({1, 5});
  EXPECT_NEAR(judged({problems, requests, rollouts})[0], models::values(judge.decoder, whole)[0][4].item<double>(),
              1e-5);
  // Neither a language model nor another vocabulary.
  expect_error(ErrorKind::usage, {"reward_model", "language model"},
               [&] { model_reward(std::make_shared<const models::Model>(base), base.tokenizer, pool); });
  expect_error(ErrorKind::usage, {"reward_model", "tokenizer.json"}, [&] {
    const std::vector<std::string> words = {"a"};
    const auto other = text::Tokenizer::symbols(text::standard_specials(), words);
    model_reward(std::make_shared<const models::Model>(judge), other, pool);
  });
}

TEST(PpoRecipe, NonsenseIsRefused) {
  const TempFolder folder;
  auto options = bandit().options("ppo", 1);
  options->arms = "pppo";
  expect_error(ErrorKind::usage, {"pppo", "ppo"}, [&] { train::run_recipe(run, *options, folder.path()); });
  options->arms = "ppo";
  options->critic.start = "reward_model";
  expect_error(ErrorKind::usage, {"critic.start", "reward_model"},
               [&] { train::run_recipe(run, *options, folder.path()); });
  options->critic.start = "policy";
  options->reward = "rating";
  expect_error(ErrorKind::usage, {"rating", "exact"}, [&] { train::run_recipe(run, *options, folder.path()); });
  options->task.verifier = "search";
  options->base.model = "";
  expect_error(ErrorKind::usage, {"a model that writes searches"},
               [&] { train::run_recipe(run, *options, folder.path()); });
  options = bandit().options("ppo", 1);
  options->lora = {.rank = 2, .dropout = 0.1};
  expect_error(ErrorKind::usage, {"lora.dropout", "0.1"}, [&] { train::run_recipe(run, *options, folder.path()); });
}

TEST(PpoOptions, ArmsTakeAwayWhatTheySay) {
  Options o;
  o.kl = {.weight = 0.3, .target = 6};
  o.ref_reset = 2;
  o.optim.lr = 1e-3;
  o.grpo_lr = 2e-3;
  EXPECT_EQ(options_of("ppo_no_kl", o).kl.weight, 0);
  EXPECT_EQ(options_of("ppo_no_kl", o).kl.target, 0);
  EXPECT_EQ(options_of("ppo", o).kl.weight, 0.3);
  EXPECT_EQ(options_of("apa_no_reset", o).ref_reset, 0);
  EXPECT_EQ(options_of("apa", o).ref_reset, 2);
  EXPECT_EQ(options_of("apa", o).optim.lr, 1e-3);
  EXPECT_EQ(options_of("grpo", o).optim.lr, 2e-3);
  EXPECT_EQ(rule_of("apa_no_reset"), "apa");
  EXPECT_EQ(rule_of("ppo"), "ppo");
}

TEST(PpoOptions, EveryPresetFitsItsDescription) {
  for (const auto& [name, summary] : card().presets) {
    const auto options = card().options(name), defaults = card().options("");
    EXPECT_NO_THROW(base::OptionSet(*options, *defaults, name)) << name;
  }
}

// The arms of this recipe and those of grpo's laptop preset sample equally much.
TEST(PpoOptions, LaptopSamplesAsManyAsGrpo) {
  const auto options = card().options("laptop");
  const auto& o = dynamic_cast<const Options&>(*options);
  EXPECT_EQ(o.steps * o.problems * o.samples, 150 * 64 * 8);
  EXPECT_EQ(o.task.world, "cd3-demo");
}

}  // namespace
}  // namespace hone::recipes::ppo
