// A recipe and its options as the command line asks for them: preset, then TOML file, then --data, --model,
// --verifier, then --set. The front program and the engine resolve the same words by the same code.
#pragma once

#include "cli/command.h"
#include "hone/base/options.h"
#include "hone/report/recipe_card.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hone::cli {

/// A recipe with its options filled. Moves; does not copy.
struct Recipe {
  report::RecipeCard card;
  std::string preset;
  std::unique_ptr<base::Options> defaults;  ///< the struct's own
  std::unique_ptr<base::Options> options;
  std::unique_ptr<base::OptionSet> set;  ///< knows where every value of `options` came from
};

/// The options that choose a recipe's values: --preset, --data, --verifier, --model, --set.
std::span<const Option> recipe_options();

/// The recipe that the first operand names: a recipe of this program, or a TOML file that begins with
/// `recipe = "…"` and maybe `preset = "…"`.
/// Errors: usage (unknown recipe, preset, key; a value out of range), io (unreadable file); each with its place.
Recipe resolve_recipe(const Call& call);

/// The array in a run's options.json, as it stands there, whatever version of hone made it. Errors: io; format.
Json option_entries(const std::filesystem::path& run);

/// A recipe with its values from a finished or interrupted run's options.json.
/// Errors: format when the file is not one, or this version of hone has other options.
Recipe recipe_of_run(const std::filesystem::path& run);

/// The same for one seed: "{seed}" in a text is its number, so that every seed can start from a model of its own
/// ("runs/X/seed-{seed}/models/sft").
Recipe recipe_for_seed(const Recipe& recipe, uint64_t seed);

/// The value of a text option, or "" when the recipe has no such option.
std::string text_value(const Recipe& recipe, std::string_view path);
/// Values that differ from the struct's defaults.
std::vector<base::OptionEntry> changed_options(const Recipe& recipe);
/// The TOML file that `hone cp` writes: recipe, preset, every value with its comment.
std::string recipe_toml(const Recipe& recipe);
/// options.json: an array of {path, type, value, standard, help, source, origin, place}.
Json options_json(const Recipe& recipe);

}  // namespace hone::cli
