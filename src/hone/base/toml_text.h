// The part of TOML 1.0 that files of options need, read by a parser without recursion on hostile depth.
//
// Written here because the packaged toml++ 3.3 aborts on "[.a]", has undefined behaviour on letters outside ASCII in
// keys, and overflows the stack on keys of many parts. All of TOML is recognised, but arrays and dates, which no option
// takes, are only skipped. More lenient than TOML: a table of dotted keys may be continued by a header.
#pragma once

#include "hone/base/error.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hone::base {

/// The scalars that options know: "bool", "int", "number", "text" in this order.
using TomlScalar = std::variant<bool, int64_t, double, std::string>;

/// A stretch of the text, in bytes; `line` counts from 1.
struct TomlPlace {
  int line = 1;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// One key of the text.
struct TomlNode {
  std::string group, name;          ///< [group] and key; a part that needs quotes keeps them, so it names no option
  std::string path;                 ///< group.name
  std::optional<TomlScalar> value;  ///< absent for tables and for what options don't know
  std::string kind;                 ///< then one of "a table", "an array", "a date or time"
  TomlPlace key_place, value_place;

  bool is_table() const { return kind == "a table"; }
};

/// All keys in the order of the text; a table comes once, before its members, whether or not it has a header.
/// Errors: usage, with file:line:column, the line and a caret — bad syntax, bad UTF-8, control characters, a key or
/// table twice, over 16 parts in a key, over 128 bytes in a part, over 4,096 keys, over 1 MiB.
std::vector<TomlNode> read_toml(std::string_view text, std::string_view file_name);

/// One scalar in TOML's spelling, e.g. `3`, `1e-4`, `true`, `"a b"`; nothing when `text` is not exactly that.
std::optional<TomlScalar> read_toml_scalar(std::string_view text);

/// A scalar in TOML's spelling: the shortest digits that read back to the same double, strings quoted and escaped.
std::string toml_spelling(const TomlScalar& value);

/// The offset of the first byte that is not UTF-8, or npos.
std::size_t find_bad_utf8(std::string_view text);

/// `text` with control characters blanked, safe for a terminal and for a comment.
std::string printable(std::string_view text);

/// Throws a usage error "file:line:column: message", followed by the line and a line of carets.
[[noreturn]] void fail_at(std::string_view text, std::string_view file_name, const TomlPlace& place,
                          std::string_view message, std::string remedy = {});

}  // namespace hone::base
