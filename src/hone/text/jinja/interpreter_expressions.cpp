// The value of expressions.
#include "hone/text/jinja/builtins.h"
#include "hone/text/jinja/interpreter.h"
#include "hone/text/jinja/operators.h"
#include "hone/text/jinja/print.h"

#include <utility>

namespace hone::text::jinja {

Value Interpreter::evaluate(const Expr& expr, const ScopeRef& scope) {
  const Context::Level level(context_);
  context_.at = expr.at;
  context_.step();
  return evaluate_inner(expr, scope);
}

Value Interpreter::evaluate_inner(const Expr& expr, const ScopeRef& scope) {
  switch (expr.kind) {
    case ExprKind::text:
      return make_text(context_, expr.name);
    case ExprKind::integer:
      return Value(expr.whole);
    case ExprKind::real:
      return Value(expr.number);
    case ExprKind::truth:
      return Value(expr.whole != 0);
    case ExprKind::none:
      return Value(None{});
    case ExprKind::name:
      return look_up(expr, scope);
    case ExprKind::list:
      return make_sequence(context_, values_of(expr, scope));
    case ExprKind::tuple:
      return make_sequence(context_, values_of(expr, scope), SequenceKind::tuple);
    case ExprKind::dict:
      return make_dict_value(expr, scope);
    case ExprKind::attribute: {
      const Value object = evaluate(*expr.parts[0], scope);
      context_.at = expr.at;
      return attribute(context_, object, expr.name);
    }
    case ExprKind::item: {
      const Value object = evaluate(*expr.parts[0], scope);
      const Value key = evaluate(*expr.parts[1], scope);
      context_.at = expr.at;
      return item(context_, object, key);
    }
    case ExprKind::call:
      return evaluate_call(expr, scope);
    case ExprKind::filter:
      return evaluate_filter(expr, evaluate(*expr.parts[0], scope), scope);
    default:
      return evaluate_chain(expr, scope);
  }
}

// Operators, slices, tests and conditions.
Value Interpreter::evaluate_chain(const Expr& expr, const ScopeRef& scope) {
  const auto part = [&](std::size_t index) { return evaluate(*expr.parts[index], scope); };
  switch (expr.kind) {
    case ExprKind::slice: {
      const auto bound = [&](std::size_t i) { return expr.parts[i] ? part(i) : Value(None{}); };
      const Value object = part(0);
      const Slice bounds{bound(1), bound(2), bound(3)};
      context_.at = expr.at;
      return slice(context_, object, bounds);
    }
    case ExprKind::test: {
      const Value operand = part(0);
      const Arguments arguments = arguments_of(expr, scope);
      context_.at = expr.at;
      return Value(run_check(context_, expr.name, operand, arguments) != (expr.whole != 0));
    }
    case ExprKind::unary: {
      const Value operand = part(0);
      context_.at = expr.at;
      return expr.signs[0] == "not" ? Value(!is_true(operand)) : negate(context_, expr.signs[0], operand);
    }
    case ExprKind::arithmetic: {
      Value result = part(0);
      for (std::size_t i = 1; i < expr.parts.size(); ++i) {
        const Value next = part(i);
        context_.at = expr.at;
        result = arithmetic(context_, expr.signs[i - 1], result, next);
      }
      return result;
    }
    case ExprKind::compare: {
      Value left = part(0);
      for (std::size_t i = 1; i < expr.parts.size(); ++i) {
        Value right = part(i);
        context_.at = expr.at;
        if (!compare(context_, expr.signs[i - 1], left, right)) return Value(false);
        left = std::move(right);
      }
      return Value(true);
    }
    case ExprKind::both:
    case ExprKind::either: {
      Value value = part(0);
      for (std::size_t i = 1; i < expr.parts.size(); ++i) {
        if (is_true(value) == (expr.kind == ExprKind::either)) break;
        value = part(i);
      }
      return value;
    }
    case ExprKind::conditional:
      if (is_true(part(1))) return part(0);
      if (expr.parts[2]) return part(2);
      return undefined("the inline if-expression evaluated to false and no else section was defined");
    default:
      return evaluate_concat(expr, scope);
  }
}

Value Interpreter::evaluate_concat(const Expr& expr, const ScopeRef& scope) {
  MarkedText out;
  for (const ExprRef& part : expr.parts) {
    const Value value = evaluate(*part, scope);
    out.append(to_text(context_, value));
    if (out.size() > context_.limits().output_bytes) context_.allocate_text(out.size());
  }
  return make_text(context_, std::move(out));
}

Value Interpreter::look_up(const Expr& expr, const ScopeRef& scope) {
  for (const Scope* at = scope.get(); at != nullptr; at = at->parent.get()) {
    if (const auto found = at->names.find(expr.name); found != at->names.end()) return found->second;
  }
  return undefined(fmt::format("'{}' is undefined", expr.name));
}

std::vector<Value> Interpreter::values_of(const Expr& expr, const ScopeRef& scope) {
  std::vector<Value> values;
  values.reserve(expr.parts.size());
  for (const ExprRef& part : expr.parts) values.push_back(evaluate(*part, scope));
  context_.at = expr.at;
  return values;
}

Value Interpreter::make_dict_value(const Expr& expr, const ScopeRef& scope) {
  const std::vector<Value> values = values_of(expr, scope);
  std::vector<std::pair<Value, Value>> members;
  for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
    const Value& key = values[i];
    if (key.text() == nullptr && !key.is_number() && !key.is_none()) {
      context_.fail("'{}' can't be the key of a dict", type_name(key));
    }
    context_.step(static_cast<int64_t>(members.size() / 8));
    std::size_t old = 0;
    while (old < members.size() && !equal(context_, members[old].first, key)) ++old;
    if (old < members.size()) {
      members[old].second = values[i + 1];
    } else {
      members.emplace_back(key, values[i + 1]);
    }
  }
  return make_dict(context_, std::move(members));
}

// parts[0] is the callee or operand, the others are the arguments.
Arguments Interpreter::arguments_of(const Expr& expr, const ScopeRef& scope) {
  Arguments arguments;
  for (std::size_t i = 1; i < expr.parts.size(); ++i) arguments.positional.push_back(evaluate(*expr.parts[i], scope));
  for (const auto& [name, value] : expr.named) arguments.named.emplace_back(name, evaluate(*value, scope));
  context_.at = expr.at;
  context_.allocate((arguments.positional.size() + arguments.named.size()) * sizeof(Value));
  return arguments;
}

Value Interpreter::evaluate_call(const Expr& expr, const ScopeRef& scope) {
  const Value callee = evaluate(*expr.parts[0], scope);
  const Arguments arguments = arguments_of(expr, scope);
  if (callee.is_undefined()) fail_undefined(context_, callee);
  const auto* callable = callee.as<CallableRef>();
  if (callable == nullptr) context_.fail("'{}' object is not callable", type_name(callee));
  return (*callable)->call(context_, arguments);
}

Value Interpreter::evaluate_filter(const Expr& expr, Value operand, const ScopeRef& scope) {
  const Arguments arguments = arguments_of(expr, scope);
  return call_filter(context_, expr.name, operand, arguments);
}

// {% filter a | b %}: the innermost filter of the chain has no operand of its own.
Value Interpreter::apply_filters(const Expr& expr, const Value& operand, const ScopeRef& scope) {
  const Context::Level level(context_);
  return evaluate_filter(expr, expr.parts[0] ? apply_filters(*expr.parts[0], operand, scope) : operand, scope);
}

}  // namespace hone::text::jinja
