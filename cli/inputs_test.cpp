#include "cli/inputs.h"

#include "cli/engine_verbs.h"
#include "cli/test_folder.h"
#include "hone/base/error.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/text/tokenizer.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

int nothing(const Call&) { return 0; }

Recipe resolved(std::vector<std::string> words) {
  words.insert(words.begin(), "run");
  return resolve_recipe(parse(engine_verb("run", &nothing), "hone", words));
}

// The kind of error that a recipe's inputs give.
std::optional<ErrorKind> refusal(const std::vector<std::string>& words, std::string part = {}) {
  try {
    check_inputs(resolved(words));
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    return error.kind();
  }
  return std::nullopt;
}

TEST(Inputs, CountsRows) {
  const TestFolder folder;
  const std::string problems =
      folder.file("p.jsonl", "{\"prompt\":\"1+1\",\"answer\":\"2\"}\n{\"prompt\":\"2+2\",\"answer\":\"4\"}\n");
  EXPECT_EQ(check_inputs(resolved({"score", "--data", problems, "--verifier", "number"})).rows, 2);
  const std::string chat = folder.file("c.jsonl", "{\"text\":\"hello\"}\n");
  EXPECT_EQ(check_inputs(resolved({"sft", "--data", chat})).rows, 1);
  const std::string choice = folder.file("r.jsonl", "{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"c\"}\n");
  EXPECT_EQ(check_inputs(resolved({"reward_model", "--data", choice})).rows, 1);
  EXPECT_EQ(refusal({"reward_model", "--data", chat}, "no \"chosen\""), ErrorKind::data);
  EXPECT_EQ(refusal({"sft", "--data", choice}, "make no row to learn from"), ErrorKind::data);
}

TEST(Inputs, OptionsThatContradictOneAnotherAreFoundBeforeTheRun) {
  EXPECT_EQ(refusal({"ppo", "--preset", "helpful"}, "helpful needs model"), ErrorKind::usage);
  EXPECT_EQ(refusal({"ppo", "--set", "reward_model=absent"}, "absent"), ErrorKind::io);
  EXPECT_EQ(refusal({"star", "--data", "q.jsonl", "--set", "hint=none"}, "does not hold {answer}"), ErrorKind::usage);
  for (const char* recipe : {"dno", "ppo", "score", "star"})
    EXPECT_EQ(refusal({recipe, "--set", "arms=nobody"}, "unknown arm \"nobody\""), ErrorKind::usage) << recipe;
}

TEST(Inputs, BadDataNamesTheLine) {
  const TestFolder folder;
  const std::string bad = folder.file("bad.jsonl", "{\"text\":\"a\"}\n{\"text\":\n");
  EXPECT_EQ(refusal({"sft", "--data", bad}, "bad.jsonl:2"), ErrorKind::data);
  EXPECT_EQ(refusal({"sft", "--data", folder.file("empty.jsonl", "")}, "empty.jsonl"), ErrorKind::data);
  EXPECT_EQ(refusal({"sft", "--data", "absent.jsonl"}, "absent.jsonl"), ErrorKind::io);
}

TEST(Inputs, BadModelFoldersAreFoundBeforeTheRun) {
  const TestFolder folder;
  EXPECT_EQ(refusal({"sft", "--model", (folder.path() / "absent").string()}, "absent"), ErrorKind::io);
  const std::vector<float> weights(8, 0.5f);
  const checkpoint::ModelFiles files{{{"model_type", "gpt2"}},
                                     text::Tokenizer::bytes(text::standard_specials()).to_json(),
                                     Json::object(),
                                     {{"w", checkpoint::Dtype::f32, {2, 4}, weights.data()}}};
  checkpoint::write_model_dir(folder.path() / "model", files);
  EXPECT_EQ(check_inputs(resolved({"sft", "--model", (folder.path() / "model").string()})).model_parameters, 8);
  std::filesystem::resize_file(folder.path() / "model/model.safetensors",
                               std::filesystem::file_size(folder.path() / "model/model.safetensors") - 1);
  EXPECT_EQ(refusal({"sft", "--model", (folder.path() / "model").string()}, "\"w\""), ErrorKind::format);
}

TEST(Inputs, OutputFoldersMustBeEmptyAndLeaveNoTrace) {
  const TestFolder folder;
  check_output(folder.path() / "a/b/c");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "a"));
  check_output(folder.path());
  folder.file("x", "");
  EXPECT_THROW(check_output(folder.path()), Error);
  EXPECT_THROW(check_output(folder.path() / "x"), Error);
  EXPECT_THROW(check_output(folder.path() / "x/below"), Error);
}

TEST(Inputs, EstimatesGrowWithTheModel) {
  const Recipe small = resolved({"score", "--preset", "smoke"});
  const Recipe large = resolved({"score", "--preset", "smoke", "--set", "base.fresh.layers=20"});
  const Estimate a = estimate(small, {}, 2), b = estimate(large, {}, 2);
  EXPECT_GT(a.parameters, 50'000);
  EXPECT_GT(b.parameters, 5 * a.parameters);
  EXPECT_GT(b.memory_bytes, a.memory_bytes);
  EXPECT_EQ(estimate(small, {.rows = 0, .model_parameters = 123}, 1).parameters, 123);
}

}  // namespace
}  // namespace hone::cli
