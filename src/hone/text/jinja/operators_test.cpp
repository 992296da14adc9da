#include "hone/text/jinja/operators.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::text::jinja {
namespace {

Value whole(int64_t number) { return Value(number); }

int64_t calculate(int64_t a, std::string_view sign, int64_t b) {
  Context context("t", {});
  int64_t result = -999;
  arithmetic(context, sign, Value(a), Value(b)).as_integer(result);
  return result;
}

// Python: -7 // 2 = -4 and -7 % 2 = 1, since -4·2 + 1 = -7; 7 // -2 = -4 and 7 % -2 = -1.
TEST(Operators, DivisionRoundsDown) {
  EXPECT_EQ(calculate(-7, "//", 2), -4);
  EXPECT_EQ(calculate(-7, "%", 2), 1);
  EXPECT_EQ(calculate(7, "//", -2), -4);
  EXPECT_EQ(calculate(7, "%", -2), -1);
  EXPECT_EQ(calculate(INT64_MIN, "%", -1), 0);
}

TEST(Operators, OverflowIsAnError) {
  const auto fails = [](int64_t a, std::string_view sign, int64_t b) {
    EXPECT_TRUE(says(error_of([&] { calculate(a, sign, b); }), "a number beyond 64 bits")) << a << sign << b;
  };
  fails(INT64_MAX, "+", 1);
  fails(INT64_MIN, "-", 1);
  fails(INT64_MAX, "*", 2);
  fails(INT64_MIN, "//", -1);
  fails(3, "**", 64);
  EXPECT_EQ(calculate(-1, "**", INT64_MAX), -1);
  EXPECT_EQ(calculate(2, "**", 62), int64_t{1} << 62);
}

TEST(Operators, SlicesTakeAnyBounds) {
  Context context("t", {});
  const Value text = make_text(context, "aé😀d");
  const auto part = [&](Value start, Value stop, Value step) {
    return slice(context, text, {start, stop, step}).text()->bytes;
  };
  EXPECT_EQ(part(whole(1), whole(3), Value(None{})), "é😀");
  EXPECT_EQ(part(whole(INT64_MIN), whole(INT64_MAX), whole(1)), "aé😀d");
  EXPECT_EQ(part(Value(None{}), Value(None{}), whole(-1)), "d😀éa");
  EXPECT_EQ(part(whole(-1), whole(INT64_MIN), whole(INT64_MIN)), "d");
  EXPECT_EQ(part(Value(None{}), Value(None{}), whole(INT64_MAX)), "a");
  EXPECT_TRUE(says(error_of([&] { part(whole(0), whole(1), whole(0)); }), "a step other than 0"));
}

TEST(Operators, MembersBeforeAttributesOnlyInBrackets) {
  Context context("t", {});
  const Value dict = from_json(context, base::parse_json(R"({"items": 1, "b": 2})", "test"), kUser);
  int64_t number = 0;
  EXPECT_TRUE(item(context, dict, make_text(context, "items")).as_integer(number));
  EXPECT_NE(attribute(context, dict, "items").as<CallableRef>(), nullptr);
  EXPECT_TRUE(attribute(context, dict, "b").as_integer(number));
  EXPECT_TRUE(attribute(context, dict, "__class__").is_undefined());
}

}  // namespace
}  // namespace hone::text::jinja
