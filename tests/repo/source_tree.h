// The repository as text, for tests of its own rules. HONE_SOURCE_DIR comes from CMake.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace hone::repo {

namespace fs = std::filesystem;

inline fs::path root() { return HONE_SOURCE_DIR; }

/// The lines of a file, without line ends.
inline std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Regular files below `folders` of the repository whose names end in one of `ends`, sorted; paths from the root.
inline std::vector<fs::path> files_in(const std::vector<std::string>& folders, const std::vector<std::string>& ends) {
  std::vector<fs::path> files;
  for (const std::string& folder : folders) {
    std::error_code code;
    for (fs::recursive_directory_iterator it(root() / folder, code), end; !code && it != end; it.increment(code)) {
      const std::string name = it->path().filename().string();
      const bool wanted = std::any_of(ends.begin(), ends.end(), [&](const auto& end) { return name.ends_with(end); });
      if (wanted && it->is_regular_file()) files.push_back(fs::relative(it->path(), root()));
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Every C++ file of the program and its tests.
inline std::vector<fs::path> code_files() {
  return files_in({"src", "recipes", "cli", "tests", "bench"}, {".h", ".cpp"});
}

inline bool is_test(const fs::path& file) {
  return file.stem().string().ends_with("_test") || file.begin()->string() == "tests";
}

/// What a file includes in quotes, with the line numbers, counted from 1.
inline std::vector<std::pair<int, std::string>> includes_of(const fs::path& file) {
  std::vector<std::pair<int, std::string>> found;
  int number = 0;
  for (const std::string& line : lines_of(root() / file)) {
    ++number;
    constexpr std::string_view kStart = "#include \"";
    if (!line.starts_with(kStart)) continue;
    const auto end = line.find('"', kStart.size());
    if (end != std::string::npos) found.emplace_back(number, line.substr(kStart.size(), end - kStart.size()));
  }
  return found;
}

}  // namespace hone::repo
