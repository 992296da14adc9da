// Includes follow the folder table of ARCHITECTURE.md: a file may include its own folder and folders with a smaller
// number; equal numbers don't see each other.
#include "tests/repo/source_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>

namespace hone::repo {
namespace {

// Number by folder, from rows such as "| 4 | `models` | one folder … |" and "| 8 | `recipes/<paper>/` … |".
std::map<std::string, int> folder_table() {
  std::map<std::string, int> table;
  const std::regex row(R"(^\|\s*(\d+)\s*\|\s*`([a-z_]+)[^`]*`.*$)");
  std::smatch match;
  for (const std::string& line : lines_of(root() / "ARCHITECTURE.md")) {
    if (std::regex_match(line, match, row)) table[match[2]] = std::stoi(match[1]);
  }
  return table;
}

// The folder that a path from the root, or an include, lies in: "models", "recipes/score", "cli".
std::string layer_of(const std::string& path) {
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path(path)) parts.push_back(part.string());
  std::size_t at = 0;
  if (parts.size() > 1 && parts[0] == "src") at = 1;
  if (parts.size() > at + 1 && parts[at] == "hone") return parts[at + 1];
  if (parts.size() > 1 && parts[0] == "recipes") return "recipes/" + parts[1];
  return parts.size() > 1 ? parts[0] : "";
}

std::string table_name(const std::string& layer) { return layer.substr(0, layer.find('/')); }

TEST(Layering, TheTableNamesEveryFolder) {
  const auto table = folder_table();
  ASSERT_GE(table.size(), 5u) << "ARCHITECTURE.md holds no table | no. | `folder` | holds |";
  for (const fs::path& file : files_in({"src", "recipes", "cli"}, {".h", ".cpp"})) {
    EXPECT_TRUE(table.contains(table_name(layer_of(file.string()))))
        << file.string() << ":1: its folder is not in the table of ARCHITECTURE.md";
  }
}

TEST(Layering, IncludesPointToSmallerNumbers) {
  const auto table = folder_table();
  for (const fs::path& file : files_in({"src", "recipes", "cli"}, {".h", ".cpp"})) {
    const std::string from = layer_of(file.string());
    for (const auto& [line, include] : includes_of(file)) {
      const std::string to = layer_of(include);
      if (to == from || !table.contains(table_name(to)) || !table.contains(table_name(from))) continue;
      EXPECT_LT(table.at(table_name(to)), table.at(table_name(from)))
          << file.string() << ":" << line << ": " << from << " (" << table.at(table_name(from))
          << ") may not include \"" << include << "\" (" << table.at(table_name(to)) << ")";
    }
  }
}

TEST(Layering, IncludesAreSpelledFromTheRoot) {
  for (const fs::path& file : files_in({"src", "recipes", "cli"}, {".h", ".cpp"})) {
    for (const auto& [line, include] : includes_of(file)) {
      EXPECT_TRUE(include == "commit.h" || fs::exists(root() / "src" / include) || fs::exists(root() / include))
          << file.string() << ":" << line << ": \"" << include << "\" is not a path from src/ or from the root";
    }
  }
}

}  // namespace
}  // namespace hone::repo
