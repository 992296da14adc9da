#include "hone/text/jinja/token_stream.h"

namespace hone::text::jinja {
namespace {

ExprRef parse_one_target(TokenStream& tokens) {
  const Context::Level level(tokens.at_token());
  if (tokens.skip_sign("(")) {
    ExprRef inner = parse_target(tokens);
    tokens.expect_sign(")");
    return inner;
  }
  const Token token = tokens.expect(TokenKind::name, "a name to assign to");
  for (const char* word : {"true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "in", "is"}) {
    if (token.text == word) tokens.fail_at(token.at, fmt::format("can't assign to '{}'", word));
  }
  ExprRef name = make_expr(ExprKind::name, token.at, token.text);
  if (!tokens.skip_sign(".")) return name;
  return wrap_expr(ExprKind::attribute, token.at, std::move(name), tokens.expect(TokenKind::name, "an attribute").text);
}

}  // namespace

std::string TokenStream::shown(const Token& token) {
  switch (token.kind) {
    case TokenKind::end:
      return "the end of the template";
    case TokenKind::text:
      return "text";
    case TokenKind::print_begin:
      return "{{";
    case TokenKind::print_end:
      return "}}";
    case TokenKind::block_begin:
      return "{%";
    case TokenKind::block_end:
      return "%}";
    case TokenKind::string:
      return "a string";
    default:
      return "'" + token.text.substr(0, 40) + "'";
  }
}

ExprRef parse_target(TokenStream& tokens) {
  const Position at = tokens.now().at;
  ExprRef first = parse_one_target(tokens);
  if (!tokens.is_sign(",")) return first;
  ExprRef all = wrap_expr(ExprKind::tuple, at, std::move(first));
  while (tokens.skip_sign(",")) {
    if (!tokens.is(TokenKind::name) && !tokens.is_sign("(")) break;
    all->add(parse_one_target(tokens));
  }
  return all;
}

}  // namespace hone::text::jinja
