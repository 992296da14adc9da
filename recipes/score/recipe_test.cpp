#include "hone/base/error.h"
#include "hone/models/model.h"
#include "hone/report/recipe_card.h"
#include "hone/train/test_run.h"
#include "recipes/score/credit.h"
#include "recipes/score/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

namespace hone::recipes::score {

report::RecipeCard card();
void run(train::Env& env, const base::Options& given);

namespace {

namespace fs = std::filesystem;
using train::expect_error;
using train::TempFolder;

// ---- credit.h, by hand ----

TEST(ScoreCredit, ReturnsOfEveryOutcome) {
  using Pair = std::array<double, 2>;
  const auto returns = [](double r1, double r2, Stage stage, Credit credit, double alpha = 10) {
    return attempt_returns(r1, r2, stage, alpha, credit);
  };
  // Stage I: the second attempt alone, without shaping.
  EXPECT_EQ(returns(1, 0, Stage::first, Credit::per_attempt), (Pair{0, 0}));
  EXPECT_EQ(returns(0, 1, Stage::first, Credit::per_attempt), (Pair{0, 1}));
  EXPECT_EQ(returns(1, 1, Stage::first, Credit::whole_return), (Pair{1, 1}));
  // Stage II: r1; r2 + 10 (r2 − r1).
  EXPECT_EQ(returns(0, 0, Stage::second, Credit::per_attempt), (Pair{0, 0}));
  EXPECT_EQ(returns(0, 1, Stage::second, Credit::per_attempt), (Pair{0, 11}));
  EXPECT_EQ(returns(1, 0, Stage::second, Credit::per_attempt), (Pair{1, -10}));
  EXPECT_EQ(returns(1, 1, Stage::second, Credit::per_attempt), (Pair{1, 1}));
  EXPECT_EQ(returns(0, 1, Stage::second, Credit::per_attempt, 0), (Pair{0, 1}));
  // The trap: 11 r2 − 9 r1 for both, so that failing first and then being right earns 11, being right twice 2.
  EXPECT_EQ(returns(0, 1, Stage::second, Credit::whole_return), (Pair{11, 11}));
  EXPECT_EQ(returns(1, 1, Stage::second, Credit::whole_return), (Pair{2, 2}));
  EXPECT_EQ(returns(1, 0, Stage::second, Credit::whole_return), (Pair{-9, -9}));
}

TEST(ScoreCredit, AdvantagesOfTwoGroupsOfThree) {
  const std::vector<double> r1 = {1, 0, 0, /**/ 1, 1, 0}, r2 = {1, 1, 0, /**/ 0, 1, 0};
  const auto a = attempt_advantages(r1, r2, 3, Stage::second, 10, Credit::per_attempt);
  // Attempt 1, less the mean of the other two of the group: group 1 has 1 0 0, group 2 has 1 1 0.
  const double first[] = {1 - 0.0, 0 - 0.5, 0 - 0.5, 1 - 0.5, 1 - 0.5, 0 - 1.0};
  // Attempt 2 earns 1 11 0 | −10 1 0. After a right first one that is 1, −10 and 1, mean −8/3; after a wrong one 11, 0
  // and 0, mean 11/3.
  const double second[] = {1 + 8 / 3.0, 11 - 11 / 3.0, -11 / 3.0, -10 + 8 / 3.0, 1 + 8 / 3.0, -11 / 3.0};
  ASSERT_EQ(a.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(a[i][0], first[i], 1e-12) << i;
    EXPECT_NEAR(a[i][1], second[i], 1e-12) << i;
  }
}

TEST(ScoreCredit, StageOnePaysNothingForTheFirstAttempt) {
  for (const auto& a : attempt_advantages({1, 0, 1, 0}, {0, 0, 1, 1}, 2, Stage::first, 10, Credit::per_attempt)) {
    EXPECT_EQ(a[0], 0);
    EXPECT_EQ(std::abs(a[1]), 0.5);  // after right 0 and 1, after wrong 0 and 1: mean ½ both times
  }
}

TEST(ScoreCredit, ALoneSampleAndALoneOutcome) {
  // Groups of one have nobody to compare attempt 1 with; the only right first attempt is its own mean.
  const auto a = attempt_advantages({1, 0, 0}, {1, 1, 0}, 1, Stage::second, 10, Credit::per_attempt);
  EXPECT_EQ(a[0], (std::array<double, 2>{1, 0}));
  EXPECT_EQ(a[1], (std::array<double, 2>{0, 5.5}));
  EXPECT_EQ(a[2], (std::array<double, 2>{0, -5.5}));
  EXPECT_TRUE(attempt_advantages({}, {}, 4, Stage::second, 10, Credit::per_attempt).empty());
}

TEST(ScoreCredit, RewardsThatDoNotFormGroupsAreRefused) {
  const auto call = [](std::size_t n1, std::size_t n2, int64_t group) {
    attempt_advantages(std::vector<double>(n1), std::vector<double>(n2), group, Stage::first, 0, Credit::per_attempt);
  };
  expect_error(ErrorKind::internal, {"3 and 3", "groups of 2"}, [&] { call(3, 3, 2); });
  expect_error(ErrorKind::internal, {"4 and 3"}, [&] { call(4, 3, 2); });
  expect_error(ErrorKind::internal, {"groups of 0"}, [&] { call(4, 4, 0); });
}

// ---- the sandbagging trap ----

// A policy of three numbers: the chance that the first attempt is right, that the second is after a wrong first one,
// and after a right one. Each has a ceiling, as problems have: retrying mends less than a third of the misses.
struct Tabular {
  static constexpr double kCeiling[3] = {0.6, 0.3, 0.95};
  double logit[3] = {0, 0, 0};

  double shape(int i) const { return 1 / (1 + std::exp(-logit[i])); }
  double chance(int i) const { return kCeiling[i] * shape(i); }
  double accuracy_1() const { return chance(0); }
  double accuracy_2() const { return chance(0) * chance(2) + (1 - chance(0)) * chance(1); }
  // ∂ log p(outcome) / ∂ logit.
  double slope(int i, bool right) const {
    return right ? 1 - shape(i) : -chance(i) * (1 - shape(i)) / (1 - chance(i));
  }
};

// REINFORCE on sampled rollouts, Stage II at α = 10, 64 problems of 4 samples a step.
Tabular reinforce(Credit credit, uint64_t seed) {
  constexpr int kRollouts = 256;
  Tabular policy;
  for (uint64_t step = 0; step < 400; ++step) {
    Rng rng = Rng(seed).fork("rollouts", {step});
    std::vector<double> r1, r2;
    for (int i = 0; i < kRollouts; ++i) {
      r1.push_back(rng.uniform() < policy.chance(0));
      r2.push_back(rng.uniform() < policy.chance(r1.back() > 0 ? 2 : 1));
    }
    const auto advantages = attempt_advantages(r1, r2, 4, Stage::second, 10, credit);
    double gradient[3] = {0, 0, 0};
    for (std::size_t i = 0; i < kRollouts; ++i) {
      const int second = r1[i] > 0 ? 2 : 1;
      gradient[0] += advantages[i][0] * policy.slope(0, r1[i] > 0) / kRollouts;
      gradient[second] += advantages[i][1] * policy.slope(second, r2[i] > 0) / kRollouts;
    }
    for (int i = 0; i < 3; ++i) policy.logit[i] += 0.2 * gradient[i];
  }
  return policy;
}

// Paying the first attempt for the second's bonus makes failing on purpose the best thing to do; and the difference of
// the two accuracies, looked at alone, praises it.
TEST(ScoreCredit, WholeReturnTeachesToFailFirstAndPerAttemptDoesNot) {
  const double start = Tabular{}.accuracy_1();
  for (const uint64_t seed : {1, 2, 3}) {
    const auto trapped = reinforce(Credit::whole_return, seed), honest = reinforce(Credit::per_attempt, seed);
    EXPECT_LT(trapped.accuracy_1(), 0.05);
    EXPECT_GE(honest.accuracy_1(), start);
    EXPECT_GT(trapped.accuracy_2() - trapped.accuracy_1(), honest.accuracy_2() - honest.accuracy_1());
    EXPECT_LT(trapped.accuracy_2(), honest.accuracy_2());
    // Per attempt, what follows a miss and what follows a hit both get better.
    for (int i = 0; i < 3; ++i) EXPECT_GT(honest.chance(i), Tabular{}.chance(i)) << i;
  }
}

// ---- options and claims ----

TEST(ScoreOptions, ArmsAreParsed) {
  EXPECT_EQ(parse_arms("score,base,score"), (std::vector<std::string>{"score", "base"}));
  EXPECT_EQ(parse_arms("all"), arm_names());
  expect_error(ErrorKind::usage, {"unknown arm \"scor\"", "score"}, [] { parse_arms("base,scor"); });
  expect_error(ErrorKind::usage, {"unknown arm \"\""}, [] { parse_arms("base,,score"); });
  expect_error(ErrorKind::usage, {"the list is empty"}, [] { parse_arms(""); });
}

std::unique_ptr<base::Options> preset(const std::string& name) { return card().options(name); }
Options& of(const std::unique_ptr<base::Options>& options) { return dynamic_cast<Options&>(*options); }

TEST(ScoreOptions, EveryPresetFitsItsDescription) {
  for (const auto& [name, summary] : card().presets) {
    const auto options = preset(name), defaults = preset("");
    EXPECT_NO_THROW(base::OptionSet(*options, *defaults, name)) << name;
    EXPECT_NO_THROW(parse_arms(of(options).arms)) << name;
  }
}

TEST(ScoreClaims, NameArmsThatExist) {
  const std::set<std::string> metrics = {"t1", "t2", "w2r", "r2w", "same", "s1", "s2"};  // see SmokePreset
  const auto claims = card().claims;
  ASSERT_FALSE(claims.empty());
  for (const auto& claim : claims) {
    EXPECT_FALSE(claim.contrasts.empty()) << claim.id;
    for (const auto& contrast : claim.contrasts) {
      for (const auto& term : contrast.terms) {
        EXPECT_TRUE(std::count(arm_names().begin(), arm_names().end(), term.arm)) << claim.id << ": " << term.arm;
        EXPECT_TRUE(metrics.contains(term.metric)) << claim.id << ": " << term.metric;
      }
    }
  }
}

// ---- runs ----

double mean_of(const Json& summary, const std::string& arm, const std::string& metric) {
  return summary.at("arms").at(arm).at("values").at(metric).at("mean").get<double>();
}

// Every number below `json` is a number: what is not finite is written as null.
void expect_no_null(const Json& json, const std::string& where) {
  EXPECT_FALSE(json.is_null()) << where;
  if (!json.is_structured()) return;
  for (const auto& [key, value] : json.items()) expect_no_null(value, where + "." + key);
}

// The smoke preset whole, run once a seed.
struct Smoke {
  explicit Smoke(uint64_t seed) : summary(train::run_recipe(run, *preset("smoke"), folder.path(), 2, seed)) {}
  TempFolder folder;
  Json summary;
};
const Smoke& smoke(uint64_t seed) {
  static std::map<uint64_t, std::unique_ptr<Smoke>> made;
  auto& slot = made[seed];
  if (!slot) slot = std::make_unique<Smoke>(seed);
  return *slot;
}

TEST(ScoreRecipe, SmokePreset) {
  const auto options = preset("smoke");
  const auto& [folder, summary] = smoke(1);
  expect_no_null(summary, "summary");
  EXPECT_EQ(summary.at("held_out"), of(options).task.test_problems);
  const auto outcomes = base::parse_json(checkpoint::read_bytes(folder / "outcomes.json"), "outcomes.json");
  for (const char* arm : {"base", "score"}) {
    for (const char* metric : {"t1", "t2", "w2r", "r2w", "same", "s1", "s2"})
      EXPECT_EQ(static_cast<int64_t>(outcomes.at("arms").at(arm).at(metric).size()), of(options).task.test_problems);
    EXPECT_TRUE(fs::exists(folder / "models" / arm / "model.safetensors")) << arm;
  }
  for (const auto& line : train::lines_without_times(folder / "metrics.jsonl"))
    EXPECT_EQ(line.find("nonfinite"), std::string::npos) << line;
}

// The smoke preset, cut to two seconds.
std::unique_ptr<base::Options> cut(const std::string& arms) {
  auto options = preset("smoke");
  auto& o = of(options);
  o.arms = arms;
  o.task.test_problems = 40;
  o.base.fit.steps = 20;
  o.base.fit.batch = 32;
  o.base.fit.check_every = 10;
  o.problems = 8;
  o.stage1.steps = o.stage2.steps = 2;
  o.sft.problems = 40;
  o.sft.samples = 4;
  o.sft.iterations = 2;
  o.sft.fit.steps = 4;
  o.sft.fit.batch = 16;
  return options;
}

TEST(ScoreRecipe, SeedsDecideAndThreadsDoNot) {
  const TempFolder one, two, other;
  EXPECT_EQ(train::run_recipe(run, *cut("score"), one.path(), 1), train::run_recipe(run, *cut("score"), two.path(), 2));
  const auto lines = train::lines_without_times(one / "metrics.jsonl");
  EXPECT_EQ(lines.size(), 24u);  // 20 of the base model, 2 and 2
  EXPECT_EQ(lines, train::lines_without_times(two / "metrics.jsonl"));
  EXPECT_EQ(checkpoint::read_bytes(one / "outcomes.json"), checkpoint::read_bytes(two / "outcomes.json"));
  EXPECT_EQ(checkpoint::read_bytes(one / "models/score/model.safetensors"),
            checkpoint::read_bytes(two / "models/score/model.safetensors"));
  train::run_recipe(run, *cut("score"), other.path(), 1, 2);
  EXPECT_NE(lines, train::lines_without_times(other / "metrics.jsonl"));
}

// Every arm of the card, by name; self_refine is the base model asked afresh and has no model of its own.
TEST(ScoreRecipe, EveryArmRuns) {
  const TempFolder folder;
  const auto summary = train::run_recipe(run, *cut("all"), folder.path());
  for (const auto& arm : arm_names()) {
    ASSERT_TRUE(summary.at("arms").contains(arm)) << arm;
    EXPECT_EQ(fs::exists(folder / "models" / arm), arm != "self_refine") << arm;
    const auto& values = summary.at("arms").at(arm).at("values");
    const auto mean = [&](const char* metric) { return values.at(metric).at("mean").get<double>(); };
    EXPECT_NEAR(mean("wrong_to_right") - mean("right_to_wrong"), mean("delta"), 1e-12) << arm;
  }
  EXPECT_EQ(mean_of(summary, "self_refine", "acc_t1"), mean_of(summary, "base", "acc_t1"));
  // Arms of one stage get the steps of both.
  std::map<std::string, int> steps;
  for (const auto& line : train::lines_without_times(folder / "metrics.jsonl"))
    ++steps[base::parse_json(line, "line").at("phase").get<std::string>()];
  EXPECT_EQ(steps["single_turn_rl.stage2"], 4);
  EXPECT_EQ(steps["no_stage1.stage2"], 4);
  EXPECT_EQ(steps["score.stage1"], 2);
  EXPECT_EQ(steps["score.stage2"], 2);
}

// With adapters every arm trains beside the one base, which stays what it was.
TEST(ScoreRecipe, ArmsAreAdaptersToOneBase) {
  const TempFolder folder;
  auto options = cut("star,score");
  of(options).lora = {.rank = 4, .targets = "q_proj,v_proj,down_proj"};
  const auto summary = train::run_recipe(run, *options, folder.path());
  for (const char* arm : {"star", "score"}) {
    EXPECT_TRUE(fs::exists(folder / "models" / arm / "model.safetensors")) << arm;
    EXPECT_TRUE(fs::exists(folder / "adapters" / arm / "adapter_model.safetensors")) << arm;
  }
  EXPECT_FALSE(fs::exists(folder / "adapters/base"));
  const auto config = base::parse_json(checkpoint::read_bytes(folder / "adapters/score/adapter_config.json"), "config");
  EXPECT_EQ(config.at("base_model_name_or_path"), (folder / "models/base").string());
}

// A byte-level model without training, its problems as conversations, and maybe a chat template.
std::unique_ptr<base::Options> conversations(const fs::path& folder, const std::string& chat_template) {
  std::string rows;
  for (int i = 0; i < 40; ++i)
    rows += fmt::format(R"({{"messages": [{{"role": "user", "content": "{}"}}], "answer": "{}"}})"
                        "\n",
                        i, i % 2);
  fs::create_directories(folder);
  checkpoint::write_bytes(folder / "rows.jsonl", rows);
  const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
  const models::ModelOptions size{.width = 16, .layers = 1, .heads = 2, .context = 64};
  models::save(folder / "model", models::fresh(models::config_of(size, tokenizer.size()), Rng(1)), tokenizer);
  if (!chat_template.empty()) {
    checkpoint::write_bytes(folder / "model/chat_template.jinja", chat_template);
    checkpoint::write_bytes(folder / "model/tokenizer_config.json", R"({"bos_token": "<bos>", "eos_token": "<end>"})");
  }
  auto options = cut("score");
  auto& o = of(options);
  o.turn2 = "again";
  o.base.model = (folder / "model").string();
  o.task.data = (folder / "rows.jsonl").string();
  o.task.verifier = "exact";
  o.max_tokens = 6;
  return options;
}

TEST(ScoreRecipe, BothTurnsAreAskedForByTheFoldersChatTemplate) {
  const TempFolder folders, own, same, refused;
  train::run_recipe(run, *conversations(folders / "own", ""), own.path());
  const std::string turns =
      "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
      "{% if add_generation_prompt %}<assistant>{% endif %}";
  // A template that writes hone's own format gives the same run.
  train::run_recipe(run, *conversations(folders / "same", turns), same.path());
  EXPECT_EQ(train::lines_without_times(same / "metrics.jsonl"), train::lines_without_times(own / "metrics.jsonl"));
  EXPECT_EQ(checkpoint::read_bytes(same / "models/score/chat_template.jinja"), turns);
  // One that rewrites earlier turns can't be gone on from.
  const std::string numbered = "{% for m in messages %}{{ loop.revindex }}<end>{% endfor %}";
  expect_error(ErrorKind::data, {"chat_template.jinja", "rewrites earlier turns"},
               [&] { train::run_recipe(run, *conversations(folders / "refused", numbered), refused.path()); });
}

// At the first step the policy is the base model: its distance is 0, whatever the stage.
TEST(ScoreRecipe, TheAnchorStartsAtTheBaseModel) {
  const TempFolder folder;
  train::run_recipe(run, *cut("no_stage1"), folder.path());
  bool found = false;
  for (const auto& line : train::lines_without_times(folder / "metrics.jsonl")) {
    const auto row = base::parse_json(line, "line");
    if (row.at("phase") != "no_stage1.stage2" || row.at("step") != 0) continue;
    EXPECT_NEAR(row.at("kl").get<double>(), 0, 1e-8);
    found = true;
  }
  EXPECT_TRUE(found);
}

// The preset is there to show a gain in seconds. On so few held-out problems greedy shares are noise; the chance that a
// sample is right is what reinforcement learning raises directly.
TEST(ScoreRecipe, SmokePresetImproves) {
  constexpr double kMargin = 0.03;
  for (const uint64_t seed : {1, 2}) {
    const auto& summary = smoke(seed).summary;
    for (const char* metric : {"sampled_t1", "sampled_t2"})
      EXPECT_GE(mean_of(summary, "score", metric), mean_of(summary, "base", metric) + kMargin)
          << metric << " seed " << seed;
  }
}

}  // namespace
}  // namespace hone::recipes::score
