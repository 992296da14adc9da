// Drives the built hone from outside: fork, exec, pipes; no shell.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hone::invariants {

/// What a program said and how it ended.
struct Outcome {
  int code = -1;  ///< exit code; 128 + signal when killed
  std::string out, err;
};

/// How to start it.
struct Setting {
  std::filesystem::path folder;                    ///< working folder
  std::map<std::string, std::string> environment;  ///< on top of a small fixed one
  std::string stdin_from;                          ///< a path instead of nothing
  std::string stdout_to;                           ///< a path instead of a pipe, e.g. "/dev/full"
  long most_file_bytes = -1;                       ///< RLIMIT_FSIZE; -1 = none
};

/// Runs `hone words…` to its end.
Outcome hone(const std::vector<std::string>& words, const Setting& setting);

/// A hone that is running.
class Running {
 public:
  Running(const std::vector<std::string>& words, const Setting& setting);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void send(int signal) const;
  /// Waits for the end and reads what was said.
  Outcome wait();
  /// Whether it ended within `seconds`.
  bool ends_within(double seconds);

 private:
  pid_t child_ = -1;
  int status_ = 0;
  std::filesystem::path out_, err_;
};

/// A folder of its own, removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// Writes a file; returns its path.
  std::string file(const std::string& name, const std::string& text) const;
  /// Everything below it: relative paths, sorted.
  std::vector<std::string> content() const;

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::filesystem::path& file);

/// The libraries that the built program `name` would be loaded with.
std::string libraries_of(const std::string& name);
/// Whether hone-engine was built.
bool has_engine();

}  // namespace hone::invariants
