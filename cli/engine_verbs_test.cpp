#include "cli/engine_verbs.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

int nothing(const Call&) { return 0; }

Call called(const char* verb, std::vector<std::string> words) {
  words.insert(words.begin(), verb);
  return parse(engine_verb(verb, &nothing), "hone", words);
}

TEST(EngineVerbs, DemoIsARunOfScore) {
  const Call run = run_of_demo(called("demo", {"--seed", "2"}));
  EXPECT_EQ(run.operands, (std::vector<std::string>{"score"}));
  EXPECT_EQ(run.value("--preset"), "demo");
  EXPECT_EQ(run.value("--seed"), "2");
  EXPECT_EQ(run.line(), "hone demo --seed 2");
  EXPECT_THROW(run_of_demo(called("demo", {"grpo"})), Error);
}

TEST(EngineVerbs, DemoResumesLikeRun) {
  const Call run = run_of_demo(called("demo", {"--resume"}));
  EXPECT_TRUE(run.operands.empty());
  EXPECT_FALSE(run.has("--preset"));
}

TEST(EngineVerbs, BenchNames) {
  EXPECT_EQ(bench_names(called("bench", {})).size(), 2u);
  EXPECT_EQ(bench_names(called("bench", {"train"})), (std::vector<std::string>{"train"}));
  EXPECT_THROW(bench_names(called("bench", {"trian"})), Error);
}

}  // namespace
}  // namespace hone::cli
