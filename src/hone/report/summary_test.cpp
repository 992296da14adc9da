#include "hone/report/summary.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/report/fake_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace hone::report {
namespace {

SeedOutcomes two_turns(uint64_t seed, std::vector<double> t1, std::vector<double> t2) {
  return {seed, {{"base", {{"t1", std::move(t1)}, {"t2", std::move(t2)}}}}};
}

double mean_of(const Json& values, const char* metric) { return values[metric]["mean"].get<double>(); }

TEST(TwoTurnMetrics, VectorsFollowTheirDefinition) {
  SeedOutcomes seed = two_turns(1, {0, 0, 1, 1}, {0, 1, 0, 1});
  seed.arms["single"]["t1"] = {1, 1, 0, 0};
  add_two_turn_metrics(seed);
  EXPECT_EQ(seed.arms["base"]["w2r"], (std::vector<double>{0, 1, 0, 0}));
  EXPECT_EQ(seed.arms["base"]["r2w"], (std::vector<double>{0, 0, 1, 0}));
  EXPECT_EQ(seed.arms["single"].count("w2r"), 0u) << "one attempt only";
}

TEST(TwoTurnMetrics, AttemptsMustPair) {
  SeedOutcomes seed = two_turns(1, {0, 1}, {1});
  EXPECT_THROW(add_two_turn_metrics(seed), Error);
}

TEST(ArmSummary, TheFiveNumbersAgree) {
  const SeedOutcomes seed = two_turns(1, {0, 0, 0, 1, 1, 1, 1, 0}, {1, 1, 0, 1, 1, 1, 0, 0});
  const Json summary = build_arm_summary({seed}, two_turn_metrics(), {{"base", "base model"}}, Rng(1));
  const Json& values = summary["arms"]["base"]["values"];
  EXPECT_DOUBLE_EQ(mean_of(values, "acc_t1"), 4 / 8.0);
  EXPECT_DOUBLE_EQ(mean_of(values, "acc_t2"), 5 / 8.0);
  EXPECT_DOUBLE_EQ(mean_of(values, "delta"), 1 / 8.0);
  EXPECT_DOUBLE_EQ(mean_of(values, "wrong_to_right"), 2 / 8.0);
  EXPECT_DOUBLE_EQ(mean_of(values, "right_to_wrong"), 1 / 8.0);
  EXPECT_LT(values["delta"]["low"].get<double>(), 1 / 8.0);
  EXPECT_EQ(summary["arms"]["base"]["label"], "base model");
  EXPECT_EQ(summary["held_out"], 8u);
  EXPECT_FALSE(values["delta"].contains("per_seed"));
}

TEST(ArmSummary, ArmsWithoutAVectorLackItsMetric) {
  SeedOutcomes seed = two_turns(1, {0, 1}, {1, 1});
  seed.arms["single"]["t1"] = {1, 1};
  seed.arms["other"]["x"] = {1, 1};
  const Json arms = build_arm_summary({seed}, two_turn_metrics(), {{"single", "one attempt"}}, Rng(1))["arms"];
  EXPECT_EQ(arms.begin().key(), "single");
  EXPECT_EQ(arms["single"]["values"].size(), 1u);
  EXPECT_EQ(arms["base"]["values"].size(), 5u);
  EXPECT_FALSE(arms.contains("other"));
}

TEST(ArmSummary, PassAtOneOfAnyRecipe) {
  const SeedOutcomes seed{1, {{"grpo", {{"pass1", {0.25, 0.75}}}}}};
  const Json summary = build_arm_summary({seed}, {mean_metric("pass1", "pass@1", "%")}, {}, Rng(1));
  EXPECT_DOUBLE_EQ(mean_of(summary["arms"]["grpo"]["values"], "pass1"), 0.5);
  EXPECT_EQ(base::dump(summary["metrics"][0]),
            R"({"name":"pass1","label":"pass@1","unit":"%","terms":[{"outcome":"pass1","weight":1.0}]})");
}

TEST(FormatNumber, ByUnit) {
  EXPECT_EQ(format_number(0.6444, "%"), "64.4");
  EXPECT_EQ(format_number(0.0444, "pts"), "+4.4");
  EXPECT_EQ(format_number(-0.112, "pts"), "−11.2");
  EXPECT_EQ(format_number(-0.0001, "pts"), "0.0");
  EXPECT_EQ(format_number(1.8349, "nats/token"), "1.83");
  EXPECT_EQ(format_number(-1234.5, ""), "−1234");
  EXPECT_EQ(format_number(NAN, "%"), "–");
  EXPECT_EQ(format_count(4210000), "4.21M");
  EXPECT_EQ(format_count(512), "512");
  EXPECT_EQ(format_bytes(412e6), "412 MB");
}

TEST(ReportJson, OneSeed) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 5);
  const Json json = report_json(run.path());
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["run"], run.path().filename().string());
  EXPECT_EQ(base::dump(json["seeds"]), "[5]");
  for (const char* arm : {"base", "improved"}) {
    const Json& values = json[arm];
    EXPECT_NEAR(mean_of(values, "acc_t2") - mean_of(values, "acc_t1"), mean_of(values, "delta"), 1e-12);
    EXPECT_NEAR(mean_of(values, "wrong_to_right") - mean_of(values, "right_to_wrong"), mean_of(values, "delta"), 1e-12);
  }
  EXPECT_GT(mean_of(json["improved"], "delta"), 0);
  EXPECT_TRUE(json["claims"].is_null());
  EXPECT_TRUE(json["missing"].empty());
}

TEST(ReportJson, SeedsAreWeighedTogether) {
  const TemporaryFolder run;
  write_fake_seeds(run.path(), 3);
  const Json json = report_json(run.path());
  EXPECT_EQ(base::dump(json["seeds"]), "[1,2,3]");
  const Json& delta = json["improved"]["delta"];
  ASSERT_EQ(delta["per_seed"].size(), 3u);
  double sum = 0;
  for (const Json& one : delta["per_seed"]) sum += one.get<double>();
  EXPECT_NEAR(delta["mean"].get<double>(), sum / 3, 1e-12);
  EXPECT_EQ(json["cost"]["train_tokens"], 3 * 4210000);
  EXPECT_EQ(json["cost"]["peak_rss_bytes"], int64_t{412} << 20);
  EXPECT_NE(json["headline"].get<std::string>().find("Acc@t1 "), std::string::npos) << "of all seeds, not of the first";
}

TEST(ReportJson, ADifferenceOfSharesIsShownWithItsSign) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  Json summary = base::parse_json(base::read_file(run.path() / "summary.json"), "summary.json");
  summary["metrics"][2]["unit"] = "%";
  base::write_file_atomic(run.path() / "summary.json", base::dump(summary));
  EXPECT_EQ(report_json(run.path())["metrics"][2]["unit"], "pts");
  EXPECT_EQ(report_json(run.path())["metrics"][0]["unit"], "%");
}

TEST(JudgeRun, EveryVerdictAndWhy) {
  const TemporaryFolder run;
  write_fake_seeds(run.path(), 3);
  const Json results = judge_run(run.path(), fake_claims());
  EXPECT_EQ(results["recipe"], "score");
  EXPECT_EQ(base::dump(results["seeds"]), "[1,2,3]");
  EXPECT_DOUBLE_EQ(results["minutes"].get<double>(), 75.6);
  EXPECT_EQ(results["commit"], "1f3c9ab");
  EXPECT_EQ(results["arms"].size(), 7u);
  std::map<std::string, Json> claims;
  for (const Json& claim : results["claims"]) claims[claim["id"]] = claim;
  EXPECT_EQ(claims["A"]["verdict"], "REPRODUCED");
  EXPECT_EQ(claims["A"]["contrasts"][0]["mean"], results["arms"]["score"]["values"]["delta"]["mean"]);
  EXPECT_EQ(claims["A"]["contrasts"][0]["low"], results["arms"]["score"]["values"]["delta"]["low"])
      << "a number has one interval wherever it is shown";
  EXPECT_EQ(claims["A"]["contrasts"][0]["unit"], "pts");
  EXPECT_EQ(claims["C"]["verdict"], "INCONCLUSIVE");
  EXPECT_EQ(claims["E"]["verdict"], "NOT REPRODUCED");
  EXPECT_EQ(claims["F"]["verdict"], "INCONCLUSIVE");
  EXPECT_EQ(claims["F"]["note"], "seed 1: no outcomes of arm \"star\"");
}

TEST(JudgeRun, ALevelIsNoDifference) {
  const TemporaryFolder run;
  write_fake_seeds(run.path(), 3);
  const Claim level{"L", "most are right", {{"Acc@t2 of SCoRe", {{"score", "t2", 1}}, 0.5}}};
  EXPECT_EQ(judge_run(run.path(), {level})["claims"][0]["contrasts"][0]["unit"], "%");
}

TEST(JudgeRuns, SeedsOfSeveralRunsAreOneRun) {
  const TemporaryFolder whole, parts;
  write_fake_seeds(whole.path(), 3);
  write_fake_run(parts.path() / "monday", 2);
  write_fake_run(parts.path() / "tuesday", 1);
  write_fake_run(parts.path() / "wednesday", 3);
  Json all = judge_run(whole.path(), fake_claims());
  Json pooled =
      judge_runs({parts.path() / "tuesday", parts.path() / "monday", parts.path() / "wednesday"}, fake_claims());
  for (Json* results : {&all, &pooled}) results->erase("recorded_at");
  EXPECT_EQ(base::dump(pooled, 1), base::dump(all, 1));
}

TEST(JudgeRuns, OnlySeedsMayDiffer) {
  const TemporaryFolder parts;
  write_fake_run(parts.path() / "monday", 1);
  write_fake_run(parts.path() / "tuesday", 2);
  const auto refused = [&] {
    try {
      judge_runs({parts.path() / "monday", parts.path() / "tuesday"}, fake_claims());
      return std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      return std::string(error.what());
    }
  };
  EXPECT_EQ(refused(), "");
  const auto edit = [&](const char* file, const std::function<void(Json&)>& change) {
    const auto path = parts.path() / "tuesday" / file;
    Json json = base::parse_json(base::read_file(path), file);
    change(json);
    base::write_file_atomic(path, base::dump(json));
  };
  const Json options = base::parse_json(base::read_file(parts.path() / "tuesday/options.json"), "options.json");
  edit("options.json", [](Json& json) { json[0]["value"] = "another"; });
  EXPECT_EQ(refused(), "monday and tuesday differ in the option " + options[0]["path"].get<std::string>());
  edit("options.json", [&](Json& json) { json = options; });
  edit("run.json", [](Json& json) { json["preset"] = "smoke"; });
  EXPECT_EQ(refused(), "monday and tuesday differ in their preset");
  write_fake_run(parts.path() / "tuesday", 1);
  EXPECT_NE(refused().find("has seed 1, which another of these runs has too"), std::string::npos);
}

TEST(JudgeRun, OneSeedNeverDecides) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  for (const Json& claim : judge_run(run.path(), fake_claims())["claims"]) {
    EXPECT_EQ(claim["verdict"], "INCONCLUSIVE");
  }
}

TEST(JudgeRun, NeedsOutcomes) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 1);
  std::filesystem::remove(run.path() / "outcomes.json");
  try {
    judge_run(run.path(), fake_claims());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_NE(std::string(error.what()).find("outcomes.json is missing"), std::string::npos);
  }
}

}  // namespace
}  // namespace hone::report
