// gen, chat and eval in the front program: what is wrong with the words, the model folder's config or the file of
// problems is found here, in milliseconds; then the engine takes over.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/launch.h"
#include "cli/runs.h"
#include "cli/use/plans.h"
#include "hone/tasks/verifiers.h"

namespace hone::cli {
namespace {

int start_gen(const Call& call) {
  const GenPlan plan = gen_plan(call);
  become_engine(call, fmt::format("hone gen · {} · {} · loading the engine …", shown_path(plan.write.model),
                                  settings_text(plan.write)));
}

int start_chat(const Call& call) {
  const ChatPlan plan = chat_plan(call);
  become_engine(call, fmt::format("hone chat · {} · loading the engine …", shown_path(plan.write.model)));
}

int start_eval(const Call& call) {
  const EvalPlan plan = eval_plan(call);
  if (!plan.task_file.empty()) tasks::read_problems(plan.task_file, plan.task.verifier);
  become_engine(call, fmt::format("hone eval · {}{} · {} · loading the engine …", shown_path(plan.model),
                                  plan.other ? " against " + shown_path(*plan.other) : "", plan.task_name));
}

}  // namespace

Command gen_verb() { return use_verb("gen", &start_gen); }
Command chat_verb() { return use_verb("chat", &start_chat); }
Command eval_verb() { return use_verb("eval", &start_eval); }

}  // namespace hone::cli
