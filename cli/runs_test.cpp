#include "cli/runs.h"

#include "cli/test_folder.h"
#include "hone/base/error.h"
#include "hone/base/run_dir.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

constexpr const char* kRun = R"({"recipe":"score","preset":"demo","seed":1,"started_at":"2026-08-04T12:00:00Z"})";

TEST(Runs, StateIsReadFromTheFolder) {
  const TestFolder folder;
  folder.file("a/run.json", kRun);
  EXPECT_EQ(run_info(folder.path() / "a").state, RunState::stopped);
  {
    const base::RunLock lock(folder.path() / "a");
    EXPECT_EQ(run_info(folder.path() / "a").state, RunState::running);
  }
  EXPECT_EQ(run_info(folder.path() / "a").state, RunState::stopped);
  folder.file("a/summary.json", "{}");
  EXPECT_EQ(run_info(folder.path() / "a").state, RunState::finished);
  EXPECT_EQ(to_json(run_info(folder.path() / "a"))["state"], "finished");
}

TEST(Runs, SeveralSeedsAreFinishedTogether) {
  const TestFolder folder;
  folder.file("a/run.json", R"({"recipe":"score","seeds":[1,2]})");
  folder.file("a/seed-1/summary.json", "{}");
  EXPECT_EQ(run_info(folder.path() / "a").state, RunState::stopped);
  folder.file("a/seed-2/summary.json", "{}");
  EXPECT_EQ(run_info(folder.path() / "a").state, RunState::finished);
  EXPECT_EQ(run_info(folder.path() / "a").seeds, 2);
}

TEST(Runs, ASpoiledFolderDoesNotHideTheOthers) {
  const TestFolder folder;
  folder.file("a/run.json", kRun);
  folder.file("b/run.json", "{");
  folder.file("c/run.json", "[]");
  const auto runs = known_runs(folder.path(), 9);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].name, "a");
  EXPECT_TRUE(known_runs(folder.path() / "absent", 9).empty());
  EXPECT_TRUE(known_runs(folder.path(), 0).empty());
}

TEST(Runs, PathsBelowTheWorkingFolderAreRelative) {
  EXPECT_EQ(shown_path(std::filesystem::current_path() / "runs/a"), "runs/a");
  EXPECT_EQ(shown_path("/usr"), "/usr");
}

}  // namespace
}  // namespace hone::cli
