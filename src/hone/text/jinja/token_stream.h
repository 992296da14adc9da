// Tokens with a place to stand: what both halves of the parser read from.
#pragma once

#include "hone/text/jinja/ast.h"
#include "hone/text/jinja/lexer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::text::jinja {

class TokenStream {
 public:
  TokenStream(std::vector<Token> tokens, Context& context) : tokens_(std::move(tokens)), context_(context) {}

  const Token& now() const { return tokens_[at_]; }
  const Token& following() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool is(TokenKind kind) const { return now().kind == kind; }
  bool is_sign(std::string_view sign) const { return is(TokenKind::sign) && now().text == sign; }
  bool is_name(std::string_view name) const { return is(TokenKind::name) && now().text == name; }
  Token take() {
    Token token = now();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool skip_sign(std::string_view sign) { return is_sign(sign) && (take(), true); }
  bool skip_name(std::string_view name) { return is_name(name) && (take(), true); }
  Token expect(TokenKind kind, std::string_view what) {
    if (!is(kind)) fail(fmt::format("expected {}, found {}", what, shown(now())));
    return take();
  }
  void expect_sign(std::string_view sign) {
    if (!skip_sign(sign)) fail(fmt::format("expected '{}', found {}", sign, shown(now())));
  }
  /// A format error at the token that is next.
  [[noreturn]] void fail(std::string_view message) { fail_at(now().at, message); }
  [[noreturn]] void fail_at(Position at, std::string_view message) {
    context_.at = at;
    context_.fail("{}", message);
  }
  /// One level of nesting; its errors name the token that is next.
  Context& at_token() {
    context_.at = now().at;
    return context_;
  }
  const Limits& limits() const { return context_.limits(); }

  static std::string shown(const Token& token);

 private:
  std::vector<Token> tokens_;
  Context& context_;
  std::size_t at_ = 0;
};

/// Which expression stands where: `for x in a if b` must not read "a if b" as one.
enum class Conditionals { allowed, refused };

/// Reads one expression (of more than one, separated by commas, a tuple). Errors: format with line and column.
ExprRef parse_expression(TokenStream& tokens, Conditionals conditionals = Conditionals::allowed);
/// The same, but a comma ends it.
ExprRef parse_item(TokenStream& tokens);
/// The names that a `for` or `set` assigns to: a name, a tuple of them, or (for set) namespace.attribute.
ExprRef parse_target(TokenStream& tokens);
/// A filter without its operand: {% filter upper %}, {% set x | trim %}; further ones may follow after "|".
ExprRef parse_filters(TokenStream& tokens, ExprRef operand);
/// A name, call or attribute access, as {% call %} needs it.
ExprRef parse_single(TokenStream& tokens);

}  // namespace hone::text::jinja
