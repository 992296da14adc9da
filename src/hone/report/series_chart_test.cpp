#include "hone/report/series_chart.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::report {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Line line(std::vector<double> x, std::vector<double> y) { return {"", "seed", std::move(x), std::move(y)}; }

TEST(MeanOf, AtTheStepsThatAllHave) {
  const Line mean = mean_of({line({0, 1, 2}, {1, 2, 3}), line({0, 1, 2, 3}, {3, 4, 8, 9})});
  EXPECT_EQ(mean.x, (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(mean.y, (std::vector<double>{2, 3, 5.5}));
}

// Lines 0→10 and 5→15 over [0, 100] and [50, 150] share [50, 100]: there (x/10 + x/10)/2 = x/10.
TEST(MeanOf, ReadsBetweenPointsWhereStepsDiffer) {
  const Line mean = mean_of({line({0, 100}, {0, 10}), line({50, 150}, {5, 15})});
  ASSERT_EQ(mean.x.size(), 201u);
  EXPECT_EQ(mean.x.front(), 50);
  EXPECT_EQ(mean.x.back(), 100);
  for (std::size_t i = 0; i < mean.x.size(); ++i) EXPECT_NEAR(mean.y[i], mean.x[i] / 10, 1e-12);
}

TEST(MeanOf, NothingInCommon) {
  EXPECT_TRUE(mean_of({}).x.empty());
  EXPECT_TRUE(mean_of({line({0, 1}, {0, 1}), line({5, 6}, {0, 1})}).x.empty());
  EXPECT_TRUE(mean_of({line({0, 1}, {0, 1}), line({}, {})}).x.empty());
  EXPECT_TRUE(mean_of({line({2, 1}, {0, 1}), line({0.5, 3}, {0, 1})}).x.empty()) << "steps that go back";
}

TEST(SeriesChart, LinesDifferByMoreThanColour) {
  SeriesChart chart{"reward", "step", {}, {}};
  for (std::size_t i = 0; i < kSeriesStyles; ++i) {
    const auto y = static_cast<double>(i);
    chart.series.push_back({"arm <" + std::to_string(i), i, {line({0, 1}, {y, y + 1})}, line({0, 1}, {y, y + 1}), {}});
  }
  const std::string svg = series_svg(chart), legend = series_legend(chart.series);
  for (std::size_t i = 0; i < kSeriesStyles; ++i) {
    const std::string name = "series s" + std::to_string(i);
    EXPECT_TRUE(has(svg, name) && has(legend, name));
    for (std::size_t j = 0; j < i; ++j) {
      const auto mark = [](std::size_t style) {
        const std::string key = series_key(style);
        return key.substr(key.find("/>") + 2);
      };
      EXPECT_NE(mark(i), mark(j)) << "styles " << i << " and " << j << " have one mark";
    }
  }
  EXPECT_TRUE(has(svg, "arm &lt;0") && !has(svg, "arm <"));
  EXPECT_EQ(series_legend({chart.series[0]}), "") << "one line needs no legend";
}

TEST(SeriesChart, NumbersOfFilesNeverSpoilIt) {
  for (const double value : {double{NAN}, double{INFINITY}, 1e308, -1e308, 0.0}) {
    SeriesChart chart{"x", "step", {}, {}};
    chart.series.push_back(
        {"a", 0, {line({value, 1}, {value, value})}, line({value}, {value}), {{value, value, value}}});
    chart.series.push_back({"b", 9, {}, line({}, {}), {}});
    for (const Marks marks : {Marks::last, Marks::every}) {
      chart.marks = marks;
      const std::string svg = series_svg(chart);
      EXPECT_FALSE(has(svg, "nan") || has(svg, "inf")) << value << svg;
    }
  }
}

TEST(SeriesChart, NamedTicksAndIntervals) {
  SeriesChart chart{"pass@k", "k", {{0, "1"}, {2, "4"}}, {}, Marks::every};
  chart.series.push_back({"after", 0, {}, line({0, 2}, {20, 40}), {{20, 18, 22}, {40, 37, 43}}});
  const std::string svg = series_svg(chart);
  EXPECT_TRUE(has(svg, ">4</text>"));
  EXPECT_FALSE(has(svg, "chart lines")) << "the script would read log k for k";
  std::size_t marks = 0, spans = 0;
  for (auto at = svg.find("\"mark\""); at != std::string::npos; at = svg.find("\"mark\"", at + 1)) ++marks;
  for (auto at = svg.find("\"span\""); at != std::string::npos; at = svg.find("\"span\"", at + 1)) ++spans;
  EXPECT_EQ(marks, 2u);
  EXPECT_EQ(spans, 2u);
}

TEST(SeriesChart, TokensReadInThousandsAndMillions) {
  SeriesChart chart{"x", "sampled tokens", {}, {}};
  chart.series.push_back({"a", 0, {}, line({0, 2e6}, {0, 1}), {}});
  EXPECT_TRUE(has(series_svg(chart), "k</text>") || has(series_svg(chart), "M</text>"));
}

}  // namespace
}  // namespace hone::report
