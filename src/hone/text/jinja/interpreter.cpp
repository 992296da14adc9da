#include "hone/text/jinja/interpreter.h"

#include "hone/text/jinja/builtins.h"
#include "hone/text/jinja/operators.h"
#include "hone/text/jinja/print.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <ctime>

namespace hone::text::jinja {
namespace {

// Only what does not depend on the machine's locale or time zone.
Value format_time(Context& context, int64_t now, const Arguments& arguments) {
  const Bound bound(context, "strftime_now", arguments, {"format"});
  const std::string& format = bound.text(0).bytes;
  const std::time_t seconds = now;
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) context.fail("strftime_now: the clock stands at {} s", now);
  std::string out;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      out += format[at];
      continue;
    }
    constexpr std::string_view kDirectives = "aAbBdHIjmMpSyY%";
    const char directive = at + 1 < format.size() ? format[++at] : ' ';
    if (kDirectives.find(directive) == std::string_view::npos) {
      context.fail("strftime_now: %{} is not supported; allowed: {}", directive, kDirectives);
    }
    const char one[] = {'%', directive, '\0'};
    char text[64];
    out.append(text, std::strftime(text, sizeof text, one, &parts));
    if (out.size() > context.limits().output_bytes) context.allocate_text(out.size());
  }
  return make_text(context, out);
}

ScopeRef inner(const ScopeRef& parent) {
  auto scope = std::make_shared<Scope>();
  scope->parent = parent;
  return scope;
}

}  // namespace

Interpreter::Interpreter(Context& context, int64_t now) : context_(context), globals_(std::make_shared<Scope>()) {
  add_functions(now);
}

Interpreter::~Interpreter() {
  // Everything is held by these lists meanwhile, so that clearing one frees no chain of others by recursion.
  for (const NamespaceRef& space : namespaces_) space->members.clear();
  for (const ScopeRef& scope : closures_) scope->names.clear();
  globals_->names.clear();
}

void Interpreter::add_functions(int64_t now) {
  for (auto& [name, function] : global_functions()) globals_->names[name] = std::move(function);
  globals_->names["strftime_now"] = make_callable("strftime_now", [now](Context& context, const Arguments& arguments) {
    return format_time(context, now, arguments);
  });
  globals_->names["namespace"] = make_callable("namespace", [this](Context& context, const Arguments& arguments) {
    context.allocate(sizeof(Namespace));
    auto space = std::make_shared<Namespace>();
    namespaces_.push_back(space);
    if (arguments.positional.size() > 1) context.fail("namespace takes one dict and named values");
    if (!arguments.positional.empty()) {
      const Dict* from = arguments.positional[0].dict();
      if (from == nullptr) context.fail("namespace takes a dict, not '{}'", type_name(arguments.positional[0]));
      for (const auto& [key, value] : from->members) {
        context.step();
        if (key.text() != nullptr) space->members[key.text()->bytes] = value;
      }
    }
    for (const auto& [name, value] : arguments.named) space->members[name] = value;
    return Value(space);
  });
}

MarkedText Interpreter::run(const Body& body) {
  MarkedText out;
  run(body, inner(globals_), out);
  return out;
}

MarkedText Interpreter::capture(const Body& body, const ScopeRef& scope) {
  MarkedText out;
  run(body, scope, out);
  return out;
}

void Interpreter::print(const MarkedText& text, MarkedText& out) {
  context_.allocate(text.size());
  context_.scan(text.size());
  if (text.size() > context_.limits().output_bytes - out.size()) {
    context_.fail("more than {} bytes of output", context_.limits().output_bytes);
  }
  out.append(text);
}

Interpreter::Flow Interpreter::run(const Body& body, const ScopeRef& scope, MarkedText& out) {
  const Context::Level level(context_);
  for (const Node& node : body) {
    context_.at = node.at;
    context_.step();
    const Flow flow = run(node, scope, out);
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Interpreter::Flow Interpreter::run(const Node& node, const ScopeRef& scope, MarkedText& out) {
  switch (node.kind) {
    case NodeKind::text:
      print(MarkedText(node.text), out);
      break;
    case NodeKind::print:
      print(to_text(context_, evaluate(*node.value, scope)), out);
      break;
    case NodeKind::branch:
      return run_branch(node, scope, out);
    case NodeKind::loop:
      return run_loop(node, scope, out);
    case NodeKind::set:
      assign(*node.target, evaluate(*node.value, scope), scope);
      break;
    case NodeKind::set_block: {
      Value value = make_text(context_, capture(node.body, inner(scope)));
      if (node.value) value = apply_filters(*node.value, value, scope);
      assign(*node.target, std::move(value), scope);
      break;
    }
    case NodeKind::macro:
      define_macro(node, scope);
      break;
    case NodeKind::call_block:
      run_call_block(node, scope, out);
      break;
    case NodeKind::filter_block: {
      const Value text = make_text(context_, capture(node.body, inner(scope)));
      print(to_text(context_, apply_filters(*node.value, text, scope)), out);
      break;
    }
    case NodeKind::with:
      return run_with(node, scope, out);
    case NodeKind::generation:
      run_generation(node, scope, out);
      break;
    case NodeKind::leave:
      return Flow::leave;
    case NodeKind::next:
      return Flow::next;
  }
  return Flow::on;
}

Interpreter::Flow Interpreter::run_branch(const Node& node, const ScopeRef& scope, MarkedText& out) {
  for (const Branch& branch : node.branches) {
    if (!branch.condition || is_true(evaluate(*branch.condition, scope))) return run(branch.body, scope, out);
  }
  return Flow::on;
}

Interpreter::Flow Interpreter::run_loop(const Node& node, const ScopeRef& scope, MarkedText& out) {
  const Value over = evaluate(*node.value, scope);
  context_.at = node.at;
  std::vector<Value> all = elements(context_, over);
  if (node.condition) {
    std::vector<Value> kept;
    for (Value& element : all) {
      const ScopeRef pass = inner(scope);
      assign(*node.target, element, pass);
      if (is_true(evaluate(*node.condition, pass))) kept.push_back(std::move(element));
    }
    all = std::move(kept);
  }
  if (all.empty()) return run(node.otherwise, scope, out);
  const auto items = std::make_shared<const std::vector<Value>>(std::move(all));
  const auto changed = std::make_shared<std::string>();
  for (std::size_t i = 0; i < items->size(); ++i) {
    context_.at = node.at;
    context_.step();
    context_.allocate(sizeof(Scope) + sizeof(Loop));
    const ScopeRef pass = inner(scope);
    pass->names["loop"] = Value(std::make_shared<const Loop>(Loop{items, static_cast<int64_t>(i), 0, changed}));
    assign(*node.target, (*items)[i], pass);
    if (run(node.body, pass, out) == Flow::leave) break;
  }
  return Flow::on;
}

Interpreter::Flow Interpreter::run_with(const Node& node, const ScopeRef& scope, MarkedText& out) {
  const ScopeRef block = inner(scope);
  for (const auto& [name, value] : node.parameters) block->names[name] = evaluate(*value, scope);
  return run(node.body, block, out);
}

void Interpreter::run_call_block(const Node& node, const ScopeRef& scope, MarkedText& out) {
  const Value callee = evaluate(*node.value->parts[0], scope);
  Arguments arguments = arguments_of(*node.value, scope);
  context_.at = node.at;
  const auto* callable = callee.as<CallableRef>();
  if (callable == nullptr) context_.fail("'{}' object is not callable", type_name(callee));
  arguments.named.emplace_back("caller", make_macro(node, "caller", scope));
  print(to_text(context_, (*callable)->call(context_, arguments)), out);
}

void Interpreter::run_generation(const Node& node, const ScopeRef& scope, MarkedText& out) {
  MarkedText said = capture(node.body, inner(scope));
  said.add_mark(kGenerated);
  print(said, out);
}

void Interpreter::assign(const Expr& target, Value value, const ScopeRef& scope) {
  if (target.kind == ExprKind::name) {
    context_.allocate(sizeof(Value) + target.name.size());
    scope->names[target.name] = std::move(value);
    return;
  }
  if (target.kind == ExprKind::attribute) {
    const Value object = look_up(*target.parts[0], scope);
    context_.at = target.at;
    const auto* space = object.as<NamespaceRef>();
    if (space == nullptr) context_.fail("cannot assign attribute on non-namespace object");
    context_.allocate(sizeof(Value) + target.name.size());
    (*space)->members[target.name] = std::move(value);
    return;
  }
  context_.at = target.at;
  const std::vector<Value> parts = elements(context_, value);
  if (parts.size() != target.parts.size()) {
    context_.fail("{} values for {} names", parts.size(), target.parts.size());
  }
  for (std::size_t i = 0; i < parts.size(); ++i) assign(*target.parts[i], parts[i], scope);
}

void Interpreter::define_macro(const Node& node, const ScopeRef& scope) {
  scope->names[node.text] = make_macro(node, node.text, scope);
}

Value Interpreter::make_macro(const Node& node, std::string name, const ScopeRef& scope) {
  context_.allocate(sizeof(Callable) + sizeof(ScopeRef));
  if (closures_.empty() || closures_.back() != scope) closures_.push_back(scope);
  // A plain pointer: the list above keeps the scope alive, and a scope that held itself would never be freed.
  return make_callable(std::move(name), [this, &node, closure = scope.get()](Context&, const Arguments& arguments) {
    return call_macro(node, ScopeRef(ScopeRef(), closure), arguments);
  });
}

Value Interpreter::call_macro(const Node& node, const ScopeRef& closure, const Arguments& arguments) {
  const Context::Level level(context_);
  const Position called = context_.at;
  const std::string_view name = node.kind == NodeKind::macro ? std::string_view(node.text) : "caller";
  context_.allocate(sizeof(Scope));
  const ScopeRef scope = inner(closure);
  std::vector<const Value*> given(node.parameters.size(), nullptr);
  if (arguments.positional.size() > given.size()) {
    context_.fail("macro '{}' takes not more than {} argument(s)", name, given.size());
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) given[i] = &arguments.positional[i];
  for (const auto& [key, value] : arguments.named) {
    std::size_t at = 0;
    while (at < given.size() && node.parameters[at].first != key) ++at;
    if (at < given.size()) {
      if (given[at] != nullptr) context_.fail("macro '{}' got multiple values for argument '{}'", name, key);
      given[at] = &value;
    } else if (key == "caller") {
      scope->names[key] = value;
    } else {
      context_.fail("macro '{}' takes no keyword argument '{}'", name, key);
    }
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto& [parameter, standard] = node.parameters[i];
    scope->names[parameter] = given[i] != nullptr ? *given[i]
                              : standard          ? evaluate(*standard, scope)
                                         : undefined(fmt::format("parameter '{}' was not provided", parameter));
  }
  MarkedText text = capture(node.body, scope);
  context_.at = called;
  return make_text(context_, std::move(text));
}

}  // namespace hone::text::jinja
