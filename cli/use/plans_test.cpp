#include "cli/use/plans.h"

#include "cli/recipe_args.h"
#include "cli/test_folder.h"
#include "hone/base/error.h"
#include "hone/checkpoint/safetensors.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

int nothing(const Call&) { return 0; }

// A folder with the model "m", one line of problems, and runs.
class Plans : public testing::Test {
 protected:
  void SetUp() override {
    folder.file("m/config.json",
                R"({"model_type": "gpt2", "vocab_size": 10, "n_positions": 4, "n_embd": 4, "n_layer": 1,
                                     "n_head": 2})");
    checkpoint::write_safetensors(folder.path() / "m/model.safetensors", {});
    task = folder.file("task.jsonl", "{\"prompt\": \"1\", \"answer\": 2}\n{\"prompt\": \"2\", \"answer\": 3}\n");
  }

  Call called(const std::string& verb, std::vector<std::string> words) const {
    words.insert(words.begin(), {verb, model()});
    words.insert(words.end(), {"--runs", (folder.path() / "runs").string()});
    return parse(use_verb(verb, &nothing), "hone", words);
  }
  std::string model() const { return (folder.path() / "m").string(); }

  template <class Plan>
  std::string refusal(Plan (*plan)(const Call&), const std::string& verb, const std::vector<std::string>& words) const {
    try {
      plan(called(verb, words));
    } catch (const Error& error) {
      return fmt::format("{}: {} | {}", name_of(error.kind()), error.what(), error.remedy());
    }
    return "";
  }

  TestFolder folder;
  std::string task;
};

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(Plans, Gen) {
  const GenPlan plan =
      gen_plan(called("gen", {"a prompt", "--temperature", "0.5", "--top-k", "3", "--seed", "9", "--stop", "x",
                              "--stop", "y", "--weights", "bf16", "--max-tokens", "7"}));
  EXPECT_EQ(plan.write.model, model());
  EXPECT_EQ(plan.operand, "a prompt");
  EXPECT_EQ(plan.input, GenPlan::Input::text);
  EXPECT_EQ(plan.form, Form::automatic);
  EXPECT_EQ(plan.stops, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(plan.write.sampling, (generate::Sampling{.temperature = 0.5, .top_k = 3}));
  EXPECT_EQ(plan.write.weights, kernels::WeightFormat::bf16);
  EXPECT_EQ(plan.write.max_tokens, 7);
  EXPECT_EQ(settings_text(plan.write), "temperature 0.5 · top-k 3 · seed 9 · bf16");
  EXPECT_EQ(gen_plan(called("gen", {"-", "--raw"})).operand, std::nullopt);
  EXPECT_EQ(gen_plan(called("gen", {"-", "--raw"})).form, Form::raw);
  const WritePlan greedy = gen_plan(called("gen", {"a", "--temperature", "0"})).write;
  EXPECT_EQ(greedy.sampling.choice, generate::Choice::greedy);
  EXPECT_EQ(settings_text(greedy), "greedy · fp32");
  EXPECT_EQ(gen_plan(called("gen", {task, "--jsonl"})).input, GenPlan::Input::rows);
}

TEST_F(Plans, GenRefuses) {
  const auto said = [&](const std::vector<std::string>& words) { return refusal(&gen_plan, "gen", words); };
  EXPECT_TRUE(says(said({"a", "--chat", "--raw"}), "exclude each other"));
  EXPECT_TRUE(says(said({"a", "--samples", "0"}), "--samples"));
  EXPECT_TRUE(says(said({"a", "--top-p", "0"}), "--top-p"));
  EXPECT_TRUE(says(said({"a", "--top-p", "1.1"}), "--top-p"));
  EXPECT_TRUE(says(said({"a", "--stop", ""}), "--stop"));
  EXPECT_TRUE(says(said({"none.jsonl", "--jsonl"}), "there is no file none.jsonl"));
  EXPECT_TRUE(says(said({"a", "--seed", "-1"}), "--seed"));
}

TEST_F(Plans, Chat) {
  const ChatPlan plan = chat_plan(called("chat", {"--system", "Be brief."}));
  EXPECT_EQ(plan.system, "Be brief.");
  EXPECT_EQ(plan.write.sampling.temperature, 0.8);
  EXPECT_TRUE(says(refusal(&chat_plan, "chat", {"--weights", "int9"}), "did you mean \"int8\""));
}

TEST_F(Plans, EvalOfAFile) {
  const EvalPlan plan =
      eval_plan(called("eval", {"--task", task, "--verifier", "number", "--samples", "4", "--compare", model()}));
  EXPECT_EQ(plan.task_name, task);
  EXPECT_EQ(plan.samples, 4);
  EXPECT_EQ(plan.other, model());
  EXPECT_EQ(plan.sampling.temperature, 1.0);
  EXPECT_EQ(plan.prompts, data::Prompts::as_messages);
  const EvalTask problems = eval_task(plan);
  ASSERT_EQ(problems.problems.size(), 2u);
  EXPECT_EQ(problems.verifier(problems.problems[1], "it is 3").reward, 1);
  EXPECT_EQ(
      eval_task(eval_plan(called("eval", {"--task", task, "--verifier", "exact", "--limit", "1"}))).problems.size(),
      1u);
}

TEST_F(Plans, EvalRefuses) {
  const auto said = [&](const std::vector<std::string>& words) { return refusal(&eval_plan, "eval", words); };
  EXPECT_TRUE(says(said({}), "outside a run: which problems? | name some: --task FILE --verifier NAME"));
  EXPECT_TRUE(says(said({"--task", task}), "--verifier is missing"));
  EXPECT_TRUE(says(said({"--verifier", "exact"}), "belongs to --task"));
  EXPECT_TRUE(says(said({"--task", task, "--verifier", "exakt"}), "did you mean \"exact\""));
  EXPECT_TRUE(says(said({"--task", task, "--verifier", "exact", "--strict"}), "belongs to --compare"));
  EXPECT_TRUE(says(said({"--task", task, "--verifier", "exact", "--temperature", "0"}), "--temperature"));
  EXPECT_TRUE(says(said({"--task", task, "--verifier", "exact", "--out", folder.path().string()}), "is a folder"));
  EXPECT_TRUE(says(said({"--task", task, "--verifier", "exact", "--compare", "none"}), "none"));
  EXPECT_TRUE(says(said({"--task", "exakt", "--data", task}), "did you mean \"exact\""));
  EXPECT_TRUE(says(said({"--data", task}), "--data belongs to --task"));
  EXPECT_TRUE(says(said({"--task", "exact", "--data", task, "--verifier", "exact"}), "--data goes with"));
}

TEST_F(Plans, ATaskCanBeNamedByItsJudge) {
  const EvalPlan plan = eval_plan(called("eval", {"--task", "number", "--data", task}));
  EXPECT_EQ(plan.task_file, task);
  EXPECT_EQ(plan.task.verifier, "number");
  EXPECT_EQ(eval_task(plan).problems.size(), 2u);
}

// A run folder with the options of a recipe's smoke preset, and a model in it.
void make_run(const TestFolder& folder, const std::string& recipe, const std::vector<std::string>& settings) {
  const std::string run = "runs/2026-01-01-" + recipe + "-aaaa/";
  static constexpr Command kRun = {"run", "", "", 1, 1, "", "", {}, &nothing};
  Call call = parse(kRun, "hone", {"run", recipe});
  call.options["--preset"] = {"smoke"};
  call.options["--set"] = settings;
  const Recipe resolved = resolve_recipe(call);
  folder.file(run + "options.json", base::dump(options_json(resolved)));
  folder.file(run + "run.json", fmt::format(R"({{"recipe": "{}", "preset": "smoke"}})", recipe));
  folder.file(run + "models/" + recipe + "/config.json", "{}");
}

TEST_F(Plans, EvalOfARunTakesItsProblems) {
  make_run(folder, "grpo", {"data=" + task, "test_data=" + task, "verifier=number", "max_tokens=5", "prompts=text"});
  const std::vector<std::string> words = {"eval", "latest", "--runs", (folder.path() / "runs").string()};
  EXPECT_THROW(eval_task(eval_plan(parse(use_verb("eval", &nothing), "hone", words))),
               Error);  // nothing left to train on
  const EvalPlan plan = eval_plan(parse(use_verb("eval", &nothing), "hone", words));
  EXPECT_EQ(plan.model.filename(), "grpo");
  EXPECT_EQ(plan.task.data, task);
  EXPECT_EQ(plan.task.verifier, "number");
  EXPECT_EQ(plan.max_tokens, 5);
  EXPECT_EQ(plan.prompts, data::Prompts::as_text);
  EXPECT_TRUE(says(plan.task_name, "held-out problems of"));
  EXPECT_EQ(plan.task_file, "");
}

TEST_F(Plans, EvalOfARunOnATaskFromOutsideAsksForAsManyTokensAsTheRun) {
  make_run(folder, "grpo", {"max_tokens=700"});
  std::vector<std::string> words = {"eval",   "latest", "--runs", (folder.path() / "runs").string(),
                                    "--task", "number", "--data", task};
  EXPECT_EQ(eval_plan(parse(use_verb("eval", &nothing), "hone", words)).max_tokens, 700);
  words[1] = (folder.path() / "runs/2026-01-01-grpo-aaaa/models/grpo").string();
  EXPECT_EQ(eval_plan(parse(use_verb("eval", &nothing), "hone", words)).max_tokens, 700);
  words.insert(words.end(), {"--max-tokens", "9"});
  EXPECT_EQ(eval_plan(parse(use_verb("eval", &nothing), "hone", words)).max_tokens, 9);
  folder.file("runs/2026-01-01-grpo-aaaa/options.json", R"([{"path": "max_tokens", "value": "-3"}])");
  words.resize(8);
  EXPECT_THROW(eval_plan(parse(use_verb("eval", &nothing), "hone", words)), Error);
}

TEST_F(Plans, EvalOfARunOnAWorld) {
  make_run(folder, "grpo", {"test_problems=30"});
  const std::vector<std::string> words = {"eval", "latest", "--limit",
                                          "20",   "--runs", (folder.path() / "runs").string()};
  const EvalTask problems = eval_task(eval_plan(parse(use_verb("eval", &nothing), "hone", words)));
  EXPECT_EQ(problems.problems.size(), 20u);
}

TEST_F(Plans, ARunWithoutProblemsNeedsATask) {
  make_run(folder, "sft", {});
  const std::vector<std::string> words = {"eval", "latest", "--runs", (folder.path() / "runs").string()};
  try {
    eval_plan(parse(use_verb("eval", &nothing), "hone", words));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_TRUE(says(error.what(), "sft, which has no problems")) << error.what();
  }
}

}  // namespace
}  // namespace hone::cli
