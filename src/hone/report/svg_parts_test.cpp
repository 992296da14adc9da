#include "hone/report/svg_parts.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::report {
namespace {

TEST(SvgParts, NamesLoseTheirBeginning) {
  EXPECT_EQ(shortened("score.stage2", 12), "score.stage2");
  EXPECT_EQ(shortened("score.stage2", 7), "…stage2");
  EXPECT_EQ(letters("스코어"), 3u);
  EXPECT_EQ(shortened("", 3), "");
}

TEST(SvgParts, RangesHaveAir) {
  EXPECT_EQ(padded_range(0, 10, 0.1), (std::pair{-1.0, 11.0}));
  EXPECT_EQ(padded_range(5, 5, 0.1), (std::pair{4.5, 5.5}));
  EXPECT_EQ(padded_range(1, 0, 0.1), (std::pair{0.0, 1.0})) << "nothing was seen";
}

TEST(SvgParts, TicksHaveAsManyDecimalsAsTheirStepNeeds) {
  EXPECT_EQ(tick_text(0.5, 0.25), "0.5");
  EXPECT_EQ(tick_text(-2, 1), "−2");
  EXPECT_EQ(tick_text(3e6, 1e6), "3e6");
}

TEST(SvgParts, ExtentSeesWhatCanBeDrawn) {
  Extent extent;
  for (const double value : {double{NAN}, 1e200, 3.0, -1.0}) extent.see(value);
  EXPECT_EQ(extent.low, -1);
  EXPECT_EQ(extent.high, 3);
}

TEST(SvgParts, ALineBreaksWhereItHasNoValueAndIsThinned) {
  const Scale scale{0, 10, 0, 10};
  const TracedLine broken = trace_line({"", "mean", {0, 1, 2}, {0, NAN, 2}}, scale, scale, 1);
  EXPECT_EQ(broken.d, "M0.0 0.0M2.0 2.0");
  EXPECT_EQ(broken.points, 2u);
  EXPECT_EQ(broken.last_x, 2);
  Line dense{"", "mean", {}, {}};
  for (int i = 0; i <= 1000; ++i) {
    dense.x.push_back(i / 100.0);
    dense.y.push_back(i == 500 ? 9 : 1);
  }
  const TracedLine thinned = trace_line(dense, scale, scale, 1);
  EXPECT_LE(thinned.points, 4u * 11u);
  EXPECT_NE(thinned.d.find(" 9.0"), std::string::npos) << "the only high point is kept";
}

}  // namespace
}  // namespace hone::report
