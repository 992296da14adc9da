#include "hone/text/jinja/print.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <limits>

namespace hone::text::jinja {
namespace {

TEST(Print, FloatsLikeRepr) {
  EXPECT_EQ(float_text(1), "1.0");
  EXPECT_EQ(float_text(-0.0), "-0.0");
  EXPECT_EQ(float_text(0.1), "0.1");
  EXPECT_EQ(float_text(1e16), "1e+16");
  EXPECT_EQ(float_text(123456789012345680.0), "1.2345678901234568e+17");
  EXPECT_EQ(float_text(1e15), "1000000000000000.0");
  EXPECT_EQ(float_text(0.0001), "0.0001");
  EXPECT_EQ(float_text(0.00001), "1e-05");
  EXPECT_EQ(float_text(1e300), "1e+300");
  EXPECT_EQ(float_text(std::numeric_limits<double>::infinity()), "inf");
}

TEST(Print, ContainersQuoteTheirStrings) {
  Context context("t", {});
  const Json json = base::parse_json(R"({"a": [1, "it's", null, true], "b\n": "\u0001é"})", "test");
  EXPECT_EQ(to_text(context, from_json(context, json, kUser)).bytes,
            "{'a': [1, \"it's\", None, True], 'b\\n': '\\x01é'}");
  EXPECT_EQ(to_json(context, from_json(context, json, kUser), {}).bytes,
            R"({"a": [1, "it's", null, true], "b\n": "\u0001é"})");
}

TEST(Print, WhatHasNoTextIsRefused) {
  Context context("t", {});
  const Value function = make_callable("f", nullptr);
  EXPECT_TRUE(says(error_of([&] { to_text(context, function); }), "a 'function' object can't be printed"));
  EXPECT_TRUE(says(error_of([&] { to_json(context, undefined("x"), {}); }), "Undefined is not JSON"));
}

}  // namespace
}  // namespace hone::text::jinja
