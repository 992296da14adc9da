// Runs a parsed template.
#pragma once

#include "hone/text/jinja/ast.h"
#include "hone/text/jinja/value.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text::jinja {

/// The names that one block sees, and the block around it.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::map<std::string, Value, std::less<>> names;
};
using ScopeRef = std::shared_ptr<Scope>;

class Interpreter {
 public:
  /// `now`: seconds since 1970, for strftime_now (UTC). Both must outlive the interpreter.
  Interpreter(Context& context, int64_t now);
  /// Unlinks namespaces and the scopes of macros, which may hold one another.
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// The outermost names; filled with the global functions.
  const ScopeRef& globals() const { return globals_; }
  /// What the template prints. Errors: format with line and column; data from raise_exception.
  MarkedText run(const Body& body);

  /// The value of an expression; interpreter_expressions.cpp.
  Value evaluate(const Expr& expr, const ScopeRef& scope);

 private:
  enum class Flow { on, leave, next };

  Flow run(const Body& body, const ScopeRef& scope, MarkedText& out);
  Flow run(const Node& node, const ScopeRef& scope, MarkedText& out);
  Flow run_branch(const Node& node, const ScopeRef& scope, MarkedText& out);
  Flow run_loop(const Node& node, const ScopeRef& scope, MarkedText& out);
  Flow run_with(const Node& node, const ScopeRef& scope, MarkedText& out);
  void run_call_block(const Node& node, const ScopeRef& scope, MarkedText& out);
  void run_generation(const Node& node, const ScopeRef& scope, MarkedText& out);
  MarkedText capture(const Body& body, const ScopeRef& scope);
  void print(const MarkedText& text, MarkedText& out);

  void assign(const Expr& target, Value value, const ScopeRef& scope);
  void define_macro(const Node& node, const ScopeRef& scope);
  Value make_macro(const Node& node, std::string name, const ScopeRef& scope);
  Value call_macro(const Node& node, const ScopeRef& closure, const Arguments& arguments);
  void add_functions(int64_t now);

  Value evaluate_inner(const Expr& expr, const ScopeRef& scope);
  Value look_up(const Expr& expr, const ScopeRef& scope);
  Value make_dict_value(const Expr& expr, const ScopeRef& scope);
  Value evaluate_call(const Expr& expr, const ScopeRef& scope);
  Value evaluate_filter(const Expr& expr, Value operand, const ScopeRef& scope);
  Value apply_filters(const Expr& expr, const Value& operand, const ScopeRef& scope);
  Value evaluate_chain(const Expr& expr, const ScopeRef& scope);
  Value evaluate_concat(const Expr& expr, const ScopeRef& scope);
  Arguments arguments_of(const Expr& expr, const ScopeRef& scope);
  std::vector<Value> values_of(const Expr& expr, const ScopeRef& scope);

  Context& context_;
  ScopeRef globals_;
  std::vector<ScopeRef> closures_;        ///< scopes that macros hold
  std::vector<NamespaceRef> namespaces_;  ///< every one made
};

}  // namespace hone::text::jinja
