#include "hone/tasks/jsonl.h"

#include "hone/base/error.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::tasks {
namespace {

using text::error_of;
using text::says;

std::string places(std::string_view content) {
  std::string all;
  for_each_row(content, "a.jsonl", [&](const Json&, const std::string& place) { all += place + " "; });
  return all;
}

std::string message_error(const char* row) {
  return error_of([&] { read_messages(Json::parse(row), "messages", "a.jsonl:3"); });
}

TEST(Jsonl, CountsLinesAndSkipsBlankOnes) {
  EXPECT_EQ(places("{}\n\n  \t\r\n{\"a\": 1}\r\n  {} "), "a.jsonl:1 a.jsonl:4 a.jsonl:5 ");
  EXPECT_EQ(places("{}"), "a.jsonl:1 ");
}

TEST(Jsonl, BadLinesAreNamedWithLineAndColumn) {
  EXPECT_TRUE(says(error_of([] { places("{}\n{\"a\" 1}"); }), "data: a.jsonl:2:6: not valid JSON at byte 5"));
  EXPECT_TRUE(says(error_of([] { places("{}\n  {\"a\": tru}"); }), "data: a.jsonl:2:"));
  EXPECT_TRUE(says(error_of([] { places("{\"a\":1,\"a\":2}"); }), "appears twice"));
  EXPECT_TRUE(says(error_of([] { places("{\"a\":\"\xFF\"}"); }), "data: a.jsonl:1:7:"));
  EXPECT_TRUE(says(error_of([] { places("[1]"); }), "data: a.jsonl:1: a row must be a JSON object, found array"));
  EXPECT_TRUE(says(error_of([] { places("{\"a\":" + std::string(100000, '[')); }), "nested deeper than 64"));
}

TEST(Jsonl, EmptyFilesAndByteOrderMarks) {
  EXPECT_EQ(error_of([] { places(""); }), "data: a.jsonl: holds no row");
  EXPECT_EQ(error_of([] { places("\n \n"); }), "data: a.jsonl: holds no row");
  EXPECT_EQ(error_of([] { places("\xEF\xBB\xBF{}"); }), "data: a.jsonl:1: begins with a byte-order mark (EF BB BF)");
}

TEST(Jsonl, FormatErrorsOfTheReaderBecomeDataErrors) {
  const auto use = [](const Json& row, const std::string& place) { base::get_string(row, "a", place); };
  EXPECT_TRUE(says(error_of([&] { for_each_row("{\"a\": 1}", "a.jsonl", use); }), "data: a.jsonl:1: \"a\" is 1"));
}

TEST(Messages, AreReadAndRefused) {
  const auto messages = read_messages(
      Json::parse(R"({"messages": [{"role": "system", "content": ""}, {"role": "user", "content": "hi", "name": 1}]})"),
      "messages", "x");
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].role, "user");
  EXPECT_EQ(messages[1].content, "hi");
  EXPECT_EQ(message_error(R"({"messages": [{"role": "tool", "content": "x"}]})"),
            "data: a.jsonl:3: \"messages\"[0]: unknown role \"tool\"; allowed: system, user, assistant");
  EXPECT_TRUE(says(message_error(R"({})"), "is not a list of messages"));
  EXPECT_TRUE(says(message_error(R"({"messages": "hi"})"), "is not a list of messages"));
  EXPECT_TRUE(says(message_error(R"({"messages": []})"), "holds no message"));
  EXPECT_TRUE(says(message_error(R"({"messages": ["hi"]})"), "\"messages\"[0] is not an object"));
  EXPECT_TRUE(says(message_error(R"({"messages": [{"role": "user"}]})"), "content"));
  EXPECT_TRUE(says(message_error(R"({"messages": [{"role": "user", "content": [{"type": "text"}]}]})"), "content"));
}

}  // namespace
}  // namespace hone::tasks
