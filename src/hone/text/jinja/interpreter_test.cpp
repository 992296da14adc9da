#include "hone/text/jinja/interpreter.h"

#include "hone/text/jinja/parser.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::text::jinja {
namespace {

std::string run(std::string_view source) {
  Context context("t", {});
  const Body body = parse_template(source, context);
  Interpreter interpreter(context, 0);
  return interpreter.run(body).bytes;
}

TEST(Interpreter, BlocksHaveTheirOwnNames) {
  EXPECT_EQ(run("{% set x = 1 %}{% for i in [2, 3] %}{{ x }}{% set x = i %}{{ x }} {% endfor %}{{ x }}"), "12 13 1");
  EXPECT_EQ(run("{% if true %}{% set x = 1 %}{% endif %}{{ x }}"), "1");
  EXPECT_EQ(run("{% macro m() %}{% set x = 1 %}{% endmacro %}{{ m() }}{{ x is defined }}"), "False");
}

TEST(Interpreter, MacrosSeeLaterChangesOfTheirBlock) {
  EXPECT_EQ(run("{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}"), "2");
}

TEST(Interpreter, TheClockIsGiven) { EXPECT_EQ(run("{{ strftime_now('%Y-%m-%d %H:%M') }}"), "1970-01-01 00:00"); }

TEST(Interpreter, ClockFormatsOfTheLocaleAreRefused) {
  EXPECT_TRUE(says(error_of([] { run("{{ strftime_now('%c') }}"); }), "%c is not supported"));
  EXPECT_TRUE(says(error_of([] { run("{{ strftime_now('%') }}"); }), "not supported"));
}

TEST(Interpreter, UnpackingNeedsAsManyValues) {
  EXPECT_EQ(error_of([] { run("{% for a, b in [[1, 2, 3]] %}{% endfor %}"); }), "format: t:1:8: 3 values for 2 names");
}

}  // namespace
}  // namespace hone::text::jinja
