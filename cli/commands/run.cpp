// hone run, in the engine: a folder, a record, a recipe, a report. What the words mean is settled in run_plan.cpp and
// recipe_args.cpp, what the folder holds in run_setup.cpp; what is learnt, in recipes/<name>/recipe.cpp.
#include "cli/commands/engine.h"
#include "cli/console.h"
#include "cli/engine_verbs.h"
#include "cli/interrupt.h"
#include "cli/outcome.h"
#include "cli/run_setup.h"
#include "cli/runs.h"
#include "hone/base/error.h"
#include "hone/base/pool.h"
#include "hone/base/run_dir.h"
#include "hone/report/markdown.h"
#include "hone/report/progress.h"
#include "hone/report/summary.h"
#include "hone/tensor/compat.h"
#include "hone/tensor/device.h"
#include "hone/train/recipe_run.h"
#include "hone/train/session.h"

#include <algorithm>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

// The function behind the recipe's name.
train::RecipeRun recipe_run(const std::string& name) {
  const std::vector<train::RecipeRun> runs = train::recipe_runs();
  const auto it = std::find_if(runs.begin(), runs.end(), [&](const auto& run) { return run.name == name; });
  require(it != runs.end(), ErrorKind::internal, "the recipe {} can't be run by this engine", name);
  return *it;
}

report::ProgressStyle style_of(const Call& call) {
  return call.has("--quiet") ? report::ProgressStyle::quiet : report::ProgressStyle::automatic;
}

// What all seeds of a run work with.
struct Work {
  const RunPlan& plan;
  const Call& call;
  base::Pool& pool;
  report::Progress& progress;
  const std::atomic<bool>& stop;
};

// One seed from its first step, or from its last checkpoint, to its end.
void run_seed(const Work& work, uint64_t seed) {
  const auto& [plan, call, pool, progress, stop] = work;
  const fs::path dir = seed_dir(plan, seed);
  if (plan.how_many == Seeds::many)
    progress.say(fmt::format("seed {} of {}..{}", seed, plan.seeds.front(), plan.seeds.back()));
  const auto mark = train::Session::resume_mark(dir);
  report::RunRecord record(dir, &progress, mark ? &*mark : nullptr);
  train::Env env{.rng = Rng(seed),
                 .dir = dir,
                 .pool = pool,
                 .record = record,
                 .stop = stop,
                 .checkpoint_seconds = plan.checkpoint_seconds,
                 .command = call.line(),
                 .device = tensor::device_named(plan.device)};
  recipe_run(plan.recipe.card.name).run(env, *recipe_for_seed(plan.recipe, seed).options);
  progress.finish();
}

// Every seed that is not finished yet. Between seeds a stop is as good as inside one.
void run_seeds(const RunPlan& plan, const Call& call, const std::atomic<bool>& stop) {
  base::Pool pool(plan.threads, tensor::set_single_threaded);
  report::Progress progress(style_of(call), stderr);
  for (std::size_t i = 0; i < plan.seeds.size(); ++i) {
    const uint64_t seed = plan.seeds[i];
    if (is_finished(seed_dir(plan, seed))) continue;
    if (stop) throw Interrupted();
    progress.part(static_cast<int64_t>(i) + 1, static_cast<int64_t>(plan.seeds.size()));
    run_seed({plan, call, pool, progress, stop}, seed);
  }
}

void print_outcome(const RunPlan& plan, const Call& call, const fs::path& page) {
  if (call.has("--json")) {
    put("{}\n", base::dump(report::report_json(plan.dir), 2));
  } else if (call.has("--quiet")) {
    put("{}\n", shown_path(plan.dir));
  } else {
    put("\n{}", outcome_text(plan.dir, shown_path(page), Console::of(stdout)));
  }
}

}  // namespace

int run_recipe(const Call& call) {
  RunPlan plan = plan_run(call);
  tensor::device_named(plan.device);  // no folder is made for a run that can't begin
  const std::atomic<bool>& stop = stop_on_signals();
  make_run_folder(plan, call);
  const base::RunLock lock(plan.dir);
  base::remove_leftovers(plan.dir);  // of a run that was killed while it wrote a file
  if (!call.has("--quiet")) say("{}\n", shown_path(plan.dir));
  try {
    run_seeds(plan, call, stop);
  } catch (const Interrupted&) {
    say("stopped after a checkpoint\nresume with: hone run --resume {}\n", shown_path(plan.dir));
    return 130;
  } catch (...) {
    if (!discard_if_untouched(plan)) say("the run is kept; go on with: hone run --resume {}\n", shown_path(plan.dir));
    throw;
  }
  print_outcome(plan, call, conclude(plan, call));
  return 0;
}

}  // namespace hone::cli
