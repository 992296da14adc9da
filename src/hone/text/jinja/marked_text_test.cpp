#include "hone/text/jinja/marked_text.h"

#include <gtest/gtest.h>

namespace hone::text::jinja {
namespace {

TEST(MarkedText, MarksFollowTheirBytes) {
  MarkedText text("ab");
  text.append("cd", kUser);
  text.append("e");
  EXPECT_EQ(text.bytes, "abcde");
  EXPECT_EQ(text.mark(1), kTrusted);
  EXPECT_EQ(text.mark(2), kUser);
  EXPECT_EQ(text.mark(4), kTrusted);
  const MarkedText part = text.slice(1, 3);
  EXPECT_EQ(part.bytes, "bc");
  EXPECT_EQ(part.mark(0), kTrusted);
  EXPECT_EQ(part.mark(1), kUser);
  EXPECT_EQ(text.all_marks(), kUser);
}

TEST(MarkedText, MarksAddUp) {
  MarkedText text("a");
  text.append("b", kUser);
  text.add_mark(kGenerated);
  EXPECT_EQ(text.mark(0), kGenerated);
  EXPECT_EQ(text.mark(1), kUser | kGenerated);
  MarkedText plain("x");
  plain.append(text);
  EXPECT_EQ(plain.mark(0), kTrusted);
  EXPECT_EQ(plain.mark(2), kUser | kGenerated);
}

TEST(MarkedText, TrustedTextNeedsNoMarks) {
  MarkedText text("a");
  text.append("b");
  text.append(MarkedText("c"));
  EXPECT_TRUE(text.marks.empty());
  EXPECT_EQ(text.all_marks(), kTrusted);
}

}  // namespace
}  // namespace hone::text::jinja
