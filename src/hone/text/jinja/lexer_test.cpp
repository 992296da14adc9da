#include "hone/text/jinja/lexer.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::text::jinja {
namespace {

std::vector<Token> cut(std::string_view source) {
  Context context("t", {});
  return cut_tokens(source, context);
}

// Kinds and texts in one line.
std::string shown(std::string_view source) {
  constexpr const char* kKinds[] = {"text", "{{", "}}", "{%", "%}", "name", "string", "integer", "real", "sign", "end"};
  std::string all;
  for (const Token& token : cut(source)) {
    all += kKinds[static_cast<int>(token.kind)];
    if (!token.text.empty()) all += "(" + token.text + ")";
    all += " ";
  }
  return all;
}

TEST(Lexer, TagsAndText) {
  EXPECT_EQ(shown("a{{ b.c[1] }}d"), "text(a) {{ name(b) sign(.) name(c) sign([) integer(1) sign(]) }} text(d) end ");
  EXPECT_EQ(shown("{% set x = 1_0 // 2.5e1 %}"),
            "{% name(set) name(x) sign(=) integer(10) sign(//) real(2.5e1) %} end ");
  EXPECT_EQ(shown("{{ {'}}': {1: 2}} }}"),
            "{{ sign({) string(}}) sign(:) sign({) integer(1) sign(:) integer(2) sign(}) sign(}) }} end ");
}

TEST(Lexer, WhiteSpace) {
  EXPECT_EQ(shown("a \n {%- if x -%} \n b"), "text(a) {% name(if) name(x) %} text(b) end ");
  EXPECT_EQ(shown(" {% x %}\n\nb\n"), "{% name(x) %} text(\nb) end ");
  EXPECT_EQ(shown("a {% x %}\nb"), "text(a ) {% name(x) %} text(b) end ");
  EXPECT_EQ(shown("{# a #}\n{#- b -#}\n c"), "text(c) end ");
}

TEST(Lexer, PositionsCountLinesAndBytes) {
  const std::vector<Token> tokens = cut("ab\n {{ c }}");
  EXPECT_EQ(tokens[2].text, "c");
  EXPECT_EQ(tokens[2].at.line, 2);
  EXPECT_EQ(tokens[2].at.column, 5);
}

TEST(Lexer, Errors) {
  EXPECT_EQ(error_of([] { cut("a\n {{ b"); }), "format: t:2:2: {{ is never closed by }}");
  EXPECT_EQ(error_of([] { cut("{# a"); }), "format: t:1:1: a comment is never closed by #}");
  EXPECT_EQ(error_of([] { cut("{{ 'a }}"); }), "format: t:1:4: a string is never closed");
  EXPECT_EQ(error_of([] { cut("{{ (] }}"); }), "format: t:1:5: unexpected ']'");
  EXPECT_EQ(error_of([] { cut("{{ ! }}"); }), "format: t:1:4: the character \"!\" has no meaning here");
  EXPECT_TRUE(says(error_of([] { cut("{{ '\\ud800' }}"); }), "surrogate"));
  EXPECT_TRUE(says(error_of([] { cut("{{ '\\x4"); }), "escape"));
}

}  // namespace
}  // namespace hone::text::jinja
