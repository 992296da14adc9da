#include "cli/run_plan.h"

#include "cli/engine_verbs.h"
#include "cli/run_setup.h"
#include "cli/test_folder.h"
#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hone::cli {
namespace {

int nothing(const Call&) { return 0; }

Call called(const TestFolder& folder, std::vector<std::string> words) {
  words.insert(words.begin(), "run");
  words.insert(words.end(), {"--runs", (folder.path() / "runs").string()});
  return parse(engine_verb("run", &nothing), "hone", words);
}

TEST(RunPlan, SeedsAreOneOrMany) {
  const TestFolder folder;
  const RunPlan one = plan_run(called(folder, {"score", "--seed", "5"}));
  EXPECT_EQ(one.how_many, Seeds::one);
  EXPECT_EQ(one.seeds, (std::vector<uint64_t>{5}));
  const RunPlan many = plan_run(called(folder, {"score", "--seeds", "3", "--out", "x"}));
  EXPECT_EQ(many.seeds, (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(seed_dir(many, 2), std::filesystem::path("x/seed-2"));
  EXPECT_THROW(plan_run(called(folder, {"score", "--seeds", "0"})), Error);
  const RunPlan later = plan_run(called(folder, {"score", "--seeds", "2", "--seed", "4"}));
  EXPECT_EQ(later.seeds, (std::vector<uint64_t>{4, 5}));
  EXPECT_NE(plan_line(later).find("seeds 4..5"), std::string::npos);
  EXPECT_THROW(plan_run(called(folder, {})), Error);
}

TEST(RunPlan, ThreadsComeFromOptionThenEnvironment) {
  const TestFolder folder;
  ::setenv("HONE_THREADS", "3", 1);
  EXPECT_EQ(plan_run(called(folder, {"score"})).threads, 3);
  EXPECT_EQ(plan_run(called(folder, {"score", "--threads", "2"})).threads, 2);
  ::setenv("HONE_THREADS", "many", 1);
  EXPECT_THROW(plan_run(called(folder, {"score"})), Error);
  ::unsetenv("HONE_THREADS");
}

TEST(RunPlan, ADeviceIsKeptForLife) {
  const TestFolder folder;
  EXPECT_EQ(plan_run(called(folder, {"score"})).device, "cpu");
  EXPECT_THROW(plan_run(called(folder, {"score", "--device", "gpu"})), Error);
  const Call first = called(folder, {"score", "--preset", "smoke", "--device", "cuda"});
  RunPlan plan = plan_run(first);
  EXPECT_NE(plan_line(plan).find("cuda"), std::string::npos);
  make_run_folder(plan, first);
  EXPECT_EQ(plan_run(called(folder, {"--resume", plan.dir.string()})).device, "cuda");
  EXPECT_THROW(plan_run(called(folder, {"--resume", plan.dir.string(), "--device", "cpu"})), Error);
}

TEST(RunPlan, ResumeTakesTheOldRunAsItWas) {
  const TestFolder folder;
  const Call first = called(folder, {"score", "--preset", "smoke", "--seeds", "2", "--set", "alpha=4"});
  RunPlan plan = plan_run(first);
  make_run_folder(plan, first);

  for (const auto& words :
       {std::vector<std::string>{"--resume"}, {"--resume", plan.dir.string()}, {"score", "--resume"}}) {
    const RunPlan again = plan_run(called(folder, words));
    EXPECT_EQ(again.start, Start::resume);
    EXPECT_EQ(again.seeds, plan.seeds);
    EXPECT_EQ(again.recipe.set->to_json(), plan.recipe.set->to_json());
    EXPECT_TRUE(std::filesystem::equivalent(again.dir, plan.dir));
    EXPECT_FALSE(is_finished(again));
  }
  for (const char* option : {"--preset=smoke", "--set=alpha=1", "--seed=2", "--out=x"}) {
    EXPECT_THROW(plan_run(called(folder, {"--resume", option})), Error) << option;
  }
  EXPECT_THROW(plan_run(called(folder, {"grpo", "--resume"})), Error);
}

TEST(RunPlan, ARunIsFinishedWhenEverySeedHasItsSummary) {
  const TestFolder folder;
  RunPlan plan = plan_run(called(folder, {"score", "--seeds", "2"}));
  plan.dir = folder.path();
  folder.file("seed-1/summary.json", "{}");
  EXPECT_FALSE(is_finished(plan));
  folder.file("seed-2/summary.json", "{}");
  EXPECT_TRUE(is_finished(plan));
}

TEST(RunPlan, TheLineSaysWhatWillHappen) {
  const TestFolder folder;
  EXPECT_EQ(plan_line(plan_run(called(folder, {"score", "--preset", "smoke", "--threads", "1"}))),
            "run score · preset smoke · seed 1 · 1 thread");
}

}  // namespace
}  // namespace hone::cli
