#include "hone/text/jinja/parser.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::text::jinja {
namespace {

Body parse(std::string_view source) {
  Context context("t", {});
  return parse_template(source, context);
}

TEST(Parser, StatementsAndTheirPlaces) {
  const Body body =
      parse("a{% if x %}b{% elif y %}c{% else %}d{% endif %}\n\n{% for i in x if i %}{{ i }}{% endfor %}");
  ASSERT_EQ(body.size(), 4u);
  EXPECT_EQ(body[0].kind, NodeKind::text);
  EXPECT_EQ(body[1].kind, NodeKind::branch);
  EXPECT_EQ(body[1].branches.size(), 3u);
  EXPECT_EQ(body[1].branches[2].condition, nullptr);
  EXPECT_EQ(body[3].kind, NodeKind::loop);
  EXPECT_EQ(body[3].at.line, 3);
  EXPECT_NE(body[3].condition, nullptr);
}

// a + b * c ** d is e: tests bind tightest, then powers, products, sums.
TEST(Parser, Precedence) {
  const Body body = parse("{{ a + b * c ~ d }}");
  const Expr& sum = *body[0].value;
  ASSERT_EQ(sum.kind, ExprKind::arithmetic);
  EXPECT_EQ(sum.signs[0], "+");
  const Expr& concat = *sum.parts[1];
  ASSERT_EQ(concat.kind, ExprKind::concat);
  EXPECT_EQ(concat.parts[0]->kind, ExprKind::arithmetic);
  const Body test = parse("{{ not a + b is defined }}");
  ASSERT_EQ(test[0].value->kind, ExprKind::unary);
  EXPECT_EQ(test[0].value->parts[0]->parts[1]->kind, ExprKind::test);
}

TEST(Parser, Errors) {
  EXPECT_EQ(error_of([] { parse("{% if a %}\n{% endfor %}"); }),
            "format: t:2:1: found 'endfor' where elif or else or endif closes the block");
  EXPECT_EQ(error_of([] { parse("{% for a in b %}"); }),
            "format: t:1:17: a block is never closed by {% else or endfor %}");
  EXPECT_EQ(error_of([] { parse("{% continue %}"); }), "format: t:1:4: 'continue' outside of a loop");
  EXPECT_EQ(error_of([] { parse("{% for a in b %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}"); }),
            "format: t:1:35: 'break' outside of a loop");
  EXPECT_EQ(error_of([] { parse("{{ f(*a) }}"); }), "format: t:1:6: arguments with * are not supported");
  EXPECT_EQ(error_of([] { parse("{% for a in b recursive %}{% endfor %}"); }),
            "format: t:1:15: recursive loops are not supported; use a macro");
  EXPECT_TRUE(says(error_of([] { parse("{{ 99999999999999999999 }}"); }), "a number out of range"));
}

}  // namespace
}  // namespace hone::text::jinja
