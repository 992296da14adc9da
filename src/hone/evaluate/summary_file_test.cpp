#include "hone/evaluate/summary_file.h"

#include "hone/base/error.h"
#include "hone/evaluate/test_models.h"

#include <gtest/gtest.h>

namespace hone::evaluate {
namespace {

namespace fs = std::filesystem;
using train::expect_error;
using train::TempFolder;

SummaryFile two_arms() {
  SummaryFile file{.improved = "new", .arms = {"base", "new"}, .held_out = 4};
  file.metrics = {{"gain", "gain", "points", {{"b", 2}, {"a", -1}}}};
  file.outcomes.arms["base"] = {{"a", {1, 1, 1, 1}}, {"b", {0, 0, 0, 0}}};
  file.outcomes.arms["new"] = {{"a", {0, 1, 0, 1}}, {"b", {1, 1, 0, 0}}};
  return file;
}

TEST(SummaryFile, MetricsAreWeightedSumsOfMeans) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  write_summary(run.env, two_arms());
  const auto json = read_json(folder / "summary.json");
  const auto& base = json.at("arms").at("base").at("values").at("gain");
  for (const char* end : {"mean", "low", "high"}) EXPECT_EQ(base.at(end), -1) << end;  // all problems alike: no width
  const auto& improved = json.at("arms").at("new").at("values").at("gain");
  EXPECT_DOUBLE_EQ(improved.at("mean").get<double>(), 0.5);  // 2 · ½ − ½
  // Resampled problems give −1, 0, 1, … of (1, 2, −1, 0): the interval lies inside.
  EXPECT_GE(improved.at("low").get<double>(), -1);
  EXPECT_LE(improved.at("high").get<double>(), 2);
  EXPECT_LT(improved.at("low").get<double>(), improved.at("high").get<double>());
  EXPECT_EQ(json.at("headline"), "gain -1.0000 → 0.5000");
  EXPECT_EQ(json.at("transcripts"), Json::array());
}

TEST(SummaryFile, AnotherBaseMissingOutcomesAndSearches) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  auto file = two_arms();
  file.arms = {"new", "old", "best"};
  file.outcomes.arms["old"] = file.outcomes.arms["base"];
  file.outcomes.arms.erase("base");
  file.outcomes.arms["best"] = {{"a", {1, 1, 1, 1}}};
  file.base = "old";
  file.searches = {{{"title", "one"}}};
  write_summary(run.env, file);
  const auto json = read_json(folder / "summary.json");
  EXPECT_EQ(json.at("base"), "old");
  EXPECT_EQ(json.at("headline"), "gain -1.0000 → 0.5000");
  EXPECT_TRUE(json.at("arms").at("best").at("values").empty()) << "it has no outcome \"b\"";
  EXPECT_EQ(json.at("searches").size(), 1u);
  file.base = file.improved;
  write_summary(run.env, file);
  EXPECT_EQ(read_json(folder / "summary.json").at("headline"), "gain 0.5000");
}

TEST(SummaryFile, IsTheSameEveryTime) {
  const TempFolder one, two;
  for (const auto* folder : {&one, &two}) {
    train::TestRun run(folder->path());
    write_summary(run.env, two_arms());
    write_summary(run.env, two_arms());  // over its own files, as after a resume
  }
  auto a = read_json(one / "summary.json"), b = read_json(two / "summary.json");
  a.erase("cost");
  b.erase("cost");
  EXPECT_EQ(a, b);
  EXPECT_EQ(checkpoint::read_bytes(one / "outcomes.json"), checkpoint::read_bytes(two / "outcomes.json"));
}

TEST(SummaryFile, AnUnknownArmGivesWayToTheLastOne) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  auto file = two_arms();
  file.improved = "best";
  write_summary(run.env, file);
  EXPECT_EQ(read_json(folder / "summary.json").at("improved"), "new");
}

TEST(SummaryFile, MissingOutcomesLeaveNoFiles) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  auto file = two_arms();
  for (auto& [arm, outcomes] : file.outcomes.arms) outcomes.erase("b");
  expect_error(ErrorKind::data, {"\"gain\""}, [&] { write_summary(run.env, file); });
  EXPECT_FALSE(fs::exists(folder / "summary.json"));
  EXPECT_FALSE(fs::exists(folder / "outcomes.json"));
}

TEST(SummaryText, MeanOfNothingIsZero) {
  EXPECT_EQ(mean({}), 0);
  EXPECT_DOUBLE_EQ(mean({1, 2, 6}), 3);
}

TEST(SummaryText, ProblemsAndVerdicts) {
  tasks::Problem p;
  p.prompt = "3 4 -> 7 :";
  EXPECT_EQ(problem_text(p), "3 4 -> 7 :");
  p.messages = {{"system", "Be brief."}, {"user", "2+2?"}};
  EXPECT_EQ(problem_text(p), "system: Be brief.\nuser: 2+2?");
  EXPECT_EQ(verdict_text({1, ""}), "right");
  EXPECT_EQ(verdict_text({0, "uses 7 twice"}), "wrong: uses 7 twice");
}

}  // namespace
}  // namespace hone::evaluate
