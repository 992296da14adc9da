// Jinja as chat templates use it: the subset that published templates need, with transformers' settings, for templates
// that nobody vouches for. What this does not do: include, import, extends and block, recursive loops, autoescape.
#pragma once

#include "hone/base/json.h"
#include "hone/text/jinja/ast.h"
#include "hone/text/jinja/marked_text.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hone::text::jinja {

/// A parsed template. Immutable; threads may render it at the same time.
class Template {
 public:
  /// Parses `source`; `where` names it in errors. Errors: format naming where:line:column.
  Template(std::string_view source, std::string where, const Limits& limits = {});

  /// What the template prints for `variables`, an object. Strings at its top level (bos_token, …) are trusted; those
  /// inside lists and objects (messages, tools, documents) are marked kUser, whatever the template does to them, except
  /// for the role of a message when it is a known one; what stands in {% generation %} is marked kGenerated.
  ///   now     seconds since 1970, for strftime_now (UTC)
  ///   errors  format naming where:line:column: a wrong type, an undefined value used, steps, memory or depth
  ///           exhausted; data: raise_exception was called
  /// Cost: at most Limits::steps steps and Limits::total_bytes bytes, the parsed template aside.
  MarkedText render(const Json& variables, int64_t now = 0) const;

  /// Whether a {% generation %} block stands anywhere in it.
  bool marks_generation() const;

 private:
  std::string where_;
  Limits limits_;
  std::shared_ptr<const Body> body_;
};

}  // namespace hone::text::jinja
