// nlohmann::json, fenced once: what the library would accept silently (deep nesting, duplicate keys, wrong signs,
// non-finite numbers) is refused here, so that no other file has to think of it.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace hone {

/// Keeps the order of keys, so that written files are stable.
using Json = nlohmann::ordered_json;

namespace base {

/// Deepest nesting of arrays and objects that parse_json accepts.
inline constexpr int kMaxJsonDepth = 64;

/// Parses one JSON value out of a hostile text.
///
///   text    UTF-8; NaN and Infinity are refused
///   where   names the source in errors, e.g. "chat.jsonl:12" or "config.json"
///   errors  format: bad syntax or UTF-8 (with byte offset), nesting over kMaxJsonDepth, a key twice in one object
///
/// Integers beyond 64 bits become floats. Looking a key up is linear in the size of its object: walk large objects
/// (vocabularies) with items().
Json parse_json(std::string_view text, std::string_view where);

/// The member `key` of the object `object` as an integer in [min, max]; a float with an integral value is refused.
/// Errors: format, naming `where`, the key, what was found and the range.
int64_t get_int(const Json& object, std::string_view key, int64_t min, int64_t max, std::string_view where);
/// The same, or `fallback` when the key is absent or null.
int64_t get_int_or(const Json& object, std::string_view key, int64_t fallback, int64_t min, int64_t max,
                   std::string_view where);
/// The member `key` as a finite number (integers are widened).
double get_number_or(const Json& object, std::string_view key, double fallback, std::string_view where);
/// The member `key` as a string.
std::string get_string(const Json& object, std::string_view key, std::string_view where);
std::string get_string_or(const Json& object, std::string_view key, std::string_view fallback, std::string_view where);
bool get_bool_or(const Json& object, std::string_view key, bool fallback, std::string_view where);

/// A finite number as JSON; a non-finite one as null (hone never writes bare NaN or Infinity).
Json finite_or_null(double value);

/// Compact text of `value`; invalid UTF-8 inside strings is replaced, never thrown on.
std::string dump(const Json& value, int indent = -1);

}  // namespace base
}  // namespace hone
