#include "hone/report/compare/text.h"

#include "hone/report/compare/test_runs.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(ComparisonText, ATableThatReadsAlone) {
  const TwoRuns runs;
  const std::string text = comparison_markdown(compare(runs.both()));
  EXPECT_TRUE(text.starts_with("# 2 runs compared\n\nAcc@t2: B SCoRe leads with "));
  EXPECT_TRUE(has(text, "| A  first "));
  EXPECT_TRUE(has(text, "| difference to A SCoRe"));
  EXPECT_TRUE(has(text, "27.39M")) << "3 · 9.13 M tokens sampled";
  EXPECT_EQ(text.back(), '\n');
}

TEST(ComparisonText, JsonForPrograms) {
  const TwoRuns runs;
  const Json json = comparison_json(compare(runs.both()));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["runs"][1]["letter"], "B");
  EXPECT_TRUE(json["runs"][1]["unpaired"].is_null());
  EXPECT_EQ(json["reference"], "A SCoRe");
  const Json& last = json["arms"].back();
  EXPECT_EQ(last["run"], "B");
  EXPECT_EQ(last["arm"], "score");
  EXPECT_GT(last["values"]["acc_t2"]["difference"]["low"].get<double>(), 0);
}

TEST(ComparisonText, NoEscapeSequencesReachTheTerminal) {
  const TwoRuns runs;
  edit_json(runs.second / "run.json", [](Json& run) { run["recipe"] = "a\x1b[31m\nb"; });
  EXPECT_EQ(comparison_markdown(compare(runs.both())).find('\x1b'), std::string::npos);
}

TEST(ComparisonText, MachinesAndSeedsInWords) {
  ComparedRun run;
  EXPECT_EQ(machine_text(run), "–");
  run.folder.run = {{"seeds", {1, 2, 3}}, {"machine", {{"cpu", "some CPU"}, {"cores", 2}, {"threads", 1}}}};
  EXPECT_EQ(machine_text(run), "some CPU, 2 cores, 1 thread");
  EXPECT_EQ(seed_count_text(run), "0 of 3");
  run.seeds.resize(3);
  EXPECT_EQ(seed_count_text(run), "3");
}

}  // namespace
}  // namespace hone::report
