#include "cli/run_setup.h"

#include "cli/engine_verbs.h"
#include "cli/runs.h"
#include "cli/test_folder.h"
#include "hone/base/error.h"
#include "hone/base/files.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

int nothing(const Call&) { return 0; }

struct Made {
  Call call;
  RunPlan plan;
};

Made made(const TestFolder& folder, std::vector<std::string> words) {
  words.insert(words.begin(), {"run", "score", "--preset", "smoke"});
  words.insert(words.end(), {"--runs", (folder.path() / "runs").string()});
  Call call = parse(engine_verb("run", &nothing), "hone", words);
  RunPlan plan = plan_run(call);
  make_run_folder(plan, call);
  return {std::move(call), std::move(plan)};
}

Json read(const fs::path& file) { return base::parse_json(base::read_file(file), file.string()); }

TEST(RunSetup, TheFolderSaysWhatTheRunIs) {
  const TestFolder folder;
  const Made run = made(folder, {"--seed", "7"});
  const Json about = read(run.plan.dir / "run.json");
  EXPECT_EQ(about["recipe"], "score");
  EXPECT_EQ(about["preset"], "smoke");
  EXPECT_EQ(about["seed"], 7);
  EXPECT_FALSE(about.contains("seeds"));
  EXPECT_TRUE(about["machine"]["threads"].is_number_integer());
  EXPECT_TRUE(about["command"].get<std::string>().starts_with("hone run score --preset smoke --seed 7"));
  const Json options = read(run.plan.dir / "options.json");
  for (const char* key : {"path", "type", "value", "standard", "help", "source", "origin", "place"}) {
    EXPECT_TRUE(options[0].contains(key)) << key;
  }
  for (const char* file : {"config.toml", "cmd.txt"}) EXPECT_TRUE(fs::exists(run.plan.dir / file)) << file;
  EXPECT_TRUE(fs::equivalent(folder.path() / "runs/latest", run.plan.dir));
}

TEST(RunSetup, SeveralSeedsGetAFolderEach) {
  const TestFolder folder;
  const Made run = made(folder, {"--seeds", "2", "--out", (folder.path() / "out").string()});
  EXPECT_EQ(read(folder.path() / "out/run.json")["seeds"], Json::array({1, 2}));
  EXPECT_EQ(read(folder.path() / "out/seed-2/run.json")["seed"], 2);
  EXPECT_EQ(run_info(run.plan.dir).seeds, 2);
}

TEST(RunSetup, RefusesAFolderThatIsNotEmpty) {
  const TestFolder folder;
  folder.file("out/note.txt", "mine");
  EXPECT_THROW(made(folder, {"--out", (folder.path() / "out").string()}), Error);
  EXPECT_FALSE(fs::exists(folder.path() / "out/run.json"));
}

TEST(RunSetup, ARunThatFailedBeforeItsFirstStepLeavesNothing) {
  const TestFolder folder;
  const Made run = made(folder, {});
  discard_if_untouched(run.plan);
  EXPECT_FALSE(fs::exists(run.plan.dir));
  EXPECT_FALSE(fs::is_symlink(folder.path() / "runs/latest"));
}

TEST(RunSetup, ARunWithStepsIsKept) {
  const TestFolder folder;
  const Made run = made(folder, {});
  base::write_file_atomic(run.plan.dir / "metrics.jsonl", "{}\n");
  discard_if_untouched(run.plan);
  EXPECT_TRUE(fs::exists(run.plan.dir / "run.json"));
}

}  // namespace
}  // namespace hone::cli
