// hone ls: what there is.
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/runs.h"
#include "hone/base/json.h"
#include "hone/base/text_match.h"
#include "hone/report/recipe_card.h"
#include "hone/tasks/countdown.h"
#include "hone/tasks/verifiers.h"

namespace hone::cli {
namespace {

Json recipes_json() {
  Json recipes = Json::array();
  for (const report::RecipeCard& card : report::recipe_cards()) {
    Json presets = Json::array();
    for (const report::Preset& preset : card.presets) {
      presets.push_back({{"name", preset.name}, {"summary", preset.summary}});
    }
    recipes.push_back({{"name", card.name},
                       {"title", card.title},
                       {"paper", card.paper},
                       {"presets", presets},
                       {"recorded", card.recorded}});
  }
  return recipes;
}

Json runs_json(const Call& call) {
  Json runs = Json::array();
  for (const RunInfo& run : known_runs(call.runs, SIZE_MAX)) runs.push_back(to_json(run));
  return runs;
}

Json tasks_json() { return {{"worlds", tasks::countdown_world_names()}, {"verifiers", tasks::verifier_names()}}; }

void print_recipes(const Console& console) {
  Table table({"recipe", "what", "paper", "presets", "claims"});
  for (const report::RecipeCard& card : report::recipe_cards()) {
    std::string presets;
    for (const report::Preset& preset : card.presets) presets += (presets.empty() ? "" : ", ") + preset.name;
    table.row({console.paint(Tone::accent, card.name), card.title, card.paper, presets,
               card.claims.empty()     ? "–"
               : card.recorded.empty() ? "not judged yet"
                                       : card.recorded});
  }
  put("{}", table.text(console));
}

void print_runs(const Call& call, const Console& console) {
  const std::vector<RunInfo> runs = known_runs(call.runs, SIZE_MAX);
  if (runs.empty()) {
    say("no runs in {}; start one: hone demo\n", call.runs.string());
    return;
  }
  Table table({"run", "recipe", "preset", "seeds", "state", "started"});
  for (const RunInfo& run : runs) {
    const Tone tone = run.state == RunState::finished ? Tone::good : Tone::warn;
    table.row({run.name, run.recipe, run.preset, fmt::format("{}", run.seeds), console.paint(tone, name_of(run.state)),
               run.started_at});
  }
  put("{}", table.text(console));
}

void print_tasks(const Console& console) {
  Table worlds({"world", "numbers", "each", "target", "largest result", "tokens"});
  for (const std::string& name : tasks::countdown_world_names()) {
    const tasks::CountdownWorld& world = tasks::countdown_world(name);
    worlds.row({console.paint(Tone::accent, name), fmt::format("{}", world.count),
                fmt::format("{}..{}", world.low, world.high),
                fmt::format("{}..{}", world.target_low, world.target_high),
                world.cap == 0 ? "no limit" : fmt::format("{}", world.cap), world.symbols ? "symbols" : "bytes"});
  }
  Table verifiers({"verifier", "right when the completion"});
  const std::pair<const char*, const char*> meanings[] = {
      {"exact", "equals the answer, white space at the ends aside"},
      {"number", "ends with the answer's number, as an exact decimal or fraction"},
      {"regex", "matches the answer as a regular expression"},
      {"countdown", "is a derivation that uses each number once and reaches the target"}};
  for (const auto& [name, meaning] : meanings) verifiers.row({console.paint(Tone::accent, name), meaning});
  put("{}\n{}", worlds.text(console), verifiers.text(console));
}

int run_ls(const Call& call) {
  const std::string what = call.operands.empty() ? "" : call.operands[0];
  const std::vector<std::string> known = {"recipes", "runs", "tasks"};
  const Console console = Console::of(stdout);
  if (what == "recipes" || what.empty()) {
    if (call.has("--json")) {
      put("{}\n", base::dump(recipes_json(), 2));
    } else {
      print_recipes(console);
    }
  } else if (what == "runs") {
    if (call.has("--json")) {
      put("{}\n", base::dump(runs_json(call), 2));
    } else {
      print_runs(call, console);
    }
  } else if (what == "tasks") {
    if (call.has("--json")) {
      put("{}\n", base::dump(tasks_json(), 2));
    } else {
      print_tasks(console);
    }
  } else {
    fail(ErrorKind::usage, "nothing to list called \"{}\"{}", what, base::suggestion(what, known));
  }
  return 0;
}

}  // namespace

Command ls_verb() {
  return {"ls",
          "recipes, runs, tasks",
          "[recipes|runs|tasks]",
          0,
          1,
          "Lists the recipes of this program (the default), the runs kept in runs/, or the built-in problems and "
          "verifiers.",
          "hone ls\n"
          "hone ls runs\n"
          "hone ls tasks --json",
          {},
          &run_ls};
}

}  // namespace hone::cli
