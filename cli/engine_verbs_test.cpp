#include "cli/engine_verbs.h"

#include "cli/test_folder.h"
#include "hone/base/error.h"
#include "hone/checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include <algorithm>

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

TEST(EngineVerbs, BenchesByName) {
  EXPECT_EQ(benches_of(called("bench", {})), bench::bench_names());
  EXPECT_EQ(benches_of(called("bench", {"train"})), (std::vector<std::string>{"train"}));
  EXPECT_THROW(benches_of(called("bench", {"trian"})), Error);
}

std::vector<std::string> shapes_of(std::vector<std::string> words, const std::string& what) {
  std::vector<std::string> names;
  for (const bench::Shape& shape : bench_plan(called("bench", std::move(words)), what).shapes) {
    names.emplace_back(shape.name);
  }
  return names;
}

TEST(EngineVerbs, BenchShapes) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(shapes_of({}, "train"), (Names{"d128", "d256"}));
  EXPECT_EQ(shapes_of({}, "generate"), (Names{"d128"}));
  EXPECT_EQ(shapes_of({"--all"}, "generate"), (Names{"d128", "d256"}));
  EXPECT_EQ(shapes_of({"--all"}, "grpo"), (Names{"d128"}));
  EXPECT_EQ(shapes_of({"--shape", "d768", "--shape", "d128-long"}, "train"), (Names{"d768", "d128-long"}));
  const Names all = shapes_of({"--all"}, "train");
  EXPECT_NE(std::find(all.begin(), all.end(), "gpt2-124m"), all.end());
}

TEST(EngineVerbs, BenchPlan) {
  const auto plan = bench_plan(
      called("bench", {"--batch", "4", "--batch", "8", "--repeat", "2", "--seconds", "0.5", "--family", "llama"}),
      "train");
  EXPECT_EQ(plan.batches, (std::vector<int64_t>{4, 8}));
  EXPECT_EQ(plan.pace.repeats, 2);
  EXPECT_EQ(plan.pace.seconds, 0.5);
  EXPECT_EQ(plan.family, "llama");
}

TEST(EngineVerbs, BenchRefuses) {
  const auto message = [](std::vector<std::string> words) -> std::string {
    try {
      bench_plan(called("bench", std::move(words)), "train");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message({"--shape", "d182"}).find("did you mean \"d128\""), std::string::npos);
  EXPECT_NE(message({"--family", "lama"}).find("did you mean \"llama\""), std::string::npos);
  EXPECT_NE(message({"--weights", "int9"}).find("did you mean \"int8\""), std::string::npos);
  EXPECT_NE(message({"--batch", "0"}).find("1 to 65536"), std::string::npos);
  EXPECT_NE(message({"--repeat", "0"}).find("1 to 1000"), std::string::npos);
  EXPECT_NE(message({"--seconds", "-1"}).find("0 to 3600"), std::string::npos);
  EXPECT_NE(message({"--seconds", "nan"}).find("0 to 3600"), std::string::npos);
  EXPECT_NE(message({"--csv", "--json"}).find("exclude"), std::string::npos);
}

TEST(EngineVerbs, InspectPlan) {
  const TestFolder folder;
  folder.file("config.json", R"({"model_type": "gpt2", "vocab_size": 10, "n_positions": 4, "n_embd": 4, "n_layer": 1,
                                 "n_head": 2})");
  checkpoint::write_safetensors(folder.path() / "model.safetensors", {});
  const std::string model = folder.path().string();
  const InspectPlan plan = inspect_plan(called("inspect", {"logits", model, "--ids", "5,9,2"}));
  EXPECT_EQ(plan.model, model);
  EXPECT_EQ(plan.ids, (std::vector<int64_t>{5, 9, 2}));
  EXPECT_EQ(inspect_plan(called("inspect", {"logits", model, "--ids", "0"})).ids.size(), 1u);
  for (const char* ids : {"", "5,", ",5", "5,10", "-1", "5 9", "5,9x", "1,2,3,4,5", "99999999999999999999"})
    EXPECT_THROW(inspect_plan(called("inspect", {"logits", model, "--ids", ids})), Error) << ids;
  EXPECT_THROW(inspect_plan(called("inspect", {"logits", model})), Error);
  EXPECT_THROW(inspect_plan(called("inspect", {"weights", model, "--ids", "1"})), Error);
  EXPECT_THROW(inspect_plan(called("inspect", {"logits", model + "/none", "--ids", "1"})), Error);
}

}  // namespace
}  // namespace hone::cli
