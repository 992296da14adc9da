#include "hone/base/run_dir.h"

#include "hone/base/error.h"
#include "hone/base/files.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <regex>
#include <set>

namespace hone::base {
namespace {

namespace fs = std::filesystem;

class RunDirTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "hone-runs-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    root = folder / "runs";
  }
  void TearDown() override { fs::remove_all(folder); }

  // A run whose record was written `hours` after a fixed time.
  fs::path make_run(const std::string& name, int hours = 0) const {
    fs::create_directories(root / name);
    write_file_atomic(root / name / "run.json", "{}");
    fs::last_write_time(root / name / "run.json", fs::file_time_type(std::chrono::hours(hours)));
    return root / name;
  }

  std::string usage_error(std::string_view name) const {
    try {
      find_run(root, name);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  fs::path folder, root;
};

TEST_F(RunDirTest, NewRunsHaveDatedUniqueNames) {
  std::set<fs::path> runs;
  for (int i = 0; i < 50; ++i) {
    const fs::path run = new_run_dir(root, "grpo");
    EXPECT_TRUE(fs::is_directory(run));
    EXPECT_TRUE(std::regex_match(run.filename().string(), std::regex("\\d{4}-\\d\\d-\\d\\d-grpo-[0-9a-f]{4}")));
    runs.insert(run);
    EXPECT_EQ(fs::read_symlink(root / "latest"), run.filename());  // relative: the folder may be moved
  }
  EXPECT_EQ(runs.size(), 50u);
}

TEST_F(RunDirTest, NewRunRefusesFoldersItCannotUse) {
  write_file_atomic(folder / "file", "");
  EXPECT_THROW(new_run_dir(folder / "file", "grpo"), Error);
  EXPECT_THROW(new_run_dir(root, "../up"), Error);
  EXPECT_THROW(new_run_dir(root, ""), Error);
  fs::create_directories(root / "latest");
  EXPECT_THROW(new_run_dir(root, "grpo"), Error);  // something else is called latest
}

TEST_F(RunDirTest, LatestIsReplacedAndLeavesNoTemporary) {
  const fs::path a = make_run("a"), b = make_run("b");
  point_latest(root, a);
  point_latest(root, b);
  EXPECT_EQ(find_run(root, "latest"), b);
  EXPECT_EQ(std::distance(fs::directory_iterator(root), fs::directory_iterator()), 3);
  fs::create_directories(folder / "elsewhere");
  write_file_atomic(folder / "elsewhere/run.json", "{}");
  point_latest(root, folder / "elsewhere");
  EXPECT_EQ(find_run(root, "latest"), folder / "elsewhere");
}

TEST_F(RunDirTest, ListIsNewestFirstAndHoldsOnlyRuns) {
  EXPECT_TRUE(list_runs(root).empty());
  const fs::path middle = make_run("m", 2), oldest = make_run("z", 1), newest = make_run("a", 3);
  const fs::path same_time = make_run("n", 2);
  fs::create_directories(root / "no-run");
  write_file_atomic(root / "file", "");
  point_latest(root, newest);
  EXPECT_EQ(list_runs(root), (std::vector<fs::path>{newest, same_time, middle, oldest}));
}

TEST_F(RunDirTest, FindsByNamePathAndPrefix) {
  const fs::path a = make_run("2025-03-01-grpo-00aa"), b = make_run("2025-03-01-sft-00bb");
  EXPECT_EQ(find_run(root, "2025-03-01-grpo-00aa"), a);
  EXPECT_EQ(find_run(root, a.string()), a);
  EXPECT_EQ(find_run("nowhere", b.string()), b);
  EXPECT_EQ(find_run(root, "2025-03-01-s"), b);
  make_run("2025-03-01-sft-00bbb");
  EXPECT_EQ(find_run(root, "2025-03-01-sft-00bb"), b);  // a whole name wins over a prefix of another
}

TEST_F(RunDirTest, FindErrorsHelp) {
  EXPECT_EQ(usage_error("latest"), "no runs in " + root.string());
  make_run("2025-03-01-grpo-00aa", 1);
  make_run("2025-03-01-sft-00bb", 2);
  fs::create_directories(folder / "empty");
  EXPECT_EQ(usage_error("2025-03-01-gpro-00aa"),
            "no run \"2025-03-01-gpro-00aa\" in " + root.string() + "; did you mean \"2025-03-01-grpo-00aa\"?");
  EXPECT_EQ(usage_error("2025"), "\"2025\" names 2 runs: 2025-03-01-sft-00bb, 2025-03-01-grpo-00aa");
  EXPECT_EQ(usage_error((folder / "empty").string()),
            (folder / "empty").string() + " is not a run: it holds no run.json");
  EXPECT_EQ(usage_error(""), "the name of a run is empty");
}

TEST_F(RunDirTest, LatestWithoutALinkIsTheNewestRun) {
  make_run("a", 1);
  const fs::path b = make_run("b", 2);
  EXPECT_EQ(find_run(root, "latest"), b);
  fs::create_symlink("deleted", root / "latest");
  EXPECT_EQ(find_run(root, "latest"), b);
  fs::create_directories(root / "c");
  point_latest(root, root / "c");
  EXPECT_NE(usage_error("latest").find("holds no run.json"), std::string::npos);
}

TEST_F(RunDirTest, LockIsExclusiveAndFreedAtTheEnd) {
  const fs::path run = make_run("a");
  {
    const RunLock lock(run);
    try {
      const RunLock second(run);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_EQ(error.what(), "another hone is writing to " + run.string());
    }
  }
  const RunLock again(run);
  EXPECT_THROW(RunLock(root / "none"), Error);
}

TEST_F(RunDirTest, LockOfAKilledProcessIsFree) {
  const fs::path run = make_run("a");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const RunLock lock(run);
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_THROW(RunLock{run}, Error);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(RunLock{run});
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace hone::base
