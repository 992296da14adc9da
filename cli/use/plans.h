// What `hone gen`, `hone chat` and `hone eval` are asked for, understood from their words: the front program looks for
// mistakes, the engine does it. Nothing here needs libtorch.
#pragma once

#include "cli/command.h"
#include "cli/use/model_choice.h"
#include "hone/data/rows.h"
#include "hone/generate/sampling.h"
#include "hone/kernels/linear.h"
#include "hone/tasks/source.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hone::cli {

/// "gen", "chat" or "eval" with what this program does for it.
Command use_verb(std::string_view name, int (*run)(const Call& call));

/// How a prompt is put to the model.
enum class Form {
  automatic,  ///< by the folder's chat template where there is one, else as text
  chat,
  raw
};

/// What gen and chat share.
struct WritePlan {
  std::filesystem::path model;  ///< the first of the members
  std::vector<Member> members;  ///< more than one: a mixture
  generate::Sampling sampling;
  uint64_t seed = 1;
  int64_t max_tokens = 256;
  kernels::WeightFormat weights = kernels::WeightFormat::fp32;
  std::string weights_name = "fp32";
  int threads = 1;
};

struct GenPlan {
  WritePlan write;
  Form form = Form::automatic;
  enum class Input { text, rows } input = Input::text;
  std::optional<std::string> operand;  ///< the prompt, or the file of rows; nothing: standard input
  int64_t samples = 1;
  std::vector<std::string> stops;
};
/// Looks at the model's config as well, and at standard input when nothing else is given.
/// Errors: usage; format, io of the model folder.
GenPlan gen_plan(const Call& call);

struct ChatPlan {
  WritePlan write;
  std::string system;  ///< "" for none
};
ChatPlan chat_plan(const Call& call);

struct EvalPlan {
  std::filesystem::path model;
  std::optional<std::filesystem::path> other;
  std::string task_file;    ///< "" when the problems are those of a run
  tasks::TaskOptions task;  ///< of the run, or the verifier of the file
  std::string task_name;    ///< "problems.jsonl", "the held-out problems of runs/…"
  std::optional<std::filesystem::path> out;
  int64_t samples = 0, max_tokens = 256, limit = 0;  ///< limit 0: all problems
  generate::Sampling sampling;
  data::Prompts prompts = data::Prompts::as_messages;
  kernels::WeightFormat weights = kernels::WeightFormat::fp32;
  std::string weights_name = "fp32";
  uint64_t seed = 1;
  std::string device = "cpu";  ///< or "cuda"
  int threads = 1;
};
/// Errors: usage — no task, no verifier, an unknown one; those of find_model; data of the run's options.
EvalPlan eval_plan(const Call& call);

/// The problems of an evaluation and their judge. Errors: data with file:line, usage.
struct EvalTask {
  std::vector<tasks::Problem> problems;
  tasks::Verifier verifier;
};
EvalTask eval_task(const EvalPlan& plan);

/// The plan for one member of the mixture alone.
WritePlan with_member(WritePlan plan, std::size_t member);
/// The member that answers request `key`: drawn by the shares, from the plan's seed.
std::size_t drawn_member(const WritePlan& plan, uint64_t key);

/// "temperature 0.8 · seed 1 · fp32"
std::string settings_text(const WritePlan& plan);

}  // namespace hone::cli
