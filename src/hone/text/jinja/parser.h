// Template source → tree.
#pragma once

#include "hone/text/jinja/ast.h"

#include <string_view>

namespace hone::text::jinja {

/// Parses Jinja's statements for, if, set, macro, call, filter, with, raw, break, continue and the {% generation %}
/// that transformers adds. Blocks and brackets nest at most context.limits().nesting deep.
/// Errors: format with template, line and column: bad syntax, a statement that chat templates don't have (include,
/// import, extends, block).
Body parse_template(std::string_view source, Context& context);

}  // namespace hone::text::jinja
