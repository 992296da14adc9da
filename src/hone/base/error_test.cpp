#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

TEST(Error, CarriesKindMessageAndRemedy) {
  const Error error(ErrorKind::data, "chat.jsonl:12: no messages", "add some");
  EXPECT_STREQ(error.what(), "chat.jsonl:12: no messages");
  EXPECT_EQ(error.remedy(), "add some");
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(error.exit_code(), 3);
}

TEST(Error, ExitCodesAndNames) {
  const std::pair<ErrorKind, std::pair<int, std::string>> table[] = {
      {ErrorKind::usage, {2, "usage"}},     {ErrorKind::data, {3, "data"}}, {ErrorKind::format, {4, "format"}},
      {ErrorKind::numeric, {5, "numeric"}}, {ErrorKind::io, {6, "io"}},     {ErrorKind::internal, {7, "internal"}}};
  for (const auto& [kind, expected] : table) {
    EXPECT_EQ(Error(kind, "x").exit_code(), expected.first);
    EXPECT_EQ(name_of(kind), expected.second);
  }
}

TEST(Error, FailFormatsAndRequireOnlyFailsWhenFalse) {
  EXPECT_NO_THROW(require(true, ErrorKind::usage, "unused {}", 1));
  try {
    require(false, ErrorKind::usage, "found {}, allowed {}", 3, "1 to 2");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "found 3, allowed 1 to 2");
    EXPECT_EQ(error.remedy(), "");
  }
  EXPECT_THROW(fail(ErrorKind::io, "gone"), Error);
}

TEST(Error, InterruptedIsNoError) {
  const Interrupted interrupted;
  EXPECT_EQ(dynamic_cast<const std::runtime_error*>(static_cast<const std::exception*>(&interrupted)), nullptr);
}

}  // namespace
}  // namespace hone
