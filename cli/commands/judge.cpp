// hone judge: the claims of a recipe, weighed on a run.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/runs.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/run_dir.h"
#include "hone/report/markdown.h"
#include "hone/report/recipe_card.h"
#include "hone/report/summary.h"
#include "hone/report/verdict_table.h"

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kOptions[] = {
    {"--record", "", "also into recipes/<recipe>/ and README.md"},
    {"--strict", "", "exit 1 unless every claim is REPRODUCED"},
};

bool every_claim_reproduced(const Json& results) {
  for (const Json& claim : results["claims"]) {
    if (claim["verdict"] != report::name_of(report::Verdict::reproduced)) return false;
  }
  return true;
}

// Every recorded result, in the order of the recipes, into the README's table.
void update_readme() {
  std::vector<Json> results;
  std::error_code code;
  for (const report::RecipeCard& card : report::recipe_cards()) {
    for (const std::string& name : report::record_names(card)) {
      const fs::path file = fs::path("recipes") / card.name / name;
      if (fs::exists(file, code)) results.push_back(base::parse_json(base::read_file(file), file.string()));
    }
  }
  base::write_file_atomic("README.md", report::with_verdicts(base::read_file("README.md"), results));
}

int run_judge(const Call& call) {
  std::vector<fs::path> runs;
  for (const std::string& name : call.operands) runs.push_back(base::find_run(call.runs, name));
  if (runs.empty()) runs.push_back(base::find_run(call.runs, "latest"));
  const RunInfo info = run_info(runs.front());
  const report::RecipeCard card = report::find_recipe(info.recipe);
  const std::string record = report::record_name(card, info.preset);
  const fs::path folder = fs::path("recipes") / card.name;
  std::error_code code;
  if (call.has("--record") && !fs::is_directory(folder, code)) {
    throw Error(ErrorKind::usage, fmt::format("--record: there is no folder {} here", folder.string()),
                "run it in the root of hone's repository");
  }
  const Json results = report::judge_runs(runs, report::claims_of(card, info.preset));
  const std::string text = base::dump(results, 2) + '\n';
  if (runs.size() == 1) base::write_file_atomic(runs.front() / "results.json", text);
  if (call.has("--record")) {
    base::write_file_atomic(folder / record, text);
    update_readme();
  }
  if (call.has("--json")) {
    put("{}", text);
  } else {
    put("{}", report::verdicts_text(results));
  }
  if (call.has("--record") && !call.has("--quiet")) {
    say("recorded in {} and README.md\n", (folder / record).string());
  }
  return call.has("--strict") && !every_claim_reproduced(results) ? 1 : 0;
}

}  // namespace

Command judge_verb() {
  return {"judge",
          "verdicts on a recipe's claims",
          "[run...] [options]",
          0,
          100,
          "Weighs the claims of a run's recipe by paired bootstrap over its seeds and held-out problems: REPRODUCED, "
          "NOT REPRODUCED or INCONCLUSIVE (always so with fewer than 3 seeds). A failed claim is a result, not an "
          "error. Several runs with the same options and other seeds are weighed as one.",
          "hone judge latest\n"
          "hone judge runs/monday runs/tuesday --record   # seeds 1 to 3, seeds 4 to 6\n"
          "hone judge latest --strict --json",
          kOptions,
          &run_judge};
}

}  // namespace hone::cli
