#include "cli/run_plan.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/run_dir.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostSeeds = 100;

Json read_run_file(const fs::path& run) {
  const std::string file = (run / "run.json").string();
  return base::parse_json(base::read_file(file, 1 << 20), file);
}

// The run that `hone run --resume [name]` means; a recipe's name stands for its newest run.
fs::path run_to_resume(const Call& call) {
  const std::string name = call.operands.empty() ? "latest" : call.operands[0];
  std::error_code code;
  const auto cards = report::recipe_cards();
  const bool is_recipe = std::any_of(cards.begin(), cards.end(), [&](const auto& card) { return card.name == name; });
  if (!is_recipe || fs::exists(call.runs / name, code)) return base::find_run(call.runs, name);
  for (const fs::path& run : base::list_runs(call.runs)) {
    if (base::get_string_or(read_run_file(run), "recipe", "", run.string()) == name) return run;
  }
  throw Error(ErrorKind::usage, fmt::format("no run of {} in {}", name, call.runs.string()),
              fmt::format("start one: hone run {}", name));
}

void refuse_with_resume(const Call& call) {
  constexpr std::array kAllowed = {"--resume", "--threads", "--checkpoint", "--quiet", "--json", "--runs", "--dry-run"};
  for (const auto& [option, values] : call.options) {
    if (std::find(kAllowed.begin(), kAllowed.end(), option) != kAllowed.end()) continue;
    throw Error(ErrorKind::usage, fmt::format("{} can't be given with --resume: a run goes on as it began", option),
                "leave it out, or start a new run");
  }
}

RunPlan plan_resume(const Call& call) {
  refuse_with_resume(call);
  RunPlan plan;
  plan.start = Start::resume;
  plan.dir = run_to_resume(call);
  plan.recipe = recipe_of_run(plan.dir);
  const Json about = read_run_file(plan.dir);
  plan.device = base::get_string_or(about, "device", "cpu", (plan.dir / "run.json").string());
  const std::string where = (plan.dir / "run.json").string();
  constexpr int64_t kMost = INT64_MAX;
  if (const auto seeds = about.find("seeds"); seeds != about.end() && seeds->is_array()) {
    plan.how_many = Seeds::many;
    for (const Json& seed : *seeds) {
      plan.seeds.push_back(static_cast<uint64_t>(base::get_int(Json{{"seed", seed}}, "seed", 0, kMost, where)));
    }
    require(!plan.seeds.empty(), ErrorKind::format, "{}: \"seeds\" is empty", where);
  } else {
    plan.seeds = {static_cast<uint64_t>(base::get_int(about, "seed", 0, kMost, where))};
  }
  return plan;
}

RunPlan plan_fresh(const Call& call) {
  if (call.operands.empty()) {
    throw Error(ErrorKind::usage, "hone run needs a recipe or a TOML file",
                "see them: hone ls recipes; or go on with a run: hone run --resume");
  }
  RunPlan plan;
  plan.device = device_of(call);
  plan.recipe = resolve_recipe(call);
  plan.how_many = call.has("--seeds") ? Seeds::many : Seeds::one;
  plan.seeds.resize(static_cast<std::size_t>(call.integer("--seeds", 1, 1, kMostSeeds)));
  std::iota(plan.seeds.begin(), plan.seeds.end(), call.integer("--seed", 1, 0, INT64_MAX - kMostSeeds));
  if (const auto out = call.value("--out")) {
    require(!out->empty(), ErrorKind::usage, "--out is empty");
    plan.dir = *out;
  }
  return plan;
}

}  // namespace

RunPlan plan_run(const Call& call) {
  RunPlan plan = call.has("--resume") ? plan_resume(call) : plan_fresh(call);
  plan.threads = thread_count(call);
  plan.checkpoint_seconds = static_cast<double>(call.integer("--checkpoint", 30, 0, 86400));
  return plan;
}

fs::path seed_dir(const RunPlan& plan, uint64_t seed) {
  return plan.how_many == Seeds::one ? plan.dir : plan.dir / fmt::format("seed-{}", seed);
}

bool is_finished(const fs::path& seed_dir) {
  std::error_code code;
  return fs::is_regular_file(seed_dir / "summary.json", code);
}

bool is_finished(const RunPlan& plan) {
  return std::all_of(plan.seeds.begin(), plan.seeds.end(),
                     [&](uint64_t seed) { return is_finished(seed_dir(plan, seed)); });
}

std::string plan_line(const RunPlan& plan) {
  const std::string seeds = plan.how_many == Seeds::many
                                ? fmt::format("seeds {}..{}", plan.seeds.front(), plan.seeds.back())
                                : fmt::format("seed {}", plan.seeds.front());
  return fmt::format("run {} · preset {} · {} · {} thread{}{}", plan.recipe.card.name, plan.recipe.preset, seeds,
                     plan.threads, plan.threads == 1 ? "" : "s", plan.device == "cpu" ? "" : " · " + plan.device);
}

}  // namespace hone::cli
