#include "cli/run_setup.h"

#include "cli/machine.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/run_dir.h"
#include "hone/report/report.h"
#include "hone/report/run_record.h"
#include "hone/report/summary.h"

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

// What run.json says of a run; `seeds` is a number or a list.
Json about_run(const RunPlan& plan, const Call& call, const char* key, const Json& seeds) {
  Json machine_facts = machine();
  machine_facts["threads"] = plan.threads;
  return {{"recipe", plan.recipe.card.name},
          {"title", plan.recipe.card.title},
          {"paper", plan.recipe.card.paper},
          {"method", plan.recipe.card.method},
          {"preset", plan.recipe.preset},
          {key, seeds},
          {"device", plan.device},
          {"command", call.line()},
          {"hone_version", version()},
          {"commit", commit()},
          {"started_at", report::utc_text(std::chrono::system_clock::now())},
          {"machine", machine_facts}};
}

// run.json comes last: a folder that holds it holds the rest.
void write_files(const RunPlan& plan, const Call& call, const fs::path& dir, const Json& about) {
  base::write_file_atomic(dir / "options.json", base::dump(options_json(plan.recipe), 2) + '\n');
  base::write_file_atomic(dir / "config.toml", recipe_toml(plan.recipe));
  base::write_file_atomic(dir / "cmd.txt", call.line() + '\n');
  base::write_file_atomic(dir / "run.json", base::dump(about, 2) + '\n');
}

bool has_steps(const fs::path& dir) {
  std::error_code code;
  const auto size = fs::file_size(dir / "metrics.jsonl", code);
  if (!code && size > 0) return true;
  const fs::path checkpoints = dir / "ckpt";
  return fs::is_directory(checkpoints, code) && !fs::is_empty(checkpoints, code);
}

}  // namespace

void make_run_folder(RunPlan& plan, const Call& call) {
  if (plan.start == Start::resume) return;
  if (plan.dir.empty()) {
    plan.dir = base::new_run_dir(call.runs, plan.recipe.card.name);
  } else {
    check_output(plan.dir);
    base::make_folders(plan.dir);
  }
  if (plan.how_many == Seeds::one) {
    write_files(plan, call, plan.dir, about_run(plan, call, "seed", plan.seeds.front()));
    return;
  }
  for (const uint64_t seed : plan.seeds) {
    base::make_folders(seed_dir(plan, seed));
    write_files(plan, call, seed_dir(plan, seed), about_run(plan, call, "seed", seed));
  }
  write_files(plan, call, plan.dir, about_run(plan, call, "seeds", plan.seeds));
}

bool discard_if_untouched(const RunPlan& plan) {
  if (plan.start == Start::resume || plan.dir.empty()) return false;
  for (const uint64_t seed : plan.seeds) {
    if (has_steps(seed_dir(plan, seed))) return false;
  }
  std::error_code code;
  fs::remove_all(plan.dir, code);
  const fs::path latest = plan.dir.parent_path() / "latest";
  if (fs::is_symlink(latest, code) && !fs::exists(latest, code)) fs::remove(latest, code);
  return true;
}

fs::path conclude(const RunPlan& plan, const Call& call) {
  if (plan.how_many == Seeds::many) {
    const Json results = report::judge_run(plan.dir, report::claims_of(plan.recipe.card, plan.recipe.preset));
    base::write_file_atomic(plan.dir / "results.json", base::dump(results, 2) + '\n');
    for (const uint64_t seed : plan.seeds) report::write_report(seed_dir(plan, seed));
  }
  const fs::path page = report::write_report(plan.dir);
  std::error_code code;
  if (fs::is_directory(call.runs, code)) base::point_latest(call.runs, plan.dir);
  return page;
}

}  // namespace hone::cli
