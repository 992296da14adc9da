// A parsed template: trees of expressions and statements, as plain structs.
#pragma once

#include "hone/text/jinja/context.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hone::text::jinja {

enum class ExprKind {
  text,     ///< name: the string
  integer,  ///< whole
  real,     ///< number
  truth,    ///< whole: 0 or 1
  none,
  name,         ///< name
  list,         ///< parts
  tuple,        ///< parts
  dict,         ///< parts: key, value, key, value …
  attribute,    ///< parts[0] . name
  item,         ///< parts[0] [ parts[1] ]
  slice,        ///< parts[0] [ parts[1] : parts[2] : parts[3] ]; absent ones are null
  call,         ///< parts[0] ( parts[1]… , named )
  filter,       ///< parts[0] | name ( parts[1]… , named ); parts[0] is null in a filter block
  test,         ///< parts[0] is name ( parts[1]… ); whole = 1 for "is not"
  unary,        ///< signs[0] parts[0]: "-", "+" or "not"
  arithmetic,   ///< parts[0] signs[0] parts[1] signs[1] parts[2] …, from left to right
  compare,      ///< the same, chained as in Python
  both,         ///< and, over parts
  either,       ///< or, over parts
  concat,       ///< ~, over parts
  conditional,  ///< parts[0] if parts[1] else parts[2] (null: undefined)
};

struct Expr;
using ExprRef = std::unique_ptr<Expr>;

struct Expr {
  /// Adds a part, which may be null.
  void add(ExprRef part) {
    if (part) height = std::max(height, part->height + 1);
    parts.push_back(std::move(part));
  }

  int height = 1;  ///< levels of the tree: it is walked, and freed, by recursion
  ExprKind kind = ExprKind::none;
  Position at;
  std::string name;
  int64_t whole = 0;
  double number = 0;
  std::vector<ExprRef> parts;
  std::vector<std::string> signs;
  std::vector<std::pair<std::string, ExprRef>> named;
};

/// A leaf, and an expression with one part so far.
inline ExprRef make_expr(ExprKind kind, Position at, std::string name = {}) {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->at = at;
  expr->name = std::move(name);
  return expr;
}

inline ExprRef wrap_expr(ExprKind kind, Position at, ExprRef part, std::string name = {}) {
  ExprRef expr = make_expr(kind, at, std::move(name));
  expr->add(std::move(part));
  return expr;
}

enum class NodeKind {
  text,          ///< text
  print,         ///< value
  branch,        ///< branches: (condition or null, body)
  loop,          ///< for target in value if condition: body, otherwise
  set,           ///< target = value
  set_block,     ///< target = what body prints, through value when it is a filter
  macro,         ///< text: its name; parameters, body
  call_block,    ///< value: the call; parameters, body
  filter_block,  ///< value: a filter of body's output
  with,          ///< parameters: name = value; body
  generation,    ///< body: what the assistant says
  leave,         ///< break
  next,          ///< continue
};

struct Node;
using Body = std::vector<Node>;

struct Branch;

struct Node {
  NodeKind kind = NodeKind::text;
  Position at;
  std::string text;
  ExprRef target, value, condition;
  std::vector<std::pair<std::string, ExprRef>> parameters;  ///< names, and defaults or null
  std::vector<Branch> branches;
  Body body, otherwise;
};

struct Branch {
  ExprRef condition;  ///< null for else
  Body body;
};

}  // namespace hone::text::jinja
