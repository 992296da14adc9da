// Small promises about every file.
#include "tests/repo/source_tree.h"

#include <gtest/gtest.h>

namespace hone::repo {
namespace {

std::vector<fs::path> text_files() {
  auto files = files_in({"src", "recipes", "cli", "tests", "bench", "docs", "tools", "cmake", ".ci"},
                        {".h", ".cpp", ".md", ".cmake", ".in", ".sh", ".txt", "run"});
  for (const auto& entry : fs::directory_iterator(root())) {
    if (entry.is_regular_file()) files.push_back(entry.path().filename());
  }
  return files;
}

// The verbs are driven from outside (tests/invariants), and a recipe_test.cpp covers the whole folder of a recipe.
bool is_tested_elsewhere(const fs::path& source) {
  return source.parent_path() == "cli/commands" || source.begin()->string() == "recipes";
}

TEST(Hygiene, EveryUnitHasItsTestBesideIt) {
  for (const fs::path& source : files_in({"src", "recipes", "cli"}, {".cpp"})) {
    fs::path header = root() / source, test = root() / source;
    header.replace_extension(".h");
    test.replace_filename(source.stem().string() + "_test.cpp");
    // A source without a header of its own is a part of another unit, which has the test.
    if (is_test(source) || is_tested_elsewhere(source) || !fs::exists(header)) continue;
    EXPECT_TRUE(fs::exists(test)) << source.string() << " has no " << test.filename().string();
  }
}

TEST(Hygiene, TheWholeOfTorchIsNeverIncluded) {
  const std::string whole = std::string("<torch/") + "torch.h>";
  for (const fs::path& file : code_files()) {
    int number = 0;
    for (const std::string& line : lines_of(root() / file)) {
      ++number;
      EXPECT_FALSE(line.starts_with("#include " + whole)) << file.string() << ":" << number;
    }
  }
}

TEST(Hygiene, HeadersHaveTheirGuardAndSayWhatTheyAre) {
  for (const fs::path& file : files_in({"src", "recipes", "cli"}, {".h"})) {
    const auto lines = lines_of(root() / file);
    ASSERT_FALSE(lines.empty()) << file.string();
    EXPECT_TRUE(lines[0].starts_with("//")) << file.string() << ":1: begin with a comment that says what this is";
    const bool guarded = std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
      return line == "#pragma once" || line.starts_with("#if defined(");
    });
    EXPECT_TRUE(guarded) << file.string() << ": no #pragma once";
  }
}

TEST(Hygiene, NothingIsLeftUnfinishedOrTiedToAMachine) {
  // Spelled in two halves, so that this file passes.
  const std::string words[] = {std::string("TO") + "DO", std::string("FIX") + "ME", std::string("/wo") + "rk/",
                               std::string("/ho") + "me/", std::string("../sha") + "red/"};
  for (const fs::path& file : text_files()) {
    int number = 0;
    for (const std::string& line : lines_of(root() / file)) {
      ++number;
      for (const std::string& word : words) {
        EXPECT_EQ(line.find(word), std::string::npos) << file.string() << ":" << number << ": " << word;
      }
    }
  }
}

TEST(Hygiene, LinesEndPlainly) {
  for (const fs::path& file : text_files()) {
    int number = 0;
    for (const std::string& line : lines_of(root() / file)) {
      ++number;
      EXPECT_FALSE(line.ends_with(" ") || line.ends_with("\r") || line.ends_with("\t"))
          << file.string() << ":" << number;
    }
  }
}

}  // namespace
}  // namespace hone::repo
