// Values as text, the way Python writes them.
#pragma once

#include "hone/text/jinja/value.h"

namespace hone::text::jinja {

/// Python's str(): what {{ value }} prints; "" for an undefined value. Marks of strings are kept.
/// Errors: format for what has no stable text (functions, generators, `loop`).
MarkedText to_text(Context& context, const Value& value);

/// How json.dumps is told to write.
struct JsonStyle {
  int indent = -1;  ///< -1: on one line
  std::string item_separator = ", ", key_separator = ": ";
  enum class Keys { as_given, sorted } keys = Keys::as_given;
  enum class Text { as_is, ascii } text = Text::as_is;
};
/// transformers' tojson filter: json.dumps(value, ensure_ascii=False, …), without HTML escapes.
/// Errors: format for what JSON can't hold.
MarkedText to_json(Context& context, const Value& value, const JsonStyle& style);

/// repr of a float: the shortest digits that read back to it, e.g. 1.0, 0.1, 1e+16, inf.
std::string float_text(double number);

}  // namespace hone::text::jinja
