#include "cli/use/plans.h"

#include "cli/inputs.h"
#include "cli/recipe_args.h"
#include "hone/base/error.h"
#include "hone/base/json.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/models/hf_config.h"

#include <unistd.h>

#include <algorithm>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostTokens = 1 << 20, kMostSamples = 1 << 16;
constexpr const char* kWeights[] = {"fp32", "bf16", "int8"};

kernels::WeightFormat weights_of(const std::string& name) {
  if (name == "bf16") return kernels::WeightFormat::bf16;
  return name == "int8" ? kernels::WeightFormat::int8 : kernels::WeightFormat::fp32;
}

// Temperature 0 stands for the most likely token.
generate::Sampling sampling_of(const Call& call, double temperature) {
  generate::Sampling sampling;
  sampling.temperature = call.number("--temperature", temperature, 0, 100);
  sampling.top_k = call.integer("--top-k", 0, 0, INT32_MAX);
  sampling.top_p = call.number("--top-p", 1, 1e-6, 1);
  if (sampling.temperature > 0) return sampling;
  return {.choice = generate::Choice::greedy};
}

WritePlan write_plan(const Call& call) {
  WritePlan plan;
  plan.members = find_policy(call.runs, call.operands[0]);
  plan.model = plan.members[0].model;
  for (const Member& member : plan.members) {
    const auto where = (member.model / "config.json").string();
    if (models::config_from_json(checkpoint::ModelDir(member.model).config(), where).scalar)
      throw Error(ErrorKind::usage,
                  fmt::format("{}: gives one number a position (a critic or a reward model) and no tokens",
                              member.model.string()),
                  "give a language model");
  }
  plan.sampling = sampling_of(call, 0.8);
  plan.seed = static_cast<uint64_t>(call.integer("--seed", 1, 0, INT64_MAX));
  plan.max_tokens = call.integer("--max-tokens", 256, 1, kMostTokens);
  plan.weights_name = call.choice("--weights", kWeights);
  plan.weights = weights_of(plan.weights_name);
  plan.threads = thread_count(call);
  return plan;
}

Form form_of(const Call& call) {
  require(!call.has("--chat") || !call.has("--raw"), ErrorKind::usage, "--chat and --raw exclude each other");
  if (call.has("--chat")) return Form::chat;
  return call.has("--raw") ? Form::raw : Form::automatic;
}

// The task options of a run's recipe, filled from what the run was given.
struct RunTask : base::Options {
  tasks::TaskOptions task;
  int64_t max_tokens = 256;
  void visit(base::OptionVisitor& v) override {
    task.visit(v);
    v.field("max_tokens", max_tokens, {.help = "most tokens of a completion", .min = 1});
  }
};

void take_task_of_run(EvalPlan& plan, const fs::path& run) {
  const Recipe recipe = recipe_of_run(run);
  RunTask given, defaults;
  base::OptionSet set(given, defaults, "");
  const auto known = set.entries();
  bool judged = false;
  for (const base::OptionEntry& entry : recipe.set->entries()) {
    const auto same = [&](const base::OptionEntry& e) { return e.path == entry.path; };
    if (std::none_of(known.begin(), known.end(), same)) continue;
    set.set(entry.path, entry.value, base::Origin::set, run.string());
    judged = judged || entry.path == "verifier";
  }
  if (!judged)
    throw Error(ErrorKind::usage,
                fmt::format("{} is a run of {}, which has no problems", run.string(), recipe.card.name),
                "name some: --task FILE --verifier NAME");
  plan.task = given.task;
  plan.max_tokens = given.max_tokens;
  plan.prompts = data::prompts_of(given.task.prompts);
  plan.task_name = fmt::format("held-out problems of {}", run.string());
}

// The longest completion that the run a model comes from asked for, so that a task from outside is put to the model as
// the run's own is. Read from the record, not through the recipe: another version of hone may have made it.
std::optional<int64_t> max_tokens_of_run(const fs::path& run) {
  const std::string file = (run / "options.json").string();
  std::error_code code;
  if (run.empty() || !fs::is_regular_file(file, code)) return {};
  for (const Json& entry : option_entries(run)) {
    if (base::get_string_or(entry, "path", "", file) != "max_tokens") continue;
    RunTask given, defaults;
    base::OptionSet set(given, defaults, "");
    set.set("max_tokens", base::get_string(entry, "value", file), base::Origin::set, file);
    return given.max_tokens;
  }
  return {};
}

// "--task FILE --verifier NAME", or the same as "--task NAME --data FILE".
void take_task_file(EvalPlan& plan, const Call& call, const std::string& task) {
  const auto data = call.value("--data");
  require(!data || !call.has("--verifier"), ErrorKind::usage,
          "--data goes with a --task that names the judge; with --verifier, --task is the file");
  plan.task_file = plan.task_name = data.value_or(task);
  const auto verifier = data ? std::optional<std::string>(task) : call.value("--verifier");
  if (!verifier)
    throw Error(ErrorKind::usage, "--verifier is missing: who judges the answers",
                fmt::format("--verifier {}", fmt::join(tasks::verifier_names(), ", ")));
  tasks::make_verifier(*verifier);  // refuses a name that there is not
  plan.task.verifier = *verifier;
}

void check_out(const fs::path& out) {
  std::error_code code;
  const fs::path parent = out.has_parent_path() ? out.parent_path() : fs::path(".");
  require(!fs::is_directory(out, code), ErrorKind::usage, "--out: {} is a folder; a file is written", out.string());
  require(fs::is_directory(parent, code), ErrorKind::usage, "--out: there is no folder {}", parent.string());
}

}  // namespace

GenPlan gen_plan(const Call& call) {
  GenPlan plan;
  plan.form = form_of(call);
  plan.input = call.has("--jsonl") ? GenPlan::Input::rows : GenPlan::Input::text;
  plan.samples = call.integer("--samples", 1, 1, kMostSamples);
  plan.stops = call.values("--stop");
  for (const std::string& stop : plan.stops) require(!stop.empty(), ErrorKind::usage, "--stop: the text is empty");
  if (call.operands.size() > 1 && call.operands[1] != "-") plan.operand = call.operands[1];
  if (!plan.operand && call.operands.size() < 2 && ::isatty(STDIN_FILENO) == 1)
    throw Error(ErrorKind::usage, "hone gen needs a prompt", "hone gen MODEL \"…\", or pipe one in");
  std::error_code code;
  require(plan.input == GenPlan::Input::text || !plan.operand || fs::is_regular_file(*plan.operand, code),
          ErrorKind::usage, "--jsonl: there is no file {}", plan.operand.value_or(""));
  plan.write = write_plan(call);
  return plan;
}

ChatPlan chat_plan(const Call& call) { return {write_plan(call), call.value("--system").value_or("")}; }

EvalPlan eval_plan(const Call& call) {
  EvalPlan plan;
  plan.model = find_model(call.runs, call.operands[0]);
  if (const auto other = call.value("--compare")) plan.other = find_model(call.runs, *other);
  require(!call.has("--strict") || plan.other, ErrorKind::usage, "--strict belongs to --compare");
  const fs::path run = run_behind(call.runs, call.operands[0]);
  if (const auto file = call.value("--task")) {
    take_task_file(plan, call, *file);
    plan.max_tokens = max_tokens_of_run(run).value_or(plan.max_tokens);
  } else {
    for (const char* option : {"--verifier", "--data"})
      require(!call.has(option), ErrorKind::usage, "{} belongs to --task; a run has its own", option);
    if (run.empty())
      throw Error(ErrorKind::usage,
                  fmt::format("{} is a model folder outside a run: which problems?", call.operands[0]),
                  "name some: --task FILE --verifier NAME");
    take_task_of_run(plan, run);
  }
  if (call.has("--raw")) plan.prompts = data::Prompts::as_text;
  plan.samples = call.integer("--samples", 0, 0, kMostSamples);
  plan.max_tokens = call.integer("--max-tokens", plan.max_tokens, 1, kMostTokens);
  plan.limit = call.integer("--limit", 0, 1, INT64_MAX);
  plan.sampling = sampling_of(call, 1.0);
  require(plan.sampling.choice == generate::Choice::sample, ErrorKind::usage,
          "--temperature: samples at 0 are all the greedy answer; leave --samples out");
  plan.seed = static_cast<uint64_t>(call.integer("--seed", 1, 0, INT64_MAX));
  plan.weights_name = call.choice("--weights", kWeights);
  plan.weights = weights_of(plan.weights_name);
  plan.device = device_of(call);
  require(plan.device == "cpu" || plan.weights == kernels::WeightFormat::fp32, ErrorKind::usage,
          "--weights {} is for the CPU; a device computes in bfloat16", plan.weights_name);
  plan.threads = thread_count(call);
  if (const auto out = call.value("--out")) {
    plan.out = *out;
    check_out(*plan.out);
  }
  return plan;
}

EvalTask eval_task(const EvalPlan& plan) {
  EvalTask task;
  if (plan.task_file.empty()) {
    tasks::TaskSet set = tasks::load_tasks(plan.task, Rng(1));
    task = {std::move(set.held_out), std::move(set.verifier)};
  } else {
    task = {tasks::read_problems(plan.task_file, plan.task.verifier), tasks::make_verifier(plan.task.verifier)};
  }
  if (plan.limit > 0 && static_cast<int64_t>(task.problems.size()) > plan.limit)
    task.problems.resize(static_cast<std::size_t>(plan.limit));
  return task;
}

WritePlan with_member(WritePlan plan, std::size_t member) {
  plan.model = plan.members[member].model;
  return plan;
}

std::size_t drawn_member(const WritePlan& plan, uint64_t key) {
  return draw_member(plan.members, Rng(plan.seed).fork("member", {key}));
}

std::string settings_text(const WritePlan& plan) {
  const generate::Sampling& s = plan.sampling;
  if (s.choice == generate::Choice::greedy) return fmt::format("greedy · {}", plan.weights_name);
  std::string text = fmt::format("temperature {:g}", s.temperature);
  if (s.top_k > 0) text += fmt::format(" · top-k {}", s.top_k);
  if (s.top_p < 1) text += fmt::format(" · top-p {:g}", s.top_p);
  return text + fmt::format(" · seed {} · {}", plan.seed, plan.weights_name);
}

}  // namespace hone::cli
