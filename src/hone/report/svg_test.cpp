#include "hone/report/svg.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hone::report {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
  return times;
}

bool is_finite_svg(const std::string& svg) { return !has(svg, "nan") && !has(svg, "inf"); }

TEST(EscapeHtml, EveryMarkupCharacter) {
  EXPECT_EQ(escape_html("<a href=\"x\">&'\x01\n"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39; \n");
}

TEST(AxisTicks, RoundNumbersInsideTheRange) {
  EXPECT_EQ(axis_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(axis_ticks(-1.1, 3.2, 4), (std::vector<double>{-1, 0, 1, 2, 3}));
  for (const auto& [low, high] : {std::pair{0.0, 1e-9}, {-1e12, 1e12}, {0.4999, 0.5001}, {1e-300, 2e-300}}) {
    const std::vector<double> ticks = axis_ticks(low, high, 5);
    EXPECT_GE(ticks.size(), 2u) << low;
    EXPECT_LE(ticks.size(), 12u) << low;
    EXPECT_GE(ticks.front(), low - 1e-6 * (high - low));
    EXPECT_LE(ticks.back(), high + 1e-6 * (high - low));
  }
}

TEST(AxisTicks, NothingForNoRange) {
  EXPECT_TRUE(axis_ticks(1, 1, 5).empty());
  EXPECT_TRUE(axis_ticks(2, 1, 5).empty());
  EXPECT_TRUE(axis_ticks(NAN, 1, 5).empty());
  EXPECT_TRUE(axis_ticks(-1e308, 1e308, 5).empty()) << "the range overflows";
}

TEST(IntervalSvg, RowsTicksAndHoverValues) {
  IntervalChart chart{"Δ of arms", "pts", {}, 0.0};
  chart.rows.push_back({"base <model>", "base", {-0.112, -0.15, -0.08}, {-0.1, -0.12}});
  chart.rows.push_back({"SCoRe", "improved", {0.044, 0.02, 0.07}, {}});
  const std::string svg = interval_svg(chart);
  EXPECT_EQ(count(svg, "<circle"), 2u);
  EXPECT_EQ(count(svg, "class=\"seed\""), 2u);
  EXPECT_TRUE(has(svg, "base &lt;model&gt;: −11.2 pts, 95 % interval −15.0 pts to −8.0 pts"));
  EXPECT_TRUE(has(svg, "percentage points"));
  EXPECT_TRUE(has(svg, "claimed above 0.0 pts"));
  EXPECT_TRUE(has(svg, ">−10</text>"));
  EXPECT_TRUE(is_finite_svg(svg));
}

TEST(IntervalSvg, EmptyAndOddValues) {
  EXPECT_TRUE(is_finite_svg(interval_svg({"", "%", {}, {}})));
  EXPECT_TRUE(is_finite_svg(interval_svg({"", "%", {{"a", "base", {0, 0, 0}, {}}}, {}})));
  EXPECT_TRUE(is_finite_svg(interval_svg({"", "", {{"a", "base", {NAN, NAN, NAN}, {}}}, {}})));
  EXPECT_TRUE(is_finite_svg(interval_svg({"", "%", {{"a", "base", {5, 4, 6}, {}}}, {}}))) << "shares above 1";
}

Line line_of(std::size_t points) {
  Line line{"", "mean", {}, {}};
  for (std::size_t i = 0; i < points; ++i) {
    line.x.push_back(static_cast<double>(i));
    line.y.push_back(i == points / 2 ? 9.0 : std::sin(static_cast<double>(i)));
  }
  return line;
}

TEST(LineSvg, PhasesSideBySide) {
  const std::string svg = line_svg({"loss", {{"stage 1", {line_of(50)}}, {"stage 2", {line_of(80)}}}});
  EXPECT_EQ(count(svg, "<path"), 2u);
  EXPECT_EQ(count(svg, "<line class=\"phase\""), 1u) << "one border between two phases";
  EXPECT_TRUE(has(svg, ">stage 1</text>") && has(svg, ">stage 2</text>"));
  EXPECT_TRUE(has(svg, "data-y=") && has(svg, "data-x="));
  EXPECT_TRUE(has(svg, ">step</text>"));
}

TEST(LineSvg, DenseLinesKeepTheirExtremes) {
  const std::string svg = line_svg({"loss", {{"", {line_of(100000)}}}});
  EXPECT_LT(svg.size(), 20000u);
  EXPECT_TRUE(has(svg, " 25.1L") || has(svg, " 25.1M") || has(svg, " 25.1\"")) << "the spike at 9 is drawn";
}

TEST(LineSvg, GapsBreakTheLine) {
  Line line{"", "mean", {1, 2, 3, 4, 5}, {1, 2, NAN, 2, 1}};
  const std::string svg = line_svg({"loss", {{"", {line}}}});
  EXPECT_EQ(count(svg, "M"), 2u);
  EXPECT_TRUE(is_finite_svg(svg));
}

TEST(LineSvg, OddValues) {
  const double huge = std::numeric_limits<double>::max();
  for (const std::vector<double>& y :
       {std::vector<double>{}, {3}, {NAN, NAN}, {0, 0}, {huge, -huge}, {1e-300, 2e-300}}) {
    Line line{"", "mean", {}, y};
    for (std::size_t i = 0; i < y.size(); ++i) line.x.push_back(static_cast<double>(i));
    EXPECT_TRUE(is_finite_svg(line_svg({"", {{"", {line}}}})));
  }
  EXPECT_TRUE(is_finite_svg(line_svg({"", {{"", {{"", "mean", {-huge, huge}, {1, 2}}}}}})));
  EXPECT_TRUE(is_finite_svg(line_svg({"", {}})));
}

TEST(FlowSvg, FourFlows) {
  const std::string svg = flow_svg({0.5, 0.2, 0.1, 0.2}, "SCoRe");
  EXPECT_EQ(count(svg, "<path"), 4u);
  EXPECT_TRUE(has(svg, "wrong, then right: 20.0 %"));
  EXPECT_TRUE(has(svg, ">60.0 %</text>") && has(svg, ">70.0 %</text>"));
  EXPECT_EQ(count(flow_svg({1, 0, 0, 0}, ""), "<path"), 1u);
}

}  // namespace
}  // namespace hone::report
