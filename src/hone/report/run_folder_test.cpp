#include "hone/report/run_folder.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/report/fake_run.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::report {
namespace {

TEST(RunFolder, ReadsARun) {
  const TemporaryFolder run;
  write_fake_run(run.path(), 3);
  const RunFolder folder = read_run_folder(run.path());
  EXPECT_TRUE(folder.missing.empty());
  ASSERT_EQ(folder.phases.size(), 3u);
  EXPECT_EQ(folder.phases[2].name, "score stage 2");
  EXPECT_EQ(folder.phases[2].last_step, 700);
  EXPECT_NEAR(folder.phases[2].tokens_per_second, 12300, 200);
  EXPECT_EQ(folder.curves[0].metric, "loss");
  EXPECT_EQ(folder.curves[0].steps.size(), 300u);
  EXPECT_EQ(folder.samples.size(), 1u);
  EXPECT_EQ(folder.warnings.size(), 1u);
  EXPECT_EQ(outcomes_of(folder).size(), 1u);
  EXPECT_FALSE(folder.has_seeds);
}

TEST(RunFolder, ReadsSeeds) {
  const TemporaryFolder run;
  write_fake_seeds(run.path(), 3);
  std::filesystem::remove_all(run.path() / "seed-2");
  std::filesystem::remove(run.path() / "seed-3" / "outcomes.json");
  const RunFolder folder = read_run_folder(run.path());
  EXPECT_TRUE(folder.has_seeds);
  EXPECT_EQ(seed_folders(folder).size(), 2u);
  EXPECT_EQ(outcomes_of(folder).size(), 1u);
  EXPECT_EQ(folder.missing, (std::vector<std::string>{"seed-2 is missing", "seed-3: outcomes.json is missing"}));
}

TEST(RunFolder, ATornLastLineIsNoNews) {
  const TemporaryFolder run;
  base::write_file_atomic(run.path() / "metrics.jsonl",
                          "{\"phase\":\"a\",\"step\":1,\"loss\":2.5}\n"
                          "{\"phase\":\"a\",\"step\":2,\"loss\":null,\"nonfinite\":[\"loss\"]}\n"
                          "{\"phase\":\"a\",\"st");
  const RunFolder folder = read_run_folder(run.path());
  ASSERT_EQ(folder.curves.size(), 1u);
  EXPECT_EQ(folder.curves[0].values[0], 2.5);
  EXPECT_TRUE(std::isnan(folder.curves[0].values[1]));
  for (const std::string& note : folder.missing) EXPECT_EQ(note.find("metrics.jsonl"), std::string::npos) << note;
}

TEST(RunFolder, BadLinesAreCountedAndTheFirstIsNamed) {
  const TemporaryFolder run;
  base::write_file_atomic(run.path() / "metrics.jsonl", "{}\nx\ny\n{\"phase\":\"a\",\"step\":1,\"loss\":1}\n");
  const RunFolder folder = read_run_folder(run.path());
  EXPECT_EQ(folder.curves.size(), 1u);
  bool named = false;
  for (const std::string& note : folder.missing) {
    named = named || note.starts_with("2 line(s) of metrics.jsonl skipped, the first: metrics.jsonl:2");
  }
  EXPECT_TRUE(named);
}

TEST(RunFolder, TimeOfAResumedPhaseAddsUp) {
  const TemporaryFolder run;
  std::string lines;
  for (const auto& [phase, elapsed] : {std::pair{"a", 1}, {"a", 3}, {"b", 10}, {"b", 14}, {"b", 2}, {"b", 5}}) {
    lines += base::dump({{"phase", phase}, {"step", 1}, {"time", {{"elapsed", elapsed}}}}) + "\n";
  }
  base::write_file_atomic(run.path() / "metrics.jsonl", lines);
  const RunFolder folder = read_run_folder(run.path());
  EXPECT_EQ(folder.phases[0].seconds, 2);
  EXPECT_EQ(folder.phases[1].seconds, 4 + 3);
}

TEST(RunFolder, NamesTheTargetOfALink) {
  const TemporaryFolder root;
  write_fake_run(root.path() / "2026-08-04-score-1a2b", 1);
  std::filesystem::create_symlink("2026-08-04-score-1a2b", root.path() / "latest");
  EXPECT_EQ(read_run_folder(root.path() / "latest").name, "2026-08-04-score-1a2b");
}

TEST(RunFolder, AFolderWithoutARunIsAnError) {
  const TemporaryFolder folder;
  EXPECT_THROW(read_run_folder(folder.path()), Error);
  EXPECT_THROW(read_run_folder(folder.path() / "nowhere"), Error);
}

TEST(Accessors, AnyTypeIsFine) {
  const Json json{{"text", "x"}, {"number", 2}, {"list", {1, 2}}, {"none", nullptr}};
  EXPECT_EQ(text_at(json, "text"), "x");
  EXPECT_EQ(text_at(json, "number"), "2");
  EXPECT_EQ(text_at(json, "list"), "[1,2]");
  EXPECT_EQ(text_at(json, "none"), "");
  EXPECT_EQ(text_at(json["list"], "x"), "");
  EXPECT_EQ(number_at(json, "number"), 2);
  EXPECT_TRUE(std::isnan(number_at(json, "text")));
  EXPECT_TRUE(member(Json(3), "x").is_null());
}

}  // namespace
}  // namespace hone::report
