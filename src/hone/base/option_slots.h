// How options.cpp sees an options struct: as a list of named members with their descriptions. Private to this folder.
#pragma once

#include "hone/base/options.h"
#include "hone/base/toml_text.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hone::base {

/// One member of an options struct. The alternatives of `target` are in the order of TomlScalar's.
struct OptionSlot {
  std::string path;
  std::variant<bool*, int64_t*, double*, std::string*> target;
  FieldInfo info;

  TomlScalar value() const;
  /// `value` must have passed check().
  void assign(const TomlScalar& value) const;
  /// "bool", "int", "number" or "text".
  const char* type_name() const;
};

/// What is wrong with a value, and what to do about it.
struct OptionProblem {
  std::string message, remedy;
};

/// The members of `options` in the order of visit(); they point into `options`.
std::vector<OptionSlot> slots_of(Options& options);

/// The slot named `path`, or nullptr.
const OptionSlot* find_slot(const std::vector<OptionSlot>& slots, std::string_view path);

/// "a.b" of "a.b.c", and "" of "a".
std::string_view group_of(std::string_view path);
/// "c" of "a.b.c".
std::string_view leaf_of(std::string_view path);

/// True if some option lies below `path`.
bool is_group(const std::vector<OptionSlot>& slots, std::string_view path);

/// The names directly inside `group`: options and, once each, groups.
std::vector<std::string> names_in(const std::vector<OptionSlot>& slots, std::string_view group);

/// The end of an error about the unknown `path`, called `word` among its neighbours `candidates`: the nearest of
/// them, else the option of another group whose last name is nearest, else the list of candidates.
std::string hint(const std::vector<OptionSlot>& slots, std::string_view path, std::string_view word,
                 const std::vector<std::string>& candidates);

/// Turns `value` into the slot's type and checks type, finiteness, range, choices and UTF-8; nothing if all is well.
std::optional<OptionProblem> check(const OptionSlot& slot, TomlScalar& value);

/// The problem of a value that is no scalar; `found` is e.g. "a table".
OptionProblem wrong_type(const OptionSlot& slot, std::string_view found);

/// "0 to 1", "at least 0", "at most 1" or "".
std::string range_text(const FieldInfo& info);

}  // namespace hone::base
