// What a verb is, and what it is handed: one command line, cut into operands and options.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::cli {

/// An option as a verb declares it.
struct Option {
  const char* name;         ///< "--preset"
  const char* value;        ///< name of its value in the help; "" for a switch
  const char* help;         ///< at most 48 columns, so that the help fits 80
  const char* letter = "";  ///< "-q" for the few that have one
};

/// One command line, understood.
struct Call {
  std::string program;                ///< argv[0]
  std::vector<std::string> words;     ///< verb and everything after it, as typed
  std::vector<std::string> operands;  ///< words that are neither options nor their values
  std::map<std::string, std::vector<std::string>, std::less<>> options;  ///< by name; switches hold ""
  std::filesystem::path runs = "runs";  ///< where runs are kept: --runs, else HONE_RUNS, else ./runs

  bool has(std::string_view option) const { return options.contains(option); }
  /// The last value given.
  std::optional<std::string> value(std::string_view option) const;
  /// All values, in the order given.
  std::vector<std::string> values(std::string_view option) const;
  /// The value as an integer, or `fallback`. Errors: usage naming the option and the range.
  int64_t integer(std::string_view option, int64_t fallback, int64_t min, int64_t max) const;
  /// The value as a finite number, or `fallback`. Errors: usage naming the option and the range.
  double number(std::string_view option, double fallback, double min, double max) const;
  /// The value, which must be one of a few words, the first of which is the default. Errors: usage with the nearest.
  std::string choice(std::string_view option, std::span<const char* const> words) const;
  /// "hone run score --seed 2", quoted where a shell needs it.
  std::string line() const;
};

/// One verb: a file of commands/.
struct Command {
  const char* name;
  const char* summary;      ///< one line for `hone --help`
  const char* operands;     ///< "<recipe|file.toml>"
  std::size_t least, most;  ///< how many operands
  const char* details;      ///< a paragraph for the verb's own help
  const char* examples;     ///< three lines
  std::span<const Option> options;
  int (*run)(const Call& call);  ///< exit code; throws hone::Error
};

/// Options that every verb takes.
std::span<const Option> common_options();

/// The verb called `name`. Errors: usage with the nearest name.
const Command& find_verb(std::span<const Command> verbs, const std::string& name);

/// Cuts `words` (verb first) by the verb's options: "--name value", "--name=value", "-q"; "--" ends them.
/// Errors: usage — unknown option (with the nearest), a missing or unexpected value, too few or too many operands.
/// With --help nothing is required.
Call parse(const Command& verb, std::string program, std::vector<std::string> words);

}  // namespace hone::cli
