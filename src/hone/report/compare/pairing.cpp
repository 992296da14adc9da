// Whether two runs were measured on the same held-out problems, as far as their files tell.
#include "hone/report/compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace hone::report {
namespace {

// Of recipes that take their problems from a Countdown world or a file: these options decide what is held out.
constexpr std::array kSource = {"data", "test_data", "verifier", "world", "notation", "test_problems"};

// Options of a recipe that decide how it trains, never what it is measured on.
constexpr std::array kTraining = {"arms",        "steps",  "iterations",      "samples",       "temperature",
                                  "top_p",       "epochs", "alpha",           "credit",        "kl",
                                  "kl_gradient", "model",  "advantage_scale", "normalisation", "replay",
                                  "cap",         "hint",   "offline_epochs",  "game_steps",    "train_problems"};
constexpr std::array kTrainingGroups = {"optim.", "base.", "fit.",    "sft.",    "pairs.", "lora.",
                                        "fresh.", "clip.", "stage1.", "stage2.", "filter."};

std::map<std::string, std::string> options_of(const ComparedRun& run) {
  std::map<std::string, std::string> options;
  for (const RunFolder* folder :
       {&run.folder, seed_folders(run.folder).empty() ? nullptr : seed_folders(run.folder)[0]}) {
    if (!folder || !folder->options.is_array()) continue;
    for (const Json& option : folder->options) options[text_at(option, "path")] = text_at(option, "value");
  }
  return options;
}

bool is_training(const std::string& path) {
  return std::any_of(kTraining.begin(), kTraining.end(), [&](const char* name) { return path == name; }) ||
         std::any_of(kTrainingGroups.begin(), kTrainingGroups.end(),
                     [&](const char* group) { return path.starts_with(group); });
}

// How many problems each kind of outcome has; empty if seeds or arms disagree.
std::map<std::string, std::size_t> problems_of(const ComparedRun& run) {
  std::map<std::string, std::size_t> sizes;
  for (const SeedOutcomes& seed : run.seeds) {
    for (const auto& [arm, vectors] : seed.arms) {
      for (const auto& [name, values] : vectors) {
        if (sizes.try_emplace(name, values.size()).first->second != values.size()) return {};
      }
    }
  }
  return sizes;
}

std::string why_counts_differ(const ComparedRun& first, const ComparedRun& other) {
  const auto one = problems_of(first), two = problems_of(other);
  if (one.empty() || two.empty()) return "seeds or arms of one of them are measured on different numbers of problems";
  std::set<std::size_t> ones, twos;  // of recipes that share no outcome
  for (const auto& [name, count] : one) ones.insert(count);
  for (const auto& [name, count] : two) twos.insert(count);
  for (const auto& [name, count] : one) {
    const auto theirs = two.find(name);
    if (theirs == two.end() || theirs->second == count) continue;
    return fmt::format("{} holds out {} problems and {} {}", first.letter, count, other.letter, theirs->second);
  }
  if (ones != twos) return fmt::format("{} and {} hold out different numbers of problems", first.letter, other.letter);
  return "";
}

}  // namespace

std::string why_unpaired(const ComparedRun& first, const ComparedRun& other) {
  if (std::string reason = why_counts_differ(first, other); !reason.empty()) return reason;
  const auto mine = options_of(first), theirs = options_of(other);
  if (mine.empty() || theirs.empty()) return "options.json of one of them is missing";
  const auto differ = [&](const std::string& path) {
    const auto a = mine.find(path), b = theirs.find(path);
    if (a == mine.end() || b == theirs.end()) return fmt::format("only one of them has the option {}", path);
    return a->second == b->second
               ? std::string()
               : fmt::format("{} is {} in {} and {} in {}", path, a->second, first.letter, b->second, other.letter);
  };
  const auto has_source = [](const std::map<std::string, std::string>& options) {
    return std::all_of(kSource.begin(), kSource.end(), [&](const char* path) { return options.contains(path); });
  };
  if (has_source(mine) && has_source(theirs)) {
    for (const char* path : kSource) {
      if (std::string reason = differ(path); !reason.empty()) return reason;
    }
    return "";
  }
  const std::string recipe = text_at(first.folder.run, "recipe"), their_recipe = text_at(other.folder.run, "recipe");
  if (recipe.empty() || recipe != their_recipe)
    return fmt::format("the recipes {} and {} choose their problems in ways of their own", recipe, their_recipe);
  std::set<std::string> paths;
  for (const auto* options : {&mine, &theirs}) {
    for (const auto& [path, value] : *options) paths.insert(path);
  }
  for (const std::string& path : paths) {
    if (is_training(path)) continue;
    if (std::string reason = differ(path); !reason.empty()) return reason;
  }
  return "";
}

}  // namespace hone::report
