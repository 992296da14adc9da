#include "hone/text/jinja/value.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::text::jinja {
namespace {

Json parse(std::string_view text) { return base::parse_json(text, "test"); }

TEST(Value, TruthIsPythons) {
  Context context("t", {});
  const auto truth = [&](std::string_view json) { return is_true(from_json(context, parse(json), kUser)); };
  for (const char* no : {"null", "false", "0", "0.0", "\"\"", "[]", "{}"}) EXPECT_FALSE(truth(no)) << no;
  for (const char* yes : {"true", "-1", "0.5", "\"a\"", "[0]", "{\"a\": 0}"}) EXPECT_TRUE(truth(yes)) << yes;
  EXPECT_FALSE(is_true(undefined("x")));
  EXPECT_TRUE(is_true(make_sequence(context, {}, SequenceKind::generator)));
}

TEST(Value, EqualityAndOrder) {
  Context context("t", {});
  const auto value = [&](std::string_view json) { return from_json(context, parse(json), kUser); };
  EXPECT_TRUE(equal(context, value("1"), value("1.0")));
  EXPECT_TRUE(equal(context, value("{\"a\": [1], \"b\": 2}"), value("{\"b\": 2, \"a\": [true]}")));
  EXPECT_FALSE(equal(context, value("\"1\""), value("1")));
  EXPECT_TRUE(less(context, value("[1, 2]"), value("[1, 3]")));
  EXPECT_TRUE(less(context, value("\"Z\""), value("\"é\"")));
  EXPECT_TRUE(says(error_of([&] { less(context, value("1"), value("\"a\"")); }), "'int' and 'str' have no order"));
}

TEST(Value, ElementsOfEveryKind) {
  Context context("t", {});
  const auto count = [&](const Value& value) { return elements(context, value).size(); };
  EXPECT_EQ(count(from_json(context, parse("{\"a\": 1, \"b\": 2}"), kUser)), 2u);
  EXPECT_EQ(count(make_text(context, "aé😀")), 3u);
  EXPECT_EQ(count(undefined("x")), 0u);
  const Value once = make_sequence(context, {Value(int64_t{1})}, SequenceKind::generator);
  EXPECT_EQ(count(once), 1u);
  EXPECT_EQ(count(once), 0u);
  EXPECT_TRUE(says(error_of([&] { count(Value(true)); }), "'bool' object is not iterable"));
}

TEST(Value, BigNumbersOfJsonBecomeFloats) {
  Context context("t", {});
  EXPECT_EQ(type_name(from_json(context, parse("18446744073709551615"), kUser)), "float");
  EXPECT_EQ(type_name(from_json(context, parse("9223372036854775807"), kUser)), "int");
}

TEST(Value, MemoryIsCounted) {
  Limits limits;
  limits.total_bytes = 1000;
  Context context("t", limits);
  EXPECT_TRUE(says(error_of([&] { make_text(context, std::string(2000, 'a')); }), "needs more than 1000 bytes"));
}

}  // namespace
}  // namespace hone::text::jinja
