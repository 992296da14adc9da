#include "hone/evaluate/summary.h"

#include "hone/evaluate/test_models.h"
#include "hone/report/run_folder.h"

#include <gtest/gtest.h>

namespace hone::evaluate {
namespace {

namespace fs = std::filesystem;
using train::TempFolder;

rewards::Attempt attempt(const std::string& text, bool right) {
  return {text, {right ? 1.0 : 0.0, right ? "" : "misses 20"}};
}
TwoTurn went(bool first, bool second, const std::string& a = "a", const std::string& b = "b") {
  return {attempt(a, first), attempt(b, second)};
}

// Five problems. base: right 2 of 5, then 1;  score: 2, then 4.
class Summary : public testing::Test {
 protected:
  Summary() {
    TwoTurnSummary summary(problems);
    summary.add("base", {went(true, true, "a", "a"), went(true, false), went(false, false, "x", "wrong : x"),
                         went(false, false), went(false, false, "abc", "bc")});
    std::vector<TwoTurn> score = {went(true, true), went(true, false, "good", "bad"), went(false, true, "bad", "good"),
                                  went(false, true), went(false, true)};
    score[0].sampled_first = 1;
    score[4].sampled_first = 0.25;
    score[2].sampled_second = 0.75;
    summary.add("score", score);
    summary.write(run.env, "score");
  }
  double mean(const std::string& arm, const std::string& metric) const {
    return json.at("arms").at(arm).at("values").at(metric).at("mean").get<double>();
  }

  TempFolder folder;
  train::TestRun run{folder.path(), 1, 77};
  std::vector<tasks::Problem> problems = smoke_problems(5);
  Json json, outcomes;
  void SetUp() override {
    json = read_json(folder / "summary.json");
    outcomes = read_json(folder / "outcomes.json");
  }
};

TEST_F(Summary, ArithmeticByHand) {
  EXPECT_DOUBLE_EQ(mean("base", "acc_t1"), 0.4);
  EXPECT_DOUBLE_EQ(mean("base", "acc_t2"), 0.2);
  EXPECT_NEAR(mean("base", "delta"), -0.2, 1e-12);
  EXPECT_DOUBLE_EQ(mean("base", "wrong_to_right"), 0);
  EXPECT_DOUBLE_EQ(mean("base", "right_to_wrong"), 0.2);
  EXPECT_DOUBLE_EQ(mean("base", "same"), 0.4);  // problem 1, and 3 after its opinion; not "bc" after "abc"
  EXPECT_DOUBLE_EQ(mean("score", "acc_t1"), 0.4);
  EXPECT_DOUBLE_EQ(mean("score", "acc_t2"), 0.8);
  EXPECT_NEAR(mean("score", "delta"), 0.4, 1e-12);
  EXPECT_DOUBLE_EQ(mean("score", "wrong_to_right"), 0.6);
  EXPECT_DOUBLE_EQ(mean("score", "right_to_wrong"), 0.2);
  EXPECT_DOUBLE_EQ(mean("base", "sampled_t1"), 0);
  EXPECT_DOUBLE_EQ(mean("score", "sampled_t1"), 0.25);   // (1 + 0.25) / 5
  EXPECT_DOUBLE_EQ(mean("score", "sampled_t2"), 0.15);   // 0.75 / 5
  for (const char* arm : {"base", "score"})
    EXPECT_NEAR(mean(arm, "wrong_to_right") - mean(arm, "right_to_wrong"), mean(arm, "delta"), 1e-12);
}

TEST_F(Summary, HasTheDocumentedShape) {
  EXPECT_EQ(json.at("schema"), 1);
  EXPECT_EQ(json.at("base"), "base");
  EXPECT_EQ(json.at("improved"), "score");
  EXPECT_EQ(json.at("held_out"), 5);
  EXPECT_EQ(json.at("headline"), "Acc@t1 40.0 % → 40.0 %, Acc@t2 20.0 % → 80.0 %, Δ(t1→t2) -20.0 % → 40.0 %");
  ASSERT_EQ(json.at("metrics").size(), 8u);
  for (const auto& metric : json.at("metrics")) {
    const auto name = metric.at("name").get<std::string>();
    for (const char* key : {"label", "unit", "terms"}) EXPECT_TRUE(metric.contains(key)) << name;
    for (const auto& [arm, entry] : json.at("arms").items()) {
      const auto& value = entry.at("values").at(name);
      EXPECT_LE(value.at("low").get<double>(), value.at("mean").get<double>()) << arm << " " << name;
      EXPECT_LE(value.at("mean").get<double>(), value.at("high").get<double>()) << arm << " " << name;
      for (const auto& term : metric.at("terms"))
        EXPECT_EQ(outcomes.at("arms").at(arm).at(term.at("outcome").get<std::string>()).size(), 5u);
    }
  }
  EXPECT_EQ(json.at("arms").at("base").at("label"), "base model");
  EXPECT_EQ(outcomes.at("seed"), 77);
  EXPECT_EQ(outcomes.at("arms").at("score").at("t2"), Json::array({1, 0, 1, 1, 1}));
  EXPECT_EQ(outcomes.at("arms").at("score").at("w2r"), Json::array({0, 0, 1, 1, 1}));
  // A report can read it.
  const auto read = report::read_run_folder(folder.path());
  ASSERT_TRUE(read.outcomes);
  EXPECT_EQ(read.outcomes->arms.at("base").at("r2w"), (std::vector<double>{0, 1, 0, 0, 0}));
}

// The first that was mended and the first that was broken, by rule and not by choice.
TEST_F(Summary, Transcripts) {
  const auto& shown = json.at("transcripts");
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].at("kind"), "wrong→right");
  EXPECT_EQ(shown[0].at("arm"), "score");
  EXPECT_EQ(shown[0].at("prompt"), problems[2].prompt);
  EXPECT_EQ(shown[0].at("turns"), Json::array({{{"text", "bad"}, {"verdict", "wrong: misses 20"}},
                                               {{"text", "good"}, {"verdict", "right"}}}));
  EXPECT_EQ(shown[1].at("kind"), "right→wrong");
  EXPECT_EQ(shown[1].at("prompt"), problems[1].prompt);
}

TEST(TwoTurnSummary, OneArmIsShownAgainstItself) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  const auto problems = smoke_problems(1);
  TwoTurnSummary summary(problems);
  summary.add("base", {went(false, true)});
  summary.write(run.env, "score");
  const auto json = read_json(folder / "summary.json");
  EXPECT_EQ(json.at("improved"), "base");
  EXPECT_EQ(json.at("transcripts").size(), 1u);
}

TEST(TwoTurnJson, ThereAndBack) {
  std::vector<TwoTurn> outcomes = {went(true, false, "x \"y\"", "Δ"), went(false, true, "", "1 + 2 = 3")};
  outcomes[1].sampled_first = 0.25;
  outcomes[1].sampled_second = 1.0 / 3;
  const auto again = two_turns_from_json(base::parse_json(base::dump(to_json(outcomes)), "outcomes"));
  EXPECT_EQ(to_json(again), to_json(outcomes));
  EXPECT_EQ(again[0].first.text, "x \"y\"");
  EXPECT_EQ(again[0].second.verdict.reason, "misses 20");
  EXPECT_EQ(again[1].sampled_first, 0.25);
  EXPECT_EQ(again[1].sampled_second, 1.0 / 3);
}

TEST(SaveModel, ReplacesWhatAnInterruptedRunLeft) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  const auto first = small_model(1), second = small_model(2);
  save_model(run.env, "score", first);
  checkpoint::write_bytes(folder / "models" / "score" / "left.over", "x");
  save_model(run.env, "score", second);
  EXPECT_FALSE(fs::exists(folder / "models" / "score" / "left.over"));
  const auto opened = models::open(folder / "models" / "score");
  EXPECT_EQ(train::numbers_of(opened.decoder), train::numbers_of(second.decoder));
  EXPECT_EQ(opened.tokenizer.to_json(), second.tokenizer.to_json());
}

TEST(RunCost, AddsUpTheRecord) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  run.record.metrics("base", 0, {{"loss", 1}, {"tokens", 100}}, {{"seconds", 0.5}});
  run.record.metrics("base", 1, {{"loss", 1}, {"tokens", 50}}, {{"seconds", 0.25}});
  run.record.metrics("score", 0, {{"sampled_tokens", 30}}, {{"seconds", 2}});
  run.record.metrics("score", 1, {{"reward", 1}});
  const auto cost = run_cost(run.env);
  EXPECT_EQ(cost.at("wall_seconds"), 2.75);
  EXPECT_EQ(cost.at("train_tokens"), 150);
  EXPECT_EQ(cost.at("sampled_tokens"), 30);
  EXPECT_GT(cost.at("peak_rss_bytes").get<int64_t>(), 1 << 20);
}

}  // namespace
}  // namespace hone::evaluate
