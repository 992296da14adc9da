// A recipe stands on its own: its card is complete, and its code is not a copy of another's.
#include "tests/repo/source_tree.h"

#include <gtest/gtest.h>

#include <set>

namespace hone::repo {
namespace {

std::vector<std::string> recipes() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(root() / "recipes")) {
    if (fs::exists(entry.path() / "options.cpp")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Lines that do something: no comments, includes, lone brackets.
std::set<std::string> code_of(const std::string& recipe) {
  std::set<std::string> code;
  for (const fs::path& file : files_in({"recipes/" + recipe}, {".cpp", ".h"})) {
    if (is_test(file)) continue;
    for (std::string line : lines_of(root() / file)) {
      line.erase(0, line.find_first_not_of(' '));
      const bool letters = std::any_of(line.begin(), line.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
      if (letters && !line.starts_with("//") && !line.starts_with("#")) code.insert(line);
    }
  }
  return code;
}

TEST(Recipes, FilesAreComplete) {
  for (const std::string& recipe : recipes()) {
    for (const char* file : {"options.cpp", "recipe.cpp", "recipe_test.cpp", "README.md"}) {
      EXPECT_TRUE(fs::exists(root() / "recipes" / recipe / file)) << "recipes/" << recipe << "/" << file;
    }
  }
}

// Headings of a card, by a word that the heading holds.
TEST(Recipes, CardsHaveTheirSections) {
  for (const std::string& recipe : recipes()) {
    if (!fs::exists(root() / "recipes" / recipe / "README.md")) continue;  // FilesAreComplete says so
    std::string headings;
    for (std::string line : lines_of(root() / "recipes" / recipe / "README.md")) {
      if (!line.starts_with("## ")) continue;
      std::transform(line.begin(), line.end(), line.begin(), [](unsigned char c) { return std::tolower(c); });
      headings += line + "\n";
    }
    for (const char* section : {"idea", "data", "equations", "deviations", "presets", "claims", "your own", "metrics",
                                "pitfalls", "citation"}) {
      EXPECT_NE(headings.find(section), std::string::npos)
          << "recipes/" << recipe << "/README.md has no section \"## …" << section << "…\"";
    }
  }
}

TEST(Recipes, NoTwoShareMostOfTheirCode) {
  constexpr double kMostShared = 0.6;
  const std::vector<std::string> names = recipes();
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = i + 1; j < names.size(); ++j) {
      const auto a = code_of(names[i]), b = code_of(names[j]);
      std::size_t shared = 0;
      for (const std::string& line : a) shared += b.count(line);
      const double share =
          static_cast<double>(shared) / static_cast<double>(std::max<std::size_t>(1, std::min(a.size(), b.size())));
      EXPECT_LE(share, kMostShared) << names[i] << " and " << names[j] << ": move what they share into the library";
    }
  }
}

TEST(Recipes, NoneIncludesAnother) {
  for (const std::string& recipe : recipes()) {
    for (const fs::path& file : files_in({"recipes/" + recipe}, {".cpp", ".h"})) {
      for (const auto& [line, include] : includes_of(file)) {
        if (!include.starts_with("recipes/")) continue;
        EXPECT_TRUE(include.starts_with("recipes/" + recipe + "/")) << file.string() << ":" << line << ": " << include;
      }
    }
  }
}

}  // namespace
}  // namespace hone::repo
