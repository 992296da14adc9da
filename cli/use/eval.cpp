// hone eval: how often a model is right, and whether another one is worse.
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/use/engine.h"
#include "cli/use/eval_report.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/report/progress.h"
#include "hone/tensor/compat.h"
#include "hone/tensor/device.h"

#include <algorithm>
#include <chrono>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;
using evaluate::Answers;

// What evaluating one model and then maybe another needs.
struct Session {
  const EvalPlan& plan;
  const EvalTask& task;
  base::Pool& pool;
  report::Progress& progress;
  const std::atomic<bool>& interrupted;
};

data::Encoder encoder_of(const models::Model& model, const EvalPlan& plan) {
  data::Encoder encoder = rewards::encoder_of(model);
  encoder.prompts = plan.prompts;
  return encoder;
}

std::vector<Answers> answers_of(const Session& session, const models::Model& model, const std::string& phase,
                                int64_t max_tokens) {
  session.progress.begin(phase);
  const auto start = std::chrono::steady_clock::now();
  const auto heard = [&](const std::vector<Answers>& so_far) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const double rate = static_cast<double>(evaluate::tokens_of(so_far)) / seconds.count();
    session.progress.step(static_cast<int64_t>(so_far.size()),
                          {{"right", fmt::format("{:.0f}%", 100 * evaluate::share_right(so_far))},
                           {"tok/s", fmt::format("{:.1f}k", rate / 1e3)}});
    return !session.interrupted;
  };
  const evaluate::EvalOptions options{.samples = session.plan.samples,
                                      .max_tokens = max_tokens,
                                      .sampling = session.plan.sampling,
                                      .prompts = session.plan.prompts,
                                      .weights = session.plan.weights};
  auto answers = evaluate::answer_problems(model, session.task.problems, session.task.verifier, options, session.pool,
                                           Rng(session.plan.seed), heard);
  session.progress.end();
  if (answers.size() < session.task.problems.size()) throw Interrupted();
  return answers;
}

std::string prompts_text(const models::Model& model, const EvalPlan& plan) {
  if (!model.chat) return "hone's own format";
  return plan.prompts == data::Prompts::as_text ? "texts as they stand" : "the folder's chat template";
}

// Words that tell two models apart in the table.
std::string short_name(const fs::path& model) {
  const fs::path folder = model.has_filename() ? model : model.parent_path();
  return folder.filename().string();
}

EvalResult evaluate_models(const EvalPlan& plan, const EvalTask& task, base::Pool& pool, report::Progress& progress,
                           const std::atomic<bool>& interrupted) {
  EvalResult result;
  const auto start = std::chrono::steady_clock::now();
  const at::Device device = tensor::device_named(plan.device);
  const auto open = [&](const fs::path& folder) {
    models::Model opened = models::open(folder);
    models::to_device(opened.decoder, device);
    return opened;
  };
  const models::Model model = open(plan.model);
  std::optional<models::Model> other;
  result.max_tokens = evaluate::room_for_answers(model, task.problems, encoder_of(model, plan), plan.max_tokens);
  if (plan.other) {
    other = open(*plan.other);
    // The same limit for both: a model that may say more is not the better one for it.
    result.max_tokens = evaluate::room_for_answers(*other, task.problems, encoder_of(*other, plan), result.max_tokens);
  }
  result.prompts = prompts_text(model, plan);
  if (other && prompts_text(*other, plan) != result.prompts)
    result.prompts += fmt::format(" (the other by {})", prompts_text(*other, plan));
  const auto count = static_cast<int64_t>(task.problems.size());
  result.name = short_name(plan.model);
  result.other_name = plan.other ? short_name(*plan.other) : "";
  if (result.name == result.other_name) result.name = plan.model.string(), result.other_name = plan.other->string();
  std::vector<report::PhasePlan> phases = {{result.name, count, 0.1}};
  if (plan.other) phases.push_back({result.other_name, count, 0.1});
  progress.plan(phases);
  const Session session{plan, task, pool, progress, interrupted};
  result.model = answers_of(session, model, result.name, result.max_tokens);
  if (other) result.other = answers_of(session, *other, result.other_name, result.max_tokens);
  progress.finish();
  const auto outcomes = evaluate::outcomes_of(result.model), others = evaluate::outcomes_of(result.other);
  result.rows = evaluate::metric_rows(outcomes, other ? &others : nullptr, Rng(17).fork("interval"));
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace

int run_eval(const Call& call) {
  const EvalPlan plan = eval_plan(call);
  const std::atomic<bool>& interrupted = note_interrupts();
  const EvalTask task = eval_task(plan);
  base::Pool pool(plan.threads, tensor::set_single_threaded);
  report::Progress progress(call.has("--quiet") ? report::ProgressStyle::quiet : report::ProgressStyle::automatic,
                            stderr);
  try {
    const EvalResult result = evaluate_models(plan, task, pool, progress, interrupted);
    if (plan.out) base::write_file_atomic(*plan.out, completions_text(plan, task, result));
    if (call.has("--json")) {
      put("{}\n", base::dump(eval_json(plan, task, result), 2));
    } else {
      put("{}", eval_text(plan, task, result, Console::of(stdout)));
    }
    if (plan.out && !call.has("--quiet")) say("every completion: {}\n", plan.out->string());
    return call.has("--strict") && !(result.rows.front().difference.low > 0) ? 1 : 0;
  } catch (const Interrupted&) {
    progress.finish();
    say("stopped; nothing was measured\n");
    return 130;
  }
}

}  // namespace hone::cli
