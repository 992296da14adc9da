#include "hone/text/jinja/token_stream.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::text::jinja {
namespace {

TEST(TokenStream, TakesAndSkips) {
  Context context("t", {});
  TokenStream tokens(cut_tokens("{{ a.b }}", context), context);
  EXPECT_EQ(tokens.take().kind, TokenKind::print_begin);
  EXPECT_TRUE(tokens.is_name("a"));
  EXPECT_EQ(tokens.following().text, ".");
  EXPECT_FALSE(tokens.skip_name("b"));
  EXPECT_TRUE(tokens.skip_name("a"));
  EXPECT_TRUE(tokens.skip_sign("."));
  EXPECT_EQ(error_of([&] { tokens.expect_sign("("); }), "format: t:1:6: expected '(', found 'b'");
  tokens.take();
  tokens.take();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tokens.take().kind, TokenKind::end);  // the end stays
}

TEST(TokenStream, Targets) {
  Context context("t", {});
  const auto target = [&](std::string_view source) {
    TokenStream tokens(cut_tokens(source, context), context);
    tokens.take();
    return parse_target(tokens);
  };
  EXPECT_EQ(target("{{ a }}")->kind, ExprKind::name);
  EXPECT_EQ(target("{{ a.b }}")->kind, ExprKind::attribute);
  EXPECT_EQ(target("{{ a, (b, c) }}")->parts[1]->parts.size(), 2u);
  EXPECT_TRUE(says(error_of([&] { target("{{ none }}"); }), "can't assign to 'none'"));
}

}  // namespace
}  // namespace hone::text::jinja
