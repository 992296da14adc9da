#include "cli/recipe_args.h"

#include "cli/use/model_choice.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/text_match.h"
#include "hone/base/toml_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kRecipeOptions[] = {
    {"--preset", "P", "a named set of values (hone show <recipe>)"},
    {"--data", "FILE", "JSONL file of problems or texts"},
    {"--verifier", "V", "judge of answers: exact number regex countdown"},
    {"--model", "MODEL", "folder ({seed}: the seed) or run to start from"},
    {"--set", "A.B=C", "any option of the recipe; may be repeated"},
};

// The two keys of a file that choose the recipe, and the text without them (so that lines keep their numbers).
struct Head {
  std::string recipe, preset, rest;
};

// Blanks one line of `text`, counted from 1.
void blank_line(std::string& text, int line) {
  std::size_t begin = 0;
  for (int i = 1; i < line; ++i) begin = text.find('\n', begin) + 1;
  const std::size_t end = std::min(text.find('\n', begin), text.size());
  std::fill(text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end), ' ');
}

Head read_head(std::string_view toml, const std::string& file) {
  Head head{.recipe = {}, .preset = {}, .rest = std::string(toml)};
  const std::vector<base::TomlNode> nodes = base::read_toml(toml, file);
  for (const base::TomlNode& node : nodes) {
    if (node.path != "recipe" && node.path != "preset") continue;
    const auto* text = node.value ? std::get_if<std::string>(&*node.value) : nullptr;
    if (text == nullptr || text->find('\n') != std::string::npos || node.key_place.line != node.value_place.line) {
      base::fail_at(toml, file, node.value_place, fmt::format("\"{}\" must be a name in quotes", node.path));
    }
    (node.path == "recipe" ? head.recipe : head.preset) = *text;
    blank_line(head.rest, node.key_place.line);
  }
  if (head.recipe.empty()) {
    throw Error(ErrorKind::usage, fmt::format("{}: no line says which recipe this is for", file),
                "begin the file with: recipe = \"score\"");
  }
  return head;
}

bool looks_like_file(const std::string& operand) {
  return operand.ends_with(".toml") || operand.find('/') != std::string::npos;
}

report::RecipeCard card_called(const std::string& name) {
  std::error_code code;
  try {
    return report::find_recipe(name);
  } catch (const Error& error) {
    if (!fs::exists(name, code)) throw;
    throw Error(ErrorKind::usage, error.what(), "recipes as files end in .toml; runs go on with: hone run --resume");
  }
}

Recipe with_preset(report::RecipeCard card, const std::string& preset) {
  require(!card.presets.empty(), ErrorKind::internal, "the recipe {} has no preset", card.name);
  Recipe recipe;
  recipe.preset = report::find_preset(card, preset.empty() ? card.presets.front().name : preset).name;
  recipe.defaults = card.options("");
  recipe.options = card.options(recipe.preset);
  recipe.set = std::make_unique<base::OptionSet>(*recipe.options, *recipe.defaults, recipe.preset);
  recipe.card = std::move(card);
  return recipe;
}

// A recipe whose options are still the struct's own, without its preset's values.
Recipe without_values(report::RecipeCard card, const std::string& preset) {
  Recipe recipe = with_preset(std::move(card), preset);
  recipe.options = recipe.card.options("");
  recipe.set = std::make_unique<base::OptionSet>(*recipe.options, *recipe.defaults, "");
  return recipe;
}

// A run that is given as a model means the model that came out of it; anything else is a folder.
std::string model_named(const Call& call, const std::string& word) {
  std::error_code code;
  const auto is_run = [&](const fs::path& folder) { return fs::is_regular_file(folder / "run.json", code); };
  return is_run(word) || is_run(call.runs / word) ? find_model(call.runs, word).string() : word;
}

void set_named(Recipe& recipe, const Call& call, const std::string& option) {
  auto value = call.value(option);
  if (!value) return;
  const std::string path = option.substr(2);
  const auto entries = recipe.set->entries();
  if (std::none_of(entries.begin(), entries.end(), [&](const auto& entry) { return entry.path == path; })) {
    throw Error(ErrorKind::usage, fmt::format("{}: the recipe {} has no option \"{}\"", option, recipe.card.name, path),
                fmt::format("see its options: hone show {}", recipe.card.name));
  }
  require(!value->empty(), ErrorKind::usage, "{} is empty", option);
  if (option == "--model") value = model_named(call, *value);
  recipe.set->set(path, base::toml_spelling(*value), base::Origin::set, option);
}

constexpr std::array<const char*, 5> kOriginNames = {"default", "preset", "file", "environment", "set"};

base::Origin origin_called(const std::string& name, const std::string& where) {
  const auto it = std::find(kOriginNames.begin(), kOriginNames.end(), name);
  require(it != kOriginNames.end(), ErrorKind::format, "{}: unknown origin \"{}\"", where, name);
  return static_cast<base::Origin>(it - kOriginNames.begin());
}

}  // namespace

std::span<const Option> recipe_options() { return kRecipeOptions; }

Recipe resolve_recipe(const Call& call) {
  const std::string& operand = call.operands.at(0);
  const std::string preset = call.value("--preset").value_or("");
  Recipe recipe;
  if (looks_like_file(operand)) {
    const Head head = read_head(base::read_file(operand, 1 << 20), operand);
    recipe = with_preset(card_called(head.recipe), preset.empty() ? head.preset : preset);
    recipe.set->load_toml(head.rest, operand);
  } else {
    recipe = with_preset(card_called(operand), preset);
  }
  for (const char* option : {"--data", "--verifier", "--model"}) set_named(recipe, call, option);
  for (const std::string& assignment : call.values("--set")) recipe.set->set_assignment(assignment);
  return recipe;
}

Json option_entries(const fs::path& run) {
  const std::string file = (run / "options.json").string();
  Json entries = base::parse_json(base::read_file(file, 1 << 24), file);
  require(entries.is_array(), ErrorKind::format, "{}: expected an array of options", file);
  return entries;
}

Recipe recipe_of_run(const fs::path& run) {
  const std::string run_file = (run / "run.json").string(), options_file = (run / "options.json").string();
  const Json about = base::parse_json(base::read_file(run_file, 1 << 20), run_file);
  const Json entries = option_entries(run);
  // From the plain defaults, so that a preset changed since then does not change the run.
  Recipe recipe = without_values(card_called(base::get_string(about, "recipe", run_file)),
                                 base::get_string(about, "preset", run_file));
  for (const Json& entry : entries) {
    const std::string path = base::get_string(entry, "path", options_file);
    try {
      recipe.set->set(path, base::get_string(entry, "value", options_file),
                      origin_called(base::get_string(entry, "origin", options_file), options_file),
                      base::get_string_or(entry, "place", "", options_file));
    } catch (const Error& error) {
      throw Error(ErrorKind::format, fmt::format("{}: {}", options_file, error.what()),
                  "the run was made by another version of hone: resume it with that one");
    }
  }
  return recipe;
}

Recipe recipe_for_seed(const Recipe& recipe, uint64_t seed) {
  constexpr std::string_view kMark = "{seed}";
  const std::string number = std::to_string(seed);
  Recipe out = without_values(recipe.card, recipe.preset);
  for (const base::OptionEntry& entry : recipe.set->entries()) {
    std::string value = entry.value;
    for (auto at = value.find(kMark); at != std::string::npos; at = value.find(kMark, at + number.size()))
      value.replace(at, kMark.size(), number);
    out.set->set(entry.path, value, entry.origin, entry.place);
  }
  return out;
}

std::string text_value(const Recipe& recipe, std::string_view path) {
  const Json values = recipe.set->to_json();
  const auto it = values.find(std::string(path));
  return it != values.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::vector<base::OptionEntry> changed_options(const Recipe& recipe) {
  std::vector<base::OptionEntry> entries = recipe.set->entries();
  std::erase_if(entries, [](const base::OptionEntry& entry) { return entry.value == entry.standard; });
  return entries;
}

std::string recipe_toml(const Recipe& recipe) {
  return fmt::format("# {}\n# {}\n# Run it with: hone run <this file>\nrecipe = \"{}\"\npreset = \"{}\"\n\n{}",
                     recipe.card.title, recipe.card.paper, recipe.card.name, recipe.preset, recipe.set->to_toml());
}

Json options_json(const Recipe& recipe) {
  Json options = Json::array();
  for (const base::OptionEntry& entry : recipe.set->entries()) {
    options.push_back({{"path", entry.path},
                       {"type", entry.type},
                       {"value", entry.value},
                       {"standard", entry.standard},
                       {"help", entry.info.help},
                       {"source", entry.info.source},
                       {"origin", kOriginNames.at(static_cast<std::size_t>(entry.origin))},
                       {"place", entry.place}});
  }
  return options;
}

}  // namespace hone::cli
