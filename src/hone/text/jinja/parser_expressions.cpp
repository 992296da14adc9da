// The grammar of expressions, one function a level, loosest first.
#include "hone/text/jinja/token_stream.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

namespace hone::text::jinja {
namespace {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  ExprRef tuple(Conditionals conditionals) {
    const Position at = tokens_.now().at;
    ExprRef first = one(conditionals);
    if (!tokens_.is_sign(",")) return first;
    ExprRef all = wrap_expr(ExprKind::tuple, at, std::move(first));
    while (tokens_.skip_sign(",")) {
      if (ends_tuple()) break;
      all->add(one(conditionals));
    }
    return all;
  }

  ExprRef filters(ExprRef operand) {
    ExprRef expr = filter(std::move(operand));
    while (tokens_.skip_sign("|")) expr = filter(std::move(expr));
    return expr;
  }

  ExprRef item_of_list() { return conditional(); }

  ExprRef single() { return postfix(primary()); }

 private:
  bool ends_tuple() const {
    return tokens_.is(TokenKind::print_end) || tokens_.is(TokenKind::block_end) || tokens_.is_sign(")") ||
           tokens_.is_sign("=") || tokens_.is_name("if") || tokens_.is_name("recursive");
  }

  ExprRef one(Conditionals conditionals) {
    if (conditionals == Conditionals::allowed) return conditional();
    ExprRef expr = either();
    check_height(*expr);
    return expr;
  }

  ExprRef conditional() {
    const Context::Level level(tokens_.at_token());
    ExprRef expr = conditional_chain();
    check_height(*expr);
    return expr;
  }

  void check_height(const Expr& expr) {
    if (expr.height > tokens_.limits().depth) {
      tokens_.fail(fmt::format("an expression of more than {} levels", tokens_.limits().depth));
    }
  }

  ExprRef conditional_chain() {
    const Position at = tokens_.now().at;
    ExprRef expr = either();
    int links = 0;
    while (tokens_.skip_name("if")) {
      count_link(links);
      ExprRef whole = wrap_expr(ExprKind::conditional, at, std::move(expr));
      whole->add(either());
      whole->add(tokens_.skip_name("else") ? conditional() : nullptr);
      expr = std::move(whole);
    }
    return expr;
  }

  // Chains that grow a tree to the left are kept short: the tree is walked by recursion.
  void count_link(int& links) {
    if (++links > tokens_.limits().nesting) {
      tokens_.fail(fmt::format("more than {} steps in one chain of an expression", tokens_.limits().nesting));
    }
  }

  template <class Next>
  ExprRef chain_of_name(ExprKind kind, std::string_view name, Next next) {
    const Position at = tokens_.now().at;
    ExprRef first = next();
    if (!tokens_.is_name(name)) return first;
    ExprRef all = wrap_expr(kind, at, std::move(first));
    while (tokens_.skip_name(name)) all->add(next());
    return all;
  }

  ExprRef either() {
    return chain_of_name(ExprKind::either, "or", [&] { return both(); });
  }
  ExprRef both() {
    return chain_of_name(ExprKind::both, "and", [&] { return negation(); });
  }

  ExprRef negation() {
    if (!tokens_.is_name("not")) return comparison();
    const Context::Level level(tokens_.at_token());
    const Position at = tokens_.take().at;
    ExprRef expr = wrap_expr(ExprKind::unary, at, negation());
    expr->signs.emplace_back("not");
    return expr;
  }

  ExprRef comparison() {
    const Position at = tokens_.now().at;
    ExprRef first = sum();
    ExprRef all;
    for (std::string sign = comparison_sign(); !sign.empty(); sign = comparison_sign()) {
      if (!all) all = wrap_expr(ExprKind::compare, at, std::move(first));
      all->signs.push_back(std::move(sign));
      all->add(sum());
    }
    return all ? std::move(all) : std::move(first);
  }

  std::string comparison_sign() {
    for (const char* sign : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (tokens_.skip_sign(sign)) return sign;
    }
    if (tokens_.skip_name("in")) return "in";
    if (tokens_.is_name("not") && tokens_.following().kind == TokenKind::name && tokens_.following().text == "in") {
      tokens_.take();
      tokens_.take();
      return "not in";
    }
    return "";
  }

  template <class Next>
  ExprRef chain_of_signs(ExprKind kind, std::initializer_list<const char*> signs, Next next) {
    const Position at = tokens_.now().at;
    ExprRef first = next();
    ExprRef all;
    const auto found = [&] {
      return std::find_if(signs.begin(), signs.end(), [&](const char* sign) { return tokens_.is_sign(sign); });
    };
    while (found() != signs.end()) {
      if (!all) all = wrap_expr(kind, at, std::move(first));
      all->signs.push_back(tokens_.take().text);
      all->add(next());
    }
    return all ? std::move(all) : std::move(first);
  }

  ExprRef sum() {
    return chain_of_signs(ExprKind::arithmetic, {"+", "-"}, [&] { return concat(); });
  }
  ExprRef concat() {
    return chain_of_signs(ExprKind::concat, {"~"}, [&] { return product(); });
  }
  ExprRef product() {
    return chain_of_signs(ExprKind::arithmetic, {"*", "/", "//", "%"}, [&] { return power(); });
  }
  ExprRef power() {
    return chain_of_signs(ExprKind::arithmetic, {"**"}, [&] { return filtered(signed_primary()); });
  }

  // A sign binds tighter than filters and tests, but they apply to what it made.
  ExprRef signed_primary() {
    if (!tokens_.is_sign("-") && !tokens_.is_sign("+")) return single();
    const Context::Level level(tokens_.at_token());
    const Token sign = tokens_.take();
    ExprRef expr = wrap_expr(ExprKind::unary, sign.at, signed_primary());
    expr->signs.push_back(sign.text);
    return postfix(std::move(expr));
  }

  ExprRef filtered(ExprRef expr) {
    int links = 0;
    for (;;) {
      count_link(links);
      if (tokens_.skip_sign("|")) {
        expr = filter(std::move(expr));
      } else if (tokens_.is_name("is")) {
        expr = test(std::move(expr));
      } else if (tokens_.is_sign("(")) {
        expr = call(std::move(expr));
      } else {
        return expr;
      }
    }
  }

  ExprRef filter(ExprRef operand) {
    const Token name = tokens_.expect(TokenKind::name, "the name of a filter");
    ExprRef expr = wrap_expr(ExprKind::filter, name.at, std::move(operand), name.text);
    if (tokens_.is_sign("(")) arguments(*expr);
    return expr;
  }

  ExprRef test(ExprRef operand) {
    const Position at = tokens_.take().at;
    const int64_t negated = tokens_.skip_name("not") ? 1 : 0;
    const Token name = tokens_.expect(TokenKind::name, "the name of a test");
    ExprRef expr = wrap_expr(ExprKind::test, at, std::move(operand), name.text);
    expr->whole = negated;
    if (tokens_.is_sign("(")) {
      arguments(*expr);
    } else if (begins_argument()) {
      expr->add(single());
    }
    return expr;
  }

  // `x is divisibleby 3`: one argument without brackets.
  bool begins_argument() {
    const TokenKind kind = tokens_.now().kind;
    if (kind == TokenKind::name) {
      const std::string& word = tokens_.now().text;
      if (word == "is") tokens_.fail("two tests in a row need brackets");
      return word != "else" && word != "or" && word != "and" && word != "if" && word != "in" && word != "not" &&
             word != "recursive";
    }
    return kind == TokenKind::string || kind == TokenKind::integer || kind == TokenKind::real || tokens_.is_sign("[") ||
           tokens_.is_sign("{");
  }

  ExprRef postfix(ExprRef expr) {
    int links = 0;
    for (;;) {
      count_link(links);
      if (tokens_.is_sign(".")) {
        expr = attribute(std::move(expr));
      } else if (tokens_.is_sign("[")) {
        expr = item(std::move(expr));
      } else if (tokens_.is_sign("(")) {
        expr = call(std::move(expr));
      } else {
        return expr;
      }
    }
  }

  ExprRef attribute(ExprRef object) {
    const Position at = tokens_.take().at;
    if (tokens_.is(TokenKind::integer)) {
      ExprRef expr = wrap_expr(ExprKind::item, at, std::move(object));
      expr->add(primary());
      return expr;
    }
    return wrap_expr(ExprKind::attribute, at, std::move(object), tokens_.expect(TokenKind::name, "an attribute").text);
  }

  ExprRef item(ExprRef object) {
    const Position at = tokens_.take().at;
    ExprRef first = tokens_.is_sign(":") ? nullptr : tuple(Conditionals::allowed);
    if (!tokens_.is_sign(":")) {
      tokens_.expect_sign("]");
      ExprRef expr = wrap_expr(ExprKind::item, at, std::move(object));
      expr->add(std::move(first));
      return expr;
    }
    ExprRef expr = wrap_expr(ExprKind::slice, at, std::move(object));
    expr->add(std::move(first));
    for (int part = 0; part < 2; ++part) {
      const bool given = tokens_.skip_sign(":") && !tokens_.is_sign(":") && !tokens_.is_sign("]");
      expr->add(given ? conditional() : nullptr);
    }
    tokens_.expect_sign("]");
    return expr;
  }

  ExprRef call(ExprRef callee) {
    ExprRef expr = wrap_expr(ExprKind::call, tokens_.now().at, std::move(callee));
    arguments(*expr);
    return expr;
  }

  void arguments(Expr& expr) {
    const Context::Level level(tokens_.at_token());
    tokens_.expect_sign("(");
    while (!tokens_.skip_sign(")")) {
      if (tokens_.is_sign("*") || tokens_.is_sign("**")) tokens_.fail("arguments with * are not supported");
      if (tokens_.is(TokenKind::name) && tokens_.following().kind == TokenKind::sign &&
          tokens_.following().text == "=") {
        const std::string name = tokens_.take().text;
        tokens_.take();
        expr.named.emplace_back(name, conditional());
        expr.height = std::max(expr.height, expr.named.back().second->height + 1);
      } else {
        if (!expr.named.empty()) tokens_.fail("a positional argument after a named one");
        expr.add(conditional());
      }
      if (!tokens_.is_sign(")")) tokens_.expect_sign(",");
    }
  }

  ExprRef primary() {
    const Context::Level level(tokens_.at_token());
    const Token& token = tokens_.now();
    switch (token.kind) {
      case TokenKind::name:
        return name();
      case TokenKind::string: {
        ExprRef expr = make_expr(ExprKind::text, token.at);
        while (tokens_.is(TokenKind::string)) expr->name += tokens_.take().text;
        return expr;
      }
      case TokenKind::integer:
      case TokenKind::real:
        return number();
      default:
        break;
    }
    if (tokens_.is_sign("(")) return bracketed();
    if (tokens_.is_sign("[")) return list();
    if (tokens_.is_sign("{")) return dict();
    tokens_.fail(fmt::format("expected an expression, found {}", TokenStream::shown(token)));
  }

  ExprRef name() {
    const Token token = tokens_.take();
    const std::string& word = token.text;
    if (word == "none" || word == "None") return make_expr(ExprKind::none, token.at);
    if (word == "true" || word == "True" || word == "false" || word == "False") {
      ExprRef expr = make_expr(ExprKind::truth, token.at);
      expr->whole = word == "true" || word == "True" ? 1 : 0;
      return expr;
    }
    return make_expr(ExprKind::name, token.at, word);
  }

  ExprRef number() {
    const Token token = tokens_.take();
    const char* end = token.text.data() + token.text.size();
    ExprRef expr = make_expr(token.kind == TokenKind::real ? ExprKind::real : ExprKind::integer, token.at);
    const auto read = token.kind == TokenKind::real ? std::from_chars(token.text.data(), end, expr->number)
                                                    : std::from_chars(token.text.data(), end, expr->whole);
    if (read.ec != std::errc() || read.ptr != end) tokens_.fail_at(token.at, "a number out of range");
    return expr;
  }

  ExprRef bracketed() {
    const Position at = tokens_.take().at;
    if (tokens_.skip_sign(")")) return make_expr(ExprKind::tuple, at);
    ExprRef expr = tuple(Conditionals::allowed);
    tokens_.expect_sign(")");
    return expr;
  }

  ExprRef list() {
    ExprRef expr = make_expr(ExprKind::list, tokens_.take().at);
    while (!tokens_.skip_sign("]")) {
      expr->add(conditional());
      if (!tokens_.is_sign("]")) tokens_.expect_sign(",");
    }
    return expr;
  }

  ExprRef dict() {
    ExprRef expr = make_expr(ExprKind::dict, tokens_.take().at);
    while (!tokens_.skip_sign("}")) {
      expr->add(conditional());
      tokens_.expect_sign(":");
      expr->add(conditional());
      if (!tokens_.is_sign("}")) tokens_.expect_sign(",");
    }
    return expr;
  }

  TokenStream& tokens_;
};

}  // namespace

ExprRef parse_expression(TokenStream& tokens, Conditionals conditionals) {
  return ExpressionParser(tokens).tuple(conditionals);
}

ExprRef parse_item(TokenStream& tokens) { return ExpressionParser(tokens).item_of_list(); }

ExprRef parse_filters(TokenStream& tokens, ExprRef operand) {
  return ExpressionParser(tokens).filters(std::move(operand));
}

ExprRef parse_single(TokenStream& tokens) { return ExpressionParser(tokens).single(); }

}  // namespace hone::text::jinja
