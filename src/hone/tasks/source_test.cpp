#include "hone/tasks/source.h"

#include "hone/base/files.h"
#include "hone/tasks/search/trace.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace hone::tasks {
namespace {

using text::error_of;
using text::says;

TaskOptions smoke() {
  TaskOptions options;
  options.world = "cd3-smoke";
  options.train_problems = 100;
  options.test_problems = 30;
  return options;
}

std::vector<std::string> prompts(const std::vector<Problem>& problems) {
  std::vector<std::string> all;
  for (const Problem& problem : problems) all.push_back(problem.prompt);
  return all;
}

// A file of `count` problems that goes away again.
class ProblemFile {
 public:
  ProblemFile(const char* name, int first, int count) : path_(std::filesystem::path(testing::TempDir()) / name) {
    std::string lines;
    for (int i = first; i < first + count; ++i)
      lines += fmt::format("{{\"prompt\": \"{} + 1?\", \"answer\": {}}}\n", i, i + 1);
    base::write_file_atomic(path_, lines);
  }
  ~ProblemFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(LoadTasks, WorldsHoldOutTheSameProblemsForEverySeed) {
  const TaskSet a = load_tasks(smoke(), Rng(1)), b = load_tasks(smoke(), Rng(2));
  EXPECT_EQ(a.train.size(), 100u);
  EXPECT_EQ(a.held_out.size(), 30u);
  EXPECT_EQ(prompts(a.held_out), prompts(b.held_out));
  EXPECT_NE(prompts(a.train), prompts(b.train));
  EXPECT_EQ(prompts(a.train), prompts(load_tasks(smoke(), Rng(1)).train));
  std::set<std::string> ids;
  EXPECT_GT(a.validation.size(), 20u);
  EXPECT_EQ(prompts(a.validation), prompts(b.validation));
  for (const auto* side : {&a.train, &a.held_out, &a.validation}) {
    for (const Problem& problem : *side) EXPECT_TRUE(ids.insert(problem.id).second) << problem.id;
  }
  const Problem& problem = a.train.front();
  const auto solution = random_solution(countdown_world("cd3-smoke"), problem.numbers, problem.target, Rng(1));
  EXPECT_EQ(a.verifier(problem, write_derivation(solution, Notation::visible)).reward, 1);
}

// A world that is measured on whole has no held-out problem left to look at.
TEST(LoadTasks, ValidationFallsBackToTrainingProblems) {
  TaskOptions options = smoke();
  options.test_problems = solvable_pairs(countdown_world("cd3-smoke"), Split::held_out);
  const TaskSet set = load_tasks(options, Rng(1));
  EXPECT_EQ(static_cast<int64_t>(set.held_out.size()), options.test_problems);
  EXPECT_EQ(prompts(set.validation), prompts(set.train));
}

TEST(LoadTasks, AFileIsSplitByTheTextOfItsProblems) {
  const ProblemFile file("hone_source_test.jsonl", 0, 200);
  TaskOptions options;
  options.data = file.path();
  options.verifier = "number";
  const TaskSet a = load_tasks(options, Rng(1)), b = load_tasks(options, Rng(2));
  EXPECT_EQ(a.train.size() + a.held_out.size(), 200u);
  EXPECT_NEAR(static_cast<double>(a.held_out.size()), 40, 20);
  EXPECT_EQ(prompts(a.held_out), prompts(b.held_out));
  std::set<std::string> train;
  for (const std::string& prompt : prompts(a.train)) train.insert(prompt);
  for (const std::string& prompt : prompts(a.held_out)) EXPECT_FALSE(train.contains(prompt));
  EXPECT_EQ(a.verifier(a.train[0], a.train[0].answer).reward, 1);
}

TEST(LoadTasks, ProblemsOfTheTestFileAreNotTrainedOn) {
  const ProblemFile data("hone_source_data.jsonl", 0, 20), test("hone_source_test.jsonl", 15, 20);
  TaskOptions options;
  options.data = data.path();
  options.test_data = test.path();
  options.verifier = "number";
  options.test_problems = 10;
  const TaskSet set = load_tasks(options, Rng(1));
  EXPECT_EQ(set.train.size(), 15u);
  EXPECT_EQ(set.held_out.size(), 10u);
}

TEST(LoadTasks, AnEmptySideIsAnError) {
  const ProblemFile file("hone_source_test.jsonl", 0, 5);
  TaskOptions options;
  options.data = options.test_data = file.path();
  options.verifier = "number";
  EXPECT_TRUE(says(error_of([&] { load_tasks(options, Rng(1)); }), "no problem is left to train on"));
  TaskOptions too_many = smoke();
  too_many.train_problems = 100000;
  EXPECT_TRUE(says(error_of([&] { load_tasks(too_many, Rng(1)); }), "but the world holds"));
}

TEST(TaskOptions, NameTheNotation) {
  TaskOptions options;
  EXPECT_EQ(options.countdown_notation(), Notation::visible);
  options.notation = "hidden";
  EXPECT_EQ(options.countdown_notation(), Notation::hidden);
}

TEST(LoadTasks, SearchesHaveThePromptsOfSearches) {
  TaskOptions options;
  options.world = "cd2-smoke";
  options.train_problems = 30;
  options.test_problems = 10;
  const auto plain = load_tasks(options, Rng(1));
  options.verifier = "search";
  const auto set = load_tasks(options, Rng(1));
  ASSERT_EQ(set.train.size(), plain.train.size());
  for (std::size_t i = 0; i < set.train.size(); ++i) {
    EXPECT_EQ(set.train[i].id, plain.train[i].id);
    EXPECT_EQ(set.train[i].prompt, search::compact_prompt(set.train[i].numbers, set.train[i].target));
  }
  for (const auto* side : {&set.held_out, &set.validation})
    EXPECT_EQ(side->front().prompt, search::compact_prompt(side->front().numbers, side->front().target));
  EXPECT_NE(set.verifier(set.train[0], "").reason, "states no result");
}

TEST(Draw, TakesOfAllProblemsByTheStream) {
  std::vector<Problem> problems(3);
  for (std::size_t i = 0; i < 3; ++i) problems[i].id = std::to_string(i);
  std::string ids;
  for (const auto& problem : draw(problems, 40, Rng(1))) ids += problem.id;
  EXPECT_EQ(ids.size(), 40u);
  for (const char* id : {"0", "1", "2"}) EXPECT_NE(ids.find(id), std::string::npos) << id;
  std::string again;
  for (const auto& problem : draw(problems, 40, Rng(1))) again += problem.id;
  EXPECT_EQ(again, ids);
}

}  // namespace
}  // namespace hone::tasks
