// Python's operators on values.
#pragma once

#include "hone/text/jinja/value.h"

#include <string_view>

namespace hone::text::jinja {

/// a `sign` b for + - * / // % **. Integers have 64 bits.
/// Errors: format for types that don't go together, division by zero, overflow, an undefined operand (with its name).
Value arithmetic(Context& context, std::string_view sign, const Value& a, const Value& b);
/// -a or +a.
Value negate(Context& context, std::string_view sign, const Value& a);
/// a `sign` b for == != < <= > >= in "not in".
bool compare(Context& context, std::string_view sign, const Value& a, const Value& b);
/// Whether `container` (list, dict, string) holds `value`.
bool contains(Context& context, const Value& container, const Value& value);

/// object.name: a method or a loop's, namespace's or dict's member; undefined when there is none.
/// Errors: format when `object` is itself undefined.
Value attribute(Context& context, const Value& object, std::string_view name);
/// object[key]: a dict's member, a list's or string's element, else as attribute(). Errors: as attribute().
Value item(Context& context, const Value& object, const Value& key);

/// Bounds of a slice; each is an integer or none.
struct Slice {
  Value start, stop, step;
};
/// object[start:stop:step] of a list, tuple or string (by characters). Errors: format for other types, a step of 0.
Value slice(Context& context, const Value& object, const Slice& bounds);

/// Characters of a string.
int64_t length_of(Context& context, const MarkedText& text);
/// What the use of an undefined value says: "'x' is undefined".
[[noreturn]] void fail_undefined(const Context& context, const Value& value);

}  // namespace hone::text::jinja
