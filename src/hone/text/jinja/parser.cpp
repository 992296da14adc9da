#include "hone/text/jinja/parser.h"

#include "hone/text/jinja/token_stream.h"

#include <algorithm>
#include <initializer_list>

namespace hone::text::jinja {
namespace {

class Parser {
 public:
  explicit Parser(TokenStream& tokens) : tokens_(tokens) {}

  Body whole() {
    Body body = until({});
    if (!tokens_.is(TokenKind::end)) tokens_.fail("a statement that closes or continues nothing");
    return body;
  }

 private:
  // Statements up to a block whose first word is one of `ends`; the stream then stands at that word.
  Body until(std::initializer_list<const char*> ends) {
    const Context::Level level(tokens_.at_token());
    Body body;
    for (;;) {
      switch (tokens_.now().kind) {
        case TokenKind::text: {
          Node& node = add(body, NodeKind::text);
          node.text = tokens_.take().text;
          break;
        }
        case TokenKind::print_begin: {
          Node& node = add(body, NodeKind::print);
          tokens_.take();
          node.value = parse_expression(tokens_);
          tokens_.expect(TokenKind::print_end, "}}");
          break;
        }
        case TokenKind::block_begin: {
          const std::string& word = tokens_.following().text;
          const bool is_end = std::any_of(ends.begin(), ends.end(), [&](const char* end) { return word == end; });
          if (is_end || word.starts_with("end") || word == "else" || word == "elif") {
            if (!is_end) refuse_end(word, ends);
            tokens_.take();
            return body;
          }
          statement(body);
          break;
        }
        default:
          if (ends.size() > 0) {
            tokens_.fail(fmt::format("a block is never closed by {{% {} %}}", fmt::join(ends, " or ")));
          }
          return body;
      }
    }
  }

  [[noreturn]] void refuse_end(const std::string& word, std::initializer_list<const char*> ends) {
    if (ends.size() == 0) tokens_.fail(fmt::format("'{}' closes or continues nothing", word.substr(0, 40)));
    tokens_.fail(fmt::format("found '{}' where {} closes the block", word.substr(0, 40), fmt::join(ends, " or ")));
  }

  Node& add(Body& body, NodeKind kind) {
    body.emplace_back();
    body.back().kind = kind;
    body.back().at = tokens_.now().at;
    return body.back();
  }

  void close_tag() { tokens_.expect(TokenKind::block_end, "%}"); }
  // The word that `until` stopped at, and the end of its tag.
  void close_block() {
    tokens_.take();
    close_tag();
  }

  void statement(Body& body) {
    if (++depth_ > tokens_.limits().nesting) {
      tokens_.fail(fmt::format("blocks nested deeper than {} levels", tokens_.limits().nesting));
    }
    const Position at = tokens_.take().at;
    const Token word = tokens_.expect(TokenKind::name, "a statement");
    Node node;
    node.at = at;
    read(node, word);
    body.push_back(std::move(node));
    --depth_;
  }

  void read(Node& node, const Token& word) {
    const std::string& name = word.text;
    if (name == "if") return branch(node);
    if (name == "for") return loop(node);
    if (name == "set") return set(node);
    if (name == "macro") return macro(node);
    if (name == "call") return call_block(node);
    if (name == "filter") return filter_block(node);
    if (name == "with") return with(node);
    if (name == "generation") return generation(node);
    if (name == "break" || name == "continue") return jump(node, word);
    tokens_.fail_at(word.at,
                    fmt::format("the statement '{}' is not supported; chat templates have for, if, set, macro, "
                                "call, filter, with, raw, generation, break and continue",
                                name.substr(0, 40)));
  }

  void branch(Node& node) {
    node.kind = NodeKind::branch;
    for (bool more = true; more;) {
      Branch next;
      next.condition = parse_expression(tokens_, Conditionals::refused);
      close_tag();
      next.body = until({"elif", "else", "endif"});
      node.branches.push_back(std::move(next));
      more = tokens_.skip_name("elif");
    }
    if (tokens_.skip_name("else")) {
      close_tag();
      Branch last;
      last.body = until({"endif"});
      node.branches.push_back(std::move(last));
    }
    close_block();
  }

  void loop(Node& node) {
    node.kind = NodeKind::loop;
    node.target = parse_target(tokens_);
    if (node.target->kind == ExprKind::attribute) tokens_.fail_at(node.target->at, "a loop can't assign an attribute");
    if (!tokens_.skip_name("in")) tokens_.fail("expected 'in'");
    node.value = parse_expression(tokens_, Conditionals::refused);
    if (tokens_.skip_name("if")) node.condition = parse_expression(tokens_);
    if (tokens_.is_name("recursive")) tokens_.fail("recursive loops are not supported; use a macro");
    close_tag();
    ++loops_;
    node.body = until({"else", "endfor"});
    --loops_;
    if (tokens_.skip_name("else")) {
      close_tag();
      node.otherwise = until({"endfor"});
    }
    close_block();
  }

  void set(Node& node) {
    node.target = parse_target(tokens_);
    if (tokens_.skip_sign("=")) {
      node.kind = NodeKind::set;
      node.value = parse_expression(tokens_);
      close_tag();
      return;
    }
    node.kind = NodeKind::set_block;
    if (tokens_.skip_sign("|")) node.value = parse_filters(tokens_, nullptr);
    close_tag();
    node.body = until({"endset"});
    close_block();
  }

  void parameters(Node& node) {
    tokens_.expect_sign("(");
    while (!tokens_.skip_sign(")")) {
      std::string name = tokens_.expect(TokenKind::name, "a parameter").text;
      ExprRef standard;
      if (tokens_.skip_sign("=")) {
        standard = parse_item(tokens_);
      } else if (!node.parameters.empty() && node.parameters.back().second) {
        tokens_.fail("a parameter without default after one with a default");
      }
      node.parameters.emplace_back(std::move(name), std::move(standard));
      if (!tokens_.is_sign(")")) tokens_.expect_sign(",");
    }
  }

  void macro(Node& node) {
    node.kind = NodeKind::macro;
    node.text = tokens_.expect(TokenKind::name, "the name of a macro").text;
    parameters(node);
    close_tag();
    node.body = outside_loops({"endmacro"});
    close_block();
  }

  void call_block(Node& node) {
    node.kind = NodeKind::call_block;
    if (tokens_.is_sign("(")) parameters(node);
    node.value = parse_single(tokens_);
    if (node.value->kind != ExprKind::call) tokens_.fail("{% call %} needs a call such as name()");
    close_tag();
    node.body = outside_loops({"endcall"});
    close_block();
  }

  // break and continue don't reach through a macro.
  Body outside_loops(std::initializer_list<const char*> ends) {
    const int loops = std::exchange(loops_, 0);
    Body body = until(ends);
    loops_ = loops;
    return body;
  }

  void filter_block(Node& node) {
    node.kind = NodeKind::filter_block;
    node.value = parse_filters(tokens_, nullptr);
    close_tag();
    node.body = until({"endfilter"});
    close_block();
  }

  void with(Node& node) {
    node.kind = NodeKind::with;
    while (!tokens_.is(TokenKind::block_end)) {
      if (!node.parameters.empty()) tokens_.expect_sign(",");
      std::string name = tokens_.expect(TokenKind::name, "a name to assign to").text;
      tokens_.expect_sign("=");
      node.parameters.emplace_back(std::move(name), parse_item(tokens_));
    }
    close_tag();
    node.body = until({"endwith"});
    close_block();
  }

  void generation(Node& node) {
    node.kind = NodeKind::generation;
    close_tag();
    node.body = outside_loops({"endgeneration"});
    close_block();
  }

  void jump(Node& node, const Token& word) {
    if (loops_ == 0) tokens_.fail_at(word.at, fmt::format("'{}' outside of a loop", word.text));
    node.kind = word.text == "break" ? NodeKind::leave : NodeKind::next;
    close_tag();
  }

  TokenStream& tokens_;
  int depth_ = 0, loops_ = 0;
};

}  // namespace

Body parse_template(std::string_view source, Context& context) {
  TokenStream tokens(cut_tokens(source, context), context);
  return Parser(tokens).whole();
}

}  // namespace hone::text::jinja
