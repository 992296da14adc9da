// run, demo, bench and inspect in the front program: everything that can be wrong is found here, in milliseconds and
// before anything is written; then the engine takes over.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/launch.h"
#include "cli/run_plan.h"
#include "hone/base/files.h"

namespace hone::cli {
namespace {

// Reading a data file of this size takes long enough to be worth a word.
constexpr uint64_t kLargeFile = 32 << 20;

void announce_reading(const Call& call, const Recipe& recipe) {
  const std::string data = text_value(recipe, "data");
  std::error_code code;
  if (data.empty() || call.has("--quiet") || std::filesystem::file_size(data, code) < kLargeFile || code) return;
  say("hone: reading {} …\n", data);
}

void print_plan(const Call& call, const RunPlan& plan, const Inputs& inputs) {
  const Estimate needs = estimate(plan.recipe, inputs, plan.threads);
  const std::string dir =
      plan.dir.empty() ? (call.runs / "<date>-").string() + plan.recipe.card.name + "-<hex>" : plan.dir.string();
  if (call.has("--json")) {
    const Json out = {{"recipe", plan.recipe.card.name},
                      {"preset", plan.recipe.preset},
                      {"seeds", plan.seeds},
                      {"threads", plan.threads},
                      {"folder", dir},
                      {"rows", inputs.rows},
                      {"parameters", needs.parameters},
                      {"memory_bytes", needs.memory_bytes},
                      {"options", plan.recipe.set->to_json()}};
    put("{}\n", base::dump(out, 2));
    return;
  }
  put("would {}\nfolder      {}\n", plan_line(plan), dir);
  if (inputs.rows > 0) put("rows        {}\n", count_text(inputs.rows));
  if (needs.parameters > 0) {
    put("parameters  about {}\nmemory      about {}\n", count_text(needs.parameters), size_text(needs.memory_bytes));
  }
  for (const base::OptionEntry& entry : changed_options(plan.recipe)) {
    put("option      {} = {}  (default {})\n", entry.path, entry.value, entry.standard);
  }
}

int start_run(const Call& call) {
  const RunPlan plan = plan_run(call);
  announce_reading(call, plan.recipe);
  Inputs inputs;
  Json checked;  // seeds whose inputs are the same are read once
  for (const uint64_t seed : plan.seeds) {
    const Recipe recipe = recipe_for_seed(plan.recipe, seed);
    Json values = recipe.set->to_json();
    if (values == checked) continue;
    inputs = check_inputs(recipe);
    checked = std::move(values);
  }
  if (plan.start == Start::fresh) check_output(plan.dir.empty() ? call.runs / "new" : plan.dir);
  if (call.has("--dry-run")) {
    print_plan(call, plan, inputs);
    return 0;
  }
  become_engine(call, fmt::format("hone {} · loading the engine …", plan_line(plan)));
}

int start_demo(const Call& call) { return start_run(run_of_demo(call)); }

int start_bench(const Call& call) {
  const std::vector<std::string> names = benches_of(call);
  for (const std::string& name : names) bench_plan(call, name);  // finds what is wrong with the words
  become_engine(call, fmt::format("hone bench {} · {} threads · loading the engine …", fmt::join(names, ", "),
                                  thread_count(call)));
}

int start_inspect(const Call& call) {
  const InspectPlan plan = inspect_plan(call);
  become_engine(call, fmt::format("hone inspect logits · {} · loading the engine …", plan.model.string()));
}

}  // namespace

Command run_verb() { return engine_verb("run", &start_run); }
Command demo_verb() { return engine_verb("demo", &start_demo); }
Command bench_verb() { return engine_verb("bench", &start_bench); }
Command inspect_verb() { return engine_verb("inspect", &start_inspect); }

}  // namespace hone::cli
