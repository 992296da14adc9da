// Nothing grows past what one reads in a sitting.
#include "tests/repo/source_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace hone::repo {
namespace {

std::size_t most_lines(const fs::path& file) {
  const std::string name = file.filename().string();
  if (file.begin()->string() == "cli" && (name == "main.cpp" || name == "engine_main.cpp")) return 80;
  if (file.begin()->string() == "recipes" && name == "recipe.cpp") return 300;
  return file.extension() == ".h" ? 150 : 400;
}

TEST(Sizes, Files) {
  for (const fs::path& file : code_files()) {
    EXPECT_LE(lines_of(root() / file).size(), most_lines(file)) << file.string();
  }
}

// A function's body begins with a line "…) … {" and ends with the first "}" at the same indentation: the code is
// formatted by clang-format.
TEST(Sizes, Functions) {
  constexpr std::size_t kMostLines = 60;
  for (const fs::path& file : code_files()) {
    const std::vector<std::string> lines = lines_of(root() / file);
    for (std::size_t begin = 0; begin < lines.size(); ++begin) {
      const std::string& line = lines[begin];
      const auto indent = line.find_first_not_of(' ');
      const bool opens = line.ends_with("{") && line.find(')') != std::string::npos && (indent == 0 || indent == 2);
      if (!opens || line.starts_with("namespace") || line.find("struct ") == indent) continue;
      const std::string close = std::string(indent, ' ') + "}";
      std::size_t end = begin + 1;
      while (end < lines.size() && lines[end].substr(0, indent + 1) != close) ++end;
      EXPECT_LE(end - begin + 1, kMostLines) << file.string() << ":" << begin + 1 << ": " << line;
    }
  }
}

// x.h, x.cpp and x_test.cpp count as one.
TEST(Sizes, Folders) {
  constexpr std::size_t kMostUnits = 20;
  std::map<fs::path, std::set<std::string>> units;
  for (const fs::path& file : code_files()) {
    if (!is_test(file)) units[file.parent_path()].insert(file.stem().string());
  }
  for (const auto& [folder, names] : units) EXPECT_LE(names.size(), kMostUnits) << folder.string();
}

}  // namespace
}  // namespace hone::repo
