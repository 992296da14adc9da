// Options described once. A struct lists its members in visit(); that one list gives the TOML file, `--set a.b=c`,
// `hone show`, JSON in the run record, range errors and unknown-key errors with the nearest match.
#pragma once

#include "hone/base/json.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::base {

/// What is known of one option besides its name, type and default.
struct FieldInfo {
  std::string help;                                        ///< one line, no full stop
  double min = -std::numeric_limits<double>::infinity();   ///< allowed range of numbers, inclusive
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};                   ///< allowed texts; empty = any
  std::string source = "ours";                             ///< of the default: "§5.1", "official code", "ours"
};

/// Calls back for every member of an options struct.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void field(std::string_view name, bool& value, const FieldInfo& info) = 0;
  virtual void field(std::string_view name, int64_t& value, const FieldInfo& info) = 0;
  virtual void field(std::string_view name, double& value, const FieldInfo& info) = 0;
  virtual void field(std::string_view name, std::string& value, const FieldInfo& info) = 0;

  /// A nested struct: its members are named `name.member`.
  template <class S>
  void group(std::string_view name, S& nested) {
    enter(name);
    nested.visit(*this);
    leave();
  }

 protected:
  virtual void enter(std::string_view name) = 0;
  virtual void leave() = 0;
};

/// Base of a recipe's options, so that the program can hold any of them.
struct Options {
  virtual ~Options() = default;
  virtual void visit(OptionVisitor& v) = 0;
};

/// Where a value came from, in rising precedence.
enum class Origin { standard, preset, file, environment, set };

/// One option as text, for printing and JSON.
struct OptionEntry {
  std::string path;      ///< "clip.high"
  std::string type;      ///< "bool", "int", "number", "text"
  std::string value;     ///< current value as TOML
  std::string standard;  ///< default value as TOML
  FieldInfo info;
  Origin origin = Origin::standard;
  std::string place;     ///< "my.toml:14", "--set", the preset's name, or "" for a default
};

/// The options of one run being filled: remembers for every value where it came from.
class OptionSet {
 public:
  /// `options` must outlive the set. Values that differ from a default-constructed struct are marked as coming from
  /// `preset` when `preset` is not empty; `defaults` are the struct's own defaults.
  /// Errors: internal — a name used twice, or a value of the struct or preset that its own description refuses.
  OptionSet(Options& options, Options& defaults, std::string_view preset);

  /// `path` = `text`, with `text` in TOML's spelling (strings may go without quotes). A value that already came from
  /// an origin of higher precedence stays, whatever the order of the calls.
  /// Errors: usage — unknown path (with the nearest), wrong type, not finite, out of range, not one of the choices,
  /// not UTF-8; `place` leads.
  void set(std::string_view path, std::string_view text, Origin origin, std::string_view place);
  /// "a.b=c", as given to --set.
  void set_assignment(std::string_view assignment);
  /// Every value of a TOML file; `file_name` names it in errors (file:line:column and the line with a caret).
  /// Nothing is set when the file holds an error.
  void load_toml(std::string_view toml, std::string_view file_name);

  std::vector<OptionEntry> entries() const;
  Json to_json() const;          ///< nested objects; values only
  /// TOML with one comment per value: help, range, source, and where it came from; loads back to the same values.
  std::string to_toml() const;

 private:
  struct Mark {
    Origin origin = Origin::standard;
    std::string place;
  };

  Options& options_;
  Options& defaults_;
  std::vector<Mark> marks_;  // one per option, in the order of visit()
};

/// Applies a JSON object written by OptionSet::to_json to `options` (used on resume). Options that it does not name
/// keep their values: they are newer than the run.
/// Errors: format, naming `where` — unknown key, wrong type, out of range; `options` is then unchanged.
void options_from_json(Options& options, const Json& json, std::string_view where);

}  // namespace hone::base
