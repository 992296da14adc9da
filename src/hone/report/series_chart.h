// Lines to be told apart: arms, runs or quantities on one pair of axes, each by colour, dash and mark at once, so that
// grey prints and colour-blind readers lose nothing. No scripts needed.
#pragma once

#include "hone/report/claims.h"
#include "hone/report/svg.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::report {

/// Looks that differ; further ones begin again.
inline constexpr std::size_t kSeriesStyles = 6;

/// One thing that is drawn: its seeds thin, their mean thick.
struct Series {
  std::string label;
  std::size_t style = 0;        ///< colour, dash and mark; the same for the same thing everywhere on a page
  std::vector<Line> seeds;      ///< may be empty
  Line mean;                    ///< NaN breaks the line
  std::vector<Interval> spans;  ///< 95 % intervals at the points of `mean`; may be empty
};

/// Where marks are set on the thick lines.
enum class Marks { last, every };

/// All series on common axes. Values are drawn as they are given: shares that are read in percent come times 100.
struct SeriesChart {
  std::string title;                                    ///< for screen readers
  std::string x_name;                                   ///< "step", "sampled tokens"
  std::vector<std::pair<double, std::string>> x_ticks;  ///< empty: round numbers
  std::vector<Series> series;
  Marks marks = Marks::last;
  std::optional<std::pair<double, double>> y_range;  ///< for charts to be compared; else what is drawn, with some air
};
std::string series_svg(const SeriesChart& chart);

/// A paragraph that names every series beside a piece of its line; "" for fewer than two.
std::string series_legend(const std::vector<Series>& series);
/// That piece of line with its mark.
std::string series_key(std::size_t style);

/// The mean of lines: at the steps that all have if they agree on them, else at 200 steps of their common range, read
/// off between neighbouring points. Empty for no lines, or no common range. Marked "mean".
Line mean_of(const std::vector<Line>& lines);

}  // namespace hone::report
