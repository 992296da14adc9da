#include "hone/text/jinja/strings.h"

#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::text::jinja {
namespace {

TEST(Strings, CaseOfTheScriptsThatAreKnown) {
  EXPECT_EQ(change_case(MarkedText("aZ1 éß ωΣ яЁ čŽ ÿ"), Case::upper).bytes, "AZ1 Éß ΩΣ ЯЁ ČŽ ÿ");
  EXPECT_EQ(change_case(MarkedText("aZ1 É ΩΣ ЯЁ ČŽ"), Case::lower).bytes, "az1 é ωσ яё čž");
  EXPECT_EQ(change_case(MarkedText("it's a x1y"), Case::title).bytes, "It'S A X1Y");
}

TEST(Strings, SplitKeepsMarks) {
  Context context("t", {});
  MarkedText text("a,");
  text.append("b,c", kUser);
  const MarkedText comma(",");
  const auto parts = split(context, text, &comma, 1);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1].bytes, "b,c");
  EXPECT_EQ(parts[1].all_marks(), kUser);
  EXPECT_EQ(parts[0].all_marks(), kTrusted);
  const auto right = split_right(context, text, &comma, 1);
  ASSERT_EQ(right.size(), 2u);
  EXPECT_EQ(right[0].bytes, "a,b");
}

TEST(Strings, StripOfWholeCharacters) {
  const MarkedText chars("é");
  EXPECT_EQ(strip(MarkedText("éaèé"), Ends::both, &chars).bytes, "aè");
  EXPECT_EQ(strip(MarkedText(" \n "), Ends::right).bytes, "");
}

TEST(Strings, ReplacementsAreBounded) {
  Limits limits;
  limits.output_bytes = 100;
  Context context("t", limits);
  const MarkedText from("a"), to(std::string(60, 'b'));
  EXPECT_TRUE(says(error_of([&] { replace(context, MarkedText("aaa"), {from, to}); }), "more than 100 bytes"));
}

}  // namespace
}  // namespace hone::text::jinja
