#include "hone/report/recipe_card.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"

#include <algorithm>
#include <sstream>

namespace hone::report {
namespace {

// The item called `name`, or a usage error that lists or suggests the names there are.
template <class T>
const T& find_named(const std::vector<T>& items, std::string_view name, const std::string& what,
                    const std::string& remedy) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const T& item) { return item.name == name; });
  if (found != items.end()) return *found;
  std::vector<std::string> names;
  for (const T& item : items) names.push_back(item.name);
  throw Error(ErrorKind::usage, fmt::format("unknown {} \"{}\"{}", what, name, base::suggestion(name, names)), remedy);
}

}  // namespace

RecipeCard find_recipe(const std::vector<RecipeCard>& cards, std::string_view name) {
  return find_named(cards, name, "recipe", "hone ls recipes");
}

const Preset& find_preset(const RecipeCard& card, std::string_view name) {
  return find_named(card.presets, name, fmt::format("preset of {}", card.name), fmt::format("hone show {}", card.name));
}

std::vector<Claim> claims_of(const RecipeCard& card, std::string_view preset) {
  std::vector<Claim> own, shared;
  for (const Claim& claim : card.claims) {
    if (claim.preset.empty()) shared.push_back(claim);
    if (claim.preset == preset) own.push_back(claim);
  }
  return own.empty() ? shared : own;
}

void add_claims(std::vector<Claim>& to, std::string_view preset, std::vector<Claim> claims) {
  for (Claim& claim : claims) {
    claim.preset = preset;
    to.push_back(std::move(claim));
  }
}

std::string record_name(const RecipeCard& card, std::string_view preset) {
  const auto claims = claims_of(card, preset);
  const bool own = !claims.empty() && !claims.front().preset.empty();
  return own ? fmt::format("results-{}.json", preset) : "results.json";
}

std::vector<std::string> record_names(const RecipeCard& card) {
  std::vector<std::string> names = {"results.json"};
  for (const Preset& preset : card.presets) {
    const std::string name = record_name(card, preset.name);
    if (name != names.front()) names.push_back(name);
  }
  return names;
}

std::vector<std::string> parse_arms(const std::string& list, const std::vector<std::string>& known) {
  if (list == "all") return known;
  std::vector<std::string> arms;
  std::stringstream parts(list);
  for (std::string arm; std::getline(parts, arm, ',');) {
    require(std::find(known.begin(), known.end(), arm) != known.end(), ErrorKind::usage, "arms: unknown arm \"{}\"{}",
            arm, base::suggestion(arm, known));
    if (std::find(arms.begin(), arms.end(), arm) == arms.end()) arms.push_back(arm);
  }
  require(!arms.empty(), ErrorKind::usage, "arms: the list is empty");
  return arms;
}

}  // namespace hone::report
