#include "hone/base/json.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>

namespace hone::base {
namespace {

// The message of the format error that `call` throws.
template <class Call>
std::string format_error(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

std::string parse_error(std::string_view text) {
  return format_error([&] { parse_json(text, "x.json"); });
}

testing::AssertionResult says(const std::string& message, std::string_view part) {
  if (message.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << message << "\" lacks \"" << part << '"';
}

TEST(ParseJson, ReadsEveryKindOfValueInOrder) {
  const Json json =
      parse_json(R"( {"b": [1, -2, 2.5, "é\n", true, false, null, {}, []], "a": {"c": {"d": [[0]]}}} )", "x");
  EXPECT_EQ(dump(json), R"({"b":[1,-2,2.5,"é\n",true,false,null,{},[]],"a":{"c":{"d":[[0]]}}})");
  EXPECT_EQ(dump(parse_json("3", "x")), "3");
  EXPECT_EQ(dump(parse_json("\"\"", "x")), "\"\"");
}

TEST(ParseJson, SyntaxErrorsNameSourceAndByte) {
  EXPECT_EQ(parse_error("[1, 2,, 3]").substr(0, 33), "x.json: not valid JSON at byte 6:");
  EXPECT_TRUE(says(parse_error(""), "x.json: not valid JSON at byte 0: "));
  EXPECT_TRUE(says(parse_error("[1"), "at byte 2: "));
  EXPECT_TRUE(says(parse_error("{\"a\" 1}"), "at byte 5: "));
  EXPECT_TRUE(says(parse_error("[1] x"), "at byte 4: "));
  EXPECT_THROW(parse_json(std::string_view(), "x"), Error);
  for (const char* bad : {"{", "[", "}", "]", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "nul", "+1", "01", ".5", "1.",
                          "--1", "[1 2]", "{\"a\"}", "{\"a\":}", "{1:2}", "\"", "\"\\x\"", "/* c */ 1", "[1]//"}) {
    parse_error(bad);
  }
}

TEST(ParseJson, MessagesDoNotRepeatLongInput) {
  EXPECT_LT(parse_error("[\"" + std::string(100000, 'a')).size(), 200u);
  EXPECT_LT(parse_error("[" + std::string(100000, '9') + "e9999]").size(), 200u);
}

TEST(ParseJson, RefusesNonFiniteNumbers) {
  for (const char* bad : {"NaN", "[nan]", "Infinity", "-Infinity", "[inf]", "1e400", "[-1e400]"}) parse_error(bad);
  EXPECT_TRUE(says(parse_error("[1, 1e400]"), "x.json: not valid JSON at byte 8"));
  EXPECT_THROW(parse_json(std::string(400, '9'), "x"), Error);
  EXPECT_EQ(parse_json("1e-400", "x").get<double>(), 0.0);
}

TEST(ParseJson, HugeIntegersBecomeNumbers) {
  const Json json = parse_json(R"({"model_max_length": 1000000000000000019884624838656})", "x");
  EXPECT_TRUE(json["model_max_length"].is_number_float());
  EXPECT_DOUBLE_EQ(get_number_or(json, "model_max_length", 0, "x"), 1e30);
}

TEST(ParseJson, RefusesDeepNestingWithoutRecursion) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse_json(nested(kMaxJsonDepth), "x"));
  EXPECT_EQ(parse_error(nested(kMaxJsonDepth + 1)), "x.json: JSON nested deeper than 64 levels at byte 64");
  EXPECT_TRUE(says(parse_error(std::string(1000000, '[')), "at byte 64"));
  std::string objects;
  for (int i = 0; i < 1000000; ++i) objects += "{\"a\":";
  EXPECT_TRUE(says(parse_error(objects), "nested deeper than 64"));
}

TEST(ParseJson, RefusesKeysTwiceInOneObject) {
  EXPECT_EQ(parse_error(R"({"a":1,"b":2,"a":3})"),
            "x.json: key \"a\" appears twice in one object, the second time before byte 16");
  EXPECT_TRUE(says(parse_error(R"({"x":{"a":1,"\u0061":3}})"), "\"a\" appears twice"));
  EXPECT_NO_THROW(parse_json(R"({"a":{"a":1},"b":{"a":1}})", "x"));
}

TEST(ParseJson, RefusesInvalidUtf8) {
  for (const std::string bad : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xe2\x82\"", "\"\xf5\x80\x80\x80\"",
                                "{\"\xff\":1}", "\"\\ud800\"", "\"\\udc00x\"", "\xff\xfe"}) {
    parse_error(bad);
  }
  EXPECT_EQ(parse_json("\"\xf0\x9f\x98\x80\"", "x"), parse_json("\"\\ud83d\\ude00\"", "x"));
}

TEST(ParseJson, DefinedBehaviourForOddTexts) {
  EXPECT_EQ(dump(parse_json("\xef\xbb\xbf[1]", "x")), "[1]");  // a byte order mark is passed over
  EXPECT_EQ(parse_json(R"("a\u0000b")", "x").get<std::string>(), std::string("a\0b", 3));
  EXPECT_THROW(parse_json(std::string("[1]\0", 4), "x"), Error);
  EXPECT_THROW(parse_json("[1]\n[2]", "x"), Error);
  EXPECT_THROW(parse_json(std::string("\"a\nb\""), "x"), Error);
}

TEST(ParseJson, LargeObjectsAreNotQuadratic) {
  std::string text = "{\"k\":0";
  for (int i = 0; i < 200000; ++i) text += fmt::format(",\"token{}\":{}", i, i);
  const auto start = std::chrono::steady_clock::now();
  const Json json = parse_json(text + "}", "x");
  EXPECT_EQ(json.size(), 200001u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

// No prefix and no changed byte of a valid text may do anything but parse or throw a format error.
TEST(ParseJson, SurvivesTruncationAndChangedBytes) {
  const std::string text = R"({"a":[1,-2.5e3,"x\u00e9\n",{"b":null}],"c":{"d":true,"e":[[],{}]}})";
  for (std::size_t i = 0; i < text.size(); ++i) {
    parse_error(text.substr(0, i));
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = text;
      changed[i] = static_cast<char>(byte);
      try {
        parse_json(changed, "x");
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::format);
      }
    }
  }
}

TEST(GetInt, ChecksTypeSignAndRange) {
  const Json json = parse_json(
      R"({"n":12,"neg":-5,"big":9223372036854775808,"max":9223372036854775807,"min":-9223372036854775808,
          "f":3.0,"s":"3","a":[1],"z":null,"t":true,"huge":1e30})", "x");
  const int64_t lowest = std::numeric_limits<int64_t>::min(), highest = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(get_int(json, "n", 0, 12, "c.json"), 12);
  EXPECT_EQ(get_int(json, "neg", -5, 0, "c.json"), -5);
  EXPECT_EQ(get_int(json, "max", 0, highest, "c.json"), highest);
  EXPECT_EQ(get_int(json, "min", lowest, 0, "c.json"), lowest);
  const auto error = [&](const char* key) { return format_error([&] { get_int(json, key, 0, 100, "c.json"); }); };
  EXPECT_EQ(error("neg"), "c.json: \"neg\" is -5; expected an integer from 0 to 100");
  EXPECT_EQ(error("big"), "c.json: \"big\" is 9223372036854775808; expected an integer from 0 to 100");
  EXPECT_EQ(error("f"), "c.json: \"f\" is 3.0; expected an integer from 0 to 100");
  EXPECT_EQ(error("s"), "c.json: \"s\" is \"3\"; expected an integer from 0 to 100");
  EXPECT_EQ(error("a"), "c.json: \"a\" is an array; expected an integer from 0 to 100");
  EXPECT_EQ(error("q"), "c.json: key \"q\" is missing; expected an integer from 0 to 100");
  for (const char* key : {"z", "t", "huge"}) error(key);
  EXPECT_THROW(get_int(json, "big", lowest, highest, "c.json"), Error);
  EXPECT_TRUE(says(format_error([] { get_int(Json::array(), "n", 0, 1, "c.json"); }),
                   "c.json: expected an object with key \"n\", found array"));
}

TEST(GetOr, FallsBackOnAbsentAndNullOnly) {
  const Json json = parse_json(R"({"z":null,"n":7,"f":0.5,"s":"x","t":true})", "x");
  EXPECT_EQ(get_int_or(json, "q", 3, 0, 9, "c"), 3);
  EXPECT_EQ(get_int_or(json, "z", 3, 0, 9, "c"), 3);
  EXPECT_EQ(get_int_or(json, "n", 3, 0, 9, "c"), 7);
  EXPECT_THROW(get_int_or(json, "s", 3, 0, 9, "c"), Error);
  EXPECT_EQ(get_number_or(json, "z", 1.5, "c"), 1.5);
  EXPECT_EQ(get_number_or(json, "n", 1.5, "c"), 7.0);
  EXPECT_EQ(get_number_or(json, "f", 1.5, "c"), 0.5);
  EXPECT_THROW(get_number_or(json, "t", 1.5, "c"), Error);
  EXPECT_THROW(get_number_or(Json{{"x", INFINITY}}, "x", 1.5, "c"), Error);
  EXPECT_EQ(get_string_or(json, "q", "d", "c"), "d");
  EXPECT_EQ(get_string_or(json, "s", "d", "c"), "x");
  EXPECT_THROW(get_string_or(json, "n", "d", "c"), Error);
  EXPECT_EQ(get_string(json, "s", "c"), "x");
  EXPECT_THROW(get_string(json, "q", "c"), Error);
  EXPECT_THROW(get_string(json, "z", "c"), Error);
  EXPECT_TRUE(get_bool_or(json, "t", false, "c"));
  EXPECT_TRUE(get_bool_or(json, "z", true, "c"));
  EXPECT_THROW(get_bool_or(json, "n", true, "c"), Error);
  EXPECT_THROW(get_bool_or(Json(3), "n", true, "c"), Error);
}

TEST(Dump, NeverThrowsAndNeverWritesNonFiniteNumbers) {
  EXPECT_EQ(dump(Json("a\xff")), "\"a\xef\xbf\xbd\"");
  EXPECT_EQ(dump(finite_or_null(NAN)), "null");
  EXPECT_EQ(dump(finite_or_null(-INFINITY)), "null");
  EXPECT_EQ(dump(finite_or_null(0.1)), "0.1");
  EXPECT_EQ(dump(Json{{"a", INFINITY}}), R"({"a":null})");
  EXPECT_EQ(dump(Json{{"a", 1}}, 2), "{\n  \"a\": 1\n}");
}

TEST(Dump, NumbersReadBackExactly) {
  for (const double value : {0.1, 1e-300, 1.7976931348623157e308, 5e-324, -0.0, 1.0 / 3.0}) {
    EXPECT_EQ(parse_json(dump(Json(value)), "x").get<double>(), value);
  }
}

}  // namespace
}  // namespace hone::base
