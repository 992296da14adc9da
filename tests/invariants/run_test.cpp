// Promises of a run, tested by doing it: the same seed gives the same run with any number of threads, and a run that
// was killed or stopped and resumed equals one that was left alone, apart from times.
#include "hone/base/json.h"
#include "hone/base/sha256.h"
#include "tests/invariants/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

namespace hone::invariants {
namespace {

namespace fs = std::filesystem;

// A file of JSON lines without what depends on the clock.
std::string without_times(const fs::path& file) {
  std::istringstream lines(read_text(file));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    Json row = base::parse_json(line, file.string());
    row.erase("time");
    text += base::dump(row) + "\n";
  }
  return text;
}

Json summary_without_cost(const fs::path& run) {
  Json summary = base::parse_json(read_text(run / "summary.json"), "summary.json");
  summary.erase("cost");
  return summary;
}

// Expects every file below a/folder to be in b as well, byte for byte; returns how many there are.
int equal_files(const fs::path& a, const fs::path& b, const std::string& folder) {
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(a / folder)) {
    if (!entry.is_regular_file()) continue;
    const fs::path other = b / fs::relative(entry.path(), a);
    EXPECT_TRUE(fs::exists(other)) << other;
    ++files;
    if (!fs::exists(other)) continue;
    EXPECT_EQ(base::sha256_hex_of_file(entry.path()), base::sha256_hex_of_file(other)) << other;
  }
  return files;
}

// Everything that must be equal in two runs of one recipe and seed.
void expect_same_run(const fs::path& a, const fs::path& b) {
  EXPECT_EQ(without_times(a / "metrics.jsonl"), without_times(b / "metrics.jsonl"));
  EXPECT_EQ(without_times(a / "samples.jsonl"), without_times(b / "samples.jsonl"));
  EXPECT_EQ(read_text(a / "outcomes.json"), read_text(b / "outcomes.json"));
  EXPECT_EQ(summary_without_cost(a), summary_without_cost(b));
  EXPECT_GT(equal_files(a, b, "models"), 0);
  // The stages of iterated loops; no part of one is left over.
  if (!fs::exists(a / "loop")) return;
  EXPECT_EQ(equal_files(a, b, "loop"), equal_files(b, a, "loop"));
}

// A run of every part of a recipe in a few seconds; what it learns is not looked at.
std::vector<std::string> smoke(const std::string& recipe, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"run", recipe, "--preset", "smoke", "-q"};
  std::vector<std::string> values;
  if (recipe == "grpo" || recipe == "score")
    values = {"base.fit.steps=20", "base.fit.batch=32", "base.fit.check_every=8", "test_problems=40"};
  if (recipe == "grpo") values.emplace_back("steps=8");
  if (recipe == "score") {
    values.insert(values.end(), {"stage1.steps=4", "stage2.steps=6", "arms=pair_sft,star,score", "sft.problems=30", "sft.iterations=2",
                                 "sft.fit.steps=5", "sft.fit.batch=32"});
  }
  if (recipe == "star") {
    values = {"base.steps=15", "problems=60", "test=4",  "max_tokens=40", "start_steps=4", "fit.batch=16",
              "arms=star_rationalize,direct"};
  }
  if (recipe == "dno") {
    values = {"base.steps=15", "prompts=20",       "test=8", "game_steps=6", "filter.least=1", "filter.margin=0",
              "pairs.batch=8", "arms=dno,dno_mixture"};
  }
  for (const std::string& value : values) words.insert(words.end(), {"--set", value});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::size_t lines_in(const fs::path& file) {
  const std::string text = read_text(file);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// Waits until the run in `dir` has logged `lines` steps; false when it ended before.
bool reaches(Running& running, const fs::path& dir, std::size_t lines) {
  while (lines_in(dir / "metrics.jsonl") < lines) {
    if (running.ends_within(0.01)) return false;
  }
  return true;
}

class Run : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!has_engine()) GTEST_SKIP() << "built without the engine";
  }

  // The uninterrupted run that others are compared with, made once a recipe.
  static const fs::path& left_alone() {
    static std::map<std::string, fs::path> made;
    static const Folder folder;
    const std::string recipe = GetParam();
    if (!made.contains(recipe)) {
      const Outcome outcome =
          hone(smoke(recipe, {"--threads", "2", "--out", (folder / recipe).string()}), {.folder = folder.path()});
      EXPECT_EQ(outcome.code, 0) << outcome.err;
      made[recipe] = folder / recipe;
    }
    return made[recipe];
  }
};

TEST_P(Run, DoesNotDependOnThreads) {
  const Folder folder;
  const fs::path& other = left_alone();
  const Outcome outcome = hone(smoke(GetParam(), {"--threads", "1", "--out", "one"}), {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "one\n");
  expect_same_run(other, folder / "one");
}

// kill -9 all over the run: after some of its steps, a few milliseconds later each time, with a checkpoint after every
// step or only at the end of phases; each time it goes on, and is killed again.
TEST_P(Run, KilledAndResumedIsTheSameRun) {
  const Folder folder;
  const fs::path& other = left_alone();
  const auto steps = static_cast<double>(lines_in(other / "metrics.jsonl"));
  std::vector<std::string> words = smoke(GetParam(), {"--checkpoint", "0", "--out", "killed"});
  int kills = 0;
  for (const double share : {0.05, 0.3, 0.5, 0.7, 1.0}) {
    Running running(words, {.folder = folder.path()});
    if (!reaches(running, folder / "killed", static_cast<std::size_t>(share * steps) + (share < 1 ? 1 : 0))) break;
    if (running.ends_within(0.011 * ++kills)) break;
    running.send(SIGKILL);
    EXPECT_EQ(running.wait().code, 128 + SIGKILL);
    words = {"run", "--resume", "killed", "-q", "--checkpoint", kills % 2 == 0 ? "0" : "600"};
  }
  EXPECT_GE(kills, 3);
  // What a kill in the middle of writing leaves; no process has such a number.
  const fs::path half_written = folder / "killed" / "samples.jsonl.tmp-99999999-0";
  std::ofstream(half_written) << "half";
  const Outcome last = hone(words, {.folder = folder.path()});
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_FALSE(fs::exists(half_written));
  expect_same_run(other, folder / "killed");
}

TEST_P(Run, StoppedAndResumedIsTheSameRun) {
  const Folder folder;
  const fs::path& other = left_alone();
  Running running(smoke(GetParam(), {"--out", "stopped"}), {.folder = folder.path()});
  ASSERT_TRUE(reaches(running, folder / "stopped", lines_in(other / "metrics.jsonl") / 2));
  running.send(SIGINT);
  const Outcome stopped = running.wait();
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_NE(stopped.err.find("hone run --resume stopped"), std::string::npos) << stopped.err;
  const Outcome resumed = hone({"run", "--resume", "stopped", "-q", "--threads", "1"}, {.folder = folder.path()});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  expect_same_run(other, folder / "stopped");
}

INSTANTIATE_TEST_SUITE_P(Recipes, Run, testing::Values("sft", "grpo", "score", "star", "dno"),
                         [](const auto& info) { return std::string(info.param); });

class Engine : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_engine()) GTEST_SKIP() << "built without the engine";
  }
};

TEST_F(Engine, SpeaksAtOnceAndLeavesACompleteFolder) {
  const Folder folder;
  const Outcome outcome = hone({"run", "sft", "--preset", "smoke", "--threads", "2"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("hone run sft · preset smoke · seed 1 · 2 threads · loading the engine …\n"));
  EXPECT_EQ((outcome.out + outcome.err).find('\r'), std::string::npos);
  EXPECT_EQ((outcome.out + outcome.err).find('\x1b'), std::string::npos);
  for (const char* file : {"run.json", "options.json", "config.toml", "cmd.txt", "metrics.jsonl", "events.jsonl",
                           "summary.json", "outcomes.json", "report.html"}) {
    EXPECT_TRUE(fs::exists(folder / "runs/latest" / file)) << file;
  }
  for (const auto& call : std::vector<std::vector<std::string>>{
           {"report", "runs/latest", "--json"}, {"show", "latest", "--json"}, {"ls", "runs", "--json"}, {"--json"}}) {
    const Outcome report = hone(call, {.folder = folder.path()});
    EXPECT_EQ(report.code, 0) << report.err;
    EXPECT_NO_THROW(base::parse_json(report.out, "stdout"));
  }
  EXPECT_NE(hone({"ls", "runs"}, {.folder = folder.path()}).out.find("finished"), std::string::npos);
}

TEST_F(Engine, SeveralSeedsAreJudgedTogether) {
  const Folder folder;
  const Outcome outcome = hone(smoke("sft", {"--seeds", "2", "--out", "two"}), {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* file : {"seed-1/summary.json", "seed-2/summary.json", "results.json", "report.html"}) {
    EXPECT_TRUE(fs::exists(folder / "two" / file)) << file;
  }
  EXPECT_NE(without_times(folder / "two/seed-1/metrics.jsonl"), without_times(folder / "two/seed-2/metrics.jsonl"));
  const Outcome judged = hone({"judge", "two", "--json"}, {.folder = folder.path()});
  EXPECT_EQ(judged.code, 0) << judged.err;
  EXPECT_EQ(base::parse_json(judged.out, "stdout")["seeds"], Json::array({1, 2}));
}

TEST_F(Engine, OneWriterAtATime) {
  const Folder folder;
  // Long enough to be still there when the second has started.
  Running first(smoke("sft", {"--out", "run", "--set", "fit.steps=1000000"}), {.folder = folder.path()});
  while (!fs::exists(folder / "run/run.lock")) ASSERT_FALSE(first.ends_within(0.02));
  const Outcome second = hone({"run", "--resume", "run"}, {.folder = folder.path()});
  EXPECT_EQ(second.code, 2) << second.err;
  EXPECT_NE(second.err.find("another hone"), std::string::npos) << second.err;
}

// What only the engine can find wrong: an error, and no run folder.
TEST_F(Engine, ARunThatCannotBeginLeavesNothing) {
  const Folder folder;
  std::string long_prompt(4000, 'x');
  folder.file("long.jsonl", "{\"prompt\":\"" + long_prompt + "\",\"answer\":\"1\"}\n");
  const std::vector<std::string> before = folder.content();
  const Outcome heads = hone(smoke("sft", {"--set", "fresh.heads=3"}), {.folder = folder.path()});
  EXPECT_EQ(heads.code, 2) << heads.err;
  const Outcome context = hone(smoke("sft", {"--data", "long.jsonl"}), {.folder = folder.path()});
  EXPECT_EQ(context.code, 3) << context.err;
  EXPECT_NE(context.err.find("long.jsonl:1"), std::string::npos) << context.err;
  const Outcome kernels = hone(smoke("sft", {}), {.folder = folder.path(), .environment = {{"HONE_KERNELS", "fast"}}});
  EXPECT_EQ(kernels.code, 2) << kernels.err;
  EXPECT_EQ(hone({"ls", "runs", "--json"}, {.folder = folder.path()}).out, "[]\n");
  fs::remove_all(folder / "runs");
  EXPECT_EQ(folder.content(), before);
}

TEST_F(Engine, AFileThatCannotGrowEndsTheRunAndItGoesOnLater) {
  const Folder folder;
  const Outcome full = hone(smoke("sft", {"--out", "run"}), {.folder = folder.path(), .most_file_bytes = 60'000});
  EXPECT_EQ(full.code, 6) << full.err;
  EXPECT_NE(full.err.find("error: "), std::string::npos);
  if (!fs::exists(folder / "run")) return;  // it failed before its first step
  const Outcome resumed = hone({"run", "--resume", "run", "-q"}, {.folder = folder.path()});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
}

}  // namespace
}  // namespace hone::invariants
