// hone show: a recipe, a run or a model folder explained.
#include "cli/commands/show_model.h"
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/recipe_args.h"
#include "cli/runs.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/run_dir.h"
#include "hone/base/text_match.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kHash = {"--hash", "", "of a model: read large files in full"};
constexpr Option kConfig = {"--config", "", "print as TOML, to be saved and edited"};

std::span<const Option> show_options() {
  static const std::vector<Option> options = [] {
    std::vector<Option> all(recipe_options().begin(), recipe_options().end());
    all.insert(all.end(), {kConfig, kHash});
    return all;
  }();
  return options;
}

// "0..1", "≥ 0", "a | b"; empty when everything goes.
std::string range_of(const base::FieldInfo& info) {
  if (!info.choices.empty()) return fmt::format("{}", fmt::join(info.choices, " | "));
  const bool low = std::isfinite(info.min), high = std::isfinite(info.max);
  if (low && high) return fmt::format("{}..{}", info.min, info.max);
  if (low) return fmt::format("≥ {}", info.min);
  return high ? fmt::format("≤ {}", info.max) : "";
}

Json recipe_json(const Recipe& recipe) {
  Json presets = Json::array(), claims = Json::array();
  for (const report::Preset& preset : recipe.card.presets) {
    presets.push_back({{"name", preset.name}, {"summary", preset.summary}});
  }
  for (const report::Claim& claim : report::claims_of(recipe.card, recipe.preset)) {
    claims.push_back({{"id", claim.id}, {"statement", claim.statement}});
  }
  return {{"recipe", recipe.card.name},      {"title", recipe.card.title},
          {"paper", recipe.card.paper},      {"method", recipe.card.method},
          {"preset", recipe.preset},         {"presets", presets},
          {"options", options_json(recipe)}, {"claims", claims}};
}

// One line, and below it what the option is about, unless an option of another group has said the same.
void print_option(const base::OptionEntry& entry, const Console& console, int width, std::set<std::string>& said) {
  const bool changed = entry.value != entry.standard;
  std::string line = fmt::format("  {} {}", changed ? "*" : " ", entry.path);
  line.append(static_cast<std::size_t>(std::max(1, width + 6 - width_of(line))), ' ');
  line += console.paint(changed ? Tone::bold : Tone::plain, entry.value);
  if (changed) line += console.paint(Tone::dim, fmt::format("  (default {})", entry.standard));
  std::string about = entry.info.help;
  const std::string range = range_of(entry.info);
  if (!range.empty()) about += fmt::format("; {}", range);
  if (entry.info.source != "ours") about += fmt::format(" [{}]", entry.info.source);
  const int columns = console.columns() > 0 ? console.columns() : 100;
  put("{}\n", line);
  if (said.insert(about).second) put("{}\n", console.paint(Tone::dim, wrap(about, columns, 6)));
}

void print_recipe(const Recipe& recipe) {
  const Console console = Console::of(stdout);
  const int columns = console.columns() > 0 ? console.columns() : 100;
  put("{}  {}\n\n", console.paint(Tone::bold, recipe.card.title), console.paint(Tone::dim, recipe.card.paper));
  for (const std::string& line : recipe.card.method) put("{}\n", wrap(line, columns, 2));
  put("\n{}\n", console.paint(Tone::bold, "Presets"));
  for (const report::Preset& preset : recipe.card.presets) {
    put("  {} {:<8} {}\n", preset.name == recipe.preset ? "→" : " ", preset.name, preset.summary);
  }
  put("\n{}\n",
      console.paint(Tone::bold, fmt::format("Options of preset {} (* differs from the default)", recipe.preset)));
  const std::vector<base::OptionEntry> entries = recipe.set->entries();
  int width = 0;
  for (const auto& entry : entries) width = std::max(width, width_of(entry.path));
  std::set<std::string> said;
  for (const auto& entry : entries) print_option(entry, console, width, said);
  const std::vector<report::Claim> claims = report::claims_of(recipe.card, recipe.preset);
  if (!claims.empty()) put("\n{}\n", console.paint(Tone::bold, "Claims"));
  for (const report::Claim& claim : claims) {
    put("  {}  {}\n", claim.id, wrap(claim.statement, columns, 5).substr(5));
  }
  put("\nhone cp {0} my.toml    hone run {0} --preset {1}\n", recipe.card.name, recipe.preset);
}

void show_recipe(const Call& call) {
  const Recipe recipe = resolve_recipe(call);
  if (call.has("--config")) {
    put("{}", recipe_toml(recipe));
  } else if (call.has("--json")) {
    put("{}\n", base::dump(recipe_json(recipe), 2));
  } else {
    print_recipe(recipe);
  }
}

void show_run(const Call& call, const fs::path& dir) {
  if (call.has("--config")) {
    put("{}", base::read_file(dir / "config.toml", 1 << 24));
    return;
  }
  const RunInfo run = run_info(dir);
  const Recipe recipe = recipe_of_run(dir);
  if (call.has("--json")) {
    Json out = to_json(run);
    out["options"] = options_json(recipe);
    put("{}\n", base::dump(out, 2));
    return;
  }
  const Console console = Console::of(stdout);
  put("{}  {}\n\n", console.paint(Tone::bold, run.name), name_of(run.state));
  put("  recipe   {} ({})\n  preset   {}\n  seeds    {}\n  started  {}\n  command  {}\n  folder   {}\n", run.recipe,
      recipe.card.title, run.preset, run.seeds, run.started_at, run.command, shown_path(dir));
  put("\n{}\n", console.paint(Tone::bold, "Options that differ from the defaults"));
  Table table({"  option", "value", "default", "from"});
  for (const base::OptionEntry& entry : changed_options(recipe)) {
    table.row({"  " + entry.path, entry.value, entry.standard, entry.place});
  }
  put("{}\n", table.text(console));
  put("{}\n", run.state == RunState::stopped ? fmt::format("hone run --resume {}", shown_path(dir))
                                             : fmt::format("hone report {}", shown_path(dir)));
}

int run_show(const Call& call) {
  const std::string& what = call.operands[0];
  std::error_code code;
  const std::vector<report::RecipeCard> cards = report::recipe_cards();
  const bool is_recipe = std::any_of(cards.begin(), cards.end(), [&](const auto& card) { return card.name == what; });
  if (is_recipe || (what.ends_with(".toml") && !fs::is_directory(what, code))) {
    show_recipe(call);
    return 0;
  }
  if (fs::is_regular_file(fs::path(what) / "config.json", code)) {
    show_model(call, what);
    return 0;
  }
  fs::path dir;
  try {
    dir = base::find_run(call.runs, what);
  } catch (const Error&) {
    std::vector<std::string> names;
    for (const auto& card : cards) names.push_back(card.name);
    for (const fs::path& run : base::list_runs(call.runs)) names.push_back(run.filename().string());
    throw Error(ErrorKind::usage,
                fmt::format("\"{}\" is no recipe, no run in {} and no model folder{}", what, call.runs.string(),
                            base::suggestion(what, names)),
                "see what there is: hone ls recipes; hone ls runs");
  }
  show_run(call, dir);
  return 0;
}

}  // namespace

Command show_verb() {
  return {"show",
          "a recipe, a run or a model folder explained",
          "<recipe|file.toml|run|model folder> [options]",
          1,
          1,
          "Explains a recipe (method, presets, every option with range and source, claims), a run, or a model folder "
          "(sizes, tensors, tokenizer, hashes).",
          "hone show score --preset demo\n"
          "hone show score --config\n"
          "hone show runs/latest/model",
          show_options(),
          &run_show};
}

}  // namespace hone::cli
