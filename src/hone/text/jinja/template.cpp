#include "hone/text/jinja/template.h"

#include "hone/text/jinja/interpreter.h"
#include "hone/text/jinja/parser.h"

#include <algorithm>
#include <utility>

namespace hone::text::jinja {
namespace {

// Blocks nest no deeper than Limits::nesting.
bool generates(const Body& body) {
  return std::any_of(body.begin(), body.end(), [](const Node& node) {
    const bool in_branch = std::any_of(node.branches.begin(), node.branches.end(),
                                       [](const Branch& branch) { return generates(branch.body); });
    return node.kind == NodeKind::generation || in_branch || generates(node.body) || generates(node.otherwise);
  });
}

}  // namespace

Template::Template(std::string_view source, std::string where, const Limits& limits)
    : where_(std::move(where)), limits_(limits) {
  Context context(where_, limits_);
  body_ = std::make_shared<const Body>(parse_template(source, context));
}

bool Template::marks_generation() const { return generates(*body_); }

MarkedText Template::render(const Json& variables, int64_t now) const {
  require(variables.is_object(), ErrorKind::internal, "{}: the variables of a template must be an object", where_);
  Context context(where_, limits_);
  Interpreter interpreter(context, now);
  for (const auto& [name, value] : variables.items()) {
    const uint8_t mark = value.is_string() ? kTrusted : kUser;
    interpreter.globals()->names.insert_or_assign(name, from_json(context, value, mark));
  }
  return interpreter.run(*body_);
}

}  // namespace hone::text::jinja
