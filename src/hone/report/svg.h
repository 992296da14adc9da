// Charts as inline SVG: axes, units, hover values, no scripts needed. Colours come from the page's style by class.
#pragma once

#include "hone/report/claims.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::report {

/// `text` for HTML or XML content and quoted attributes: & < > " ' escaped, control characters except tab and newline
/// replaced.
std::string escape_html(std::string_view text);

/// Round numbers from `low` to `high`, about `count` of them. Empty unless low < high, both finite.
std::vector<double> axis_ticks(double low, double high, int count);

/// One arm of an interval chart.
struct IntervalRow {
  std::string label;
  std::string kind;  ///< class that chooses the colour: "base", "improved", "other"
  Interval interval;
  std::vector<double> per_seed;  ///< small marks; may be empty
};
/// Dots with 95 % intervals, one row an arm. Values are in the metric's unit as in summary.h.
struct IntervalChart {
  std::string title;  ///< for screen readers
  std::string unit;   ///< "%", "pts" or anything else
  std::vector<IntervalRow> rows;
  std::optional<double> margin;  ///< a claimed bound, drawn as a line
};
std::string interval_svg(const IntervalChart& chart);

/// One line of a line chart. NaN breaks the line.
struct Line {
  std::string label;  ///< "seed 2"
  std::string kind;   ///< "mean" (thick) or "seed" (thin)
  std::vector<double> x, y;
};
/// The part of a line chart that belongs to one phase.
struct LinePanel {
  std::string label;
  std::vector<Line> lines;
};
/// Lines over steps, phases side by side with their own steps, all on one y axis. Not smoothed; where a line has more
/// points than fit, each stretch is drawn by its first, lowest, highest and last.
struct LineChart {
  std::string title;
  std::vector<LinePanel> panels;
};
std::string line_svg(const LineChart& chart);

/// Shares of all problems by first and second attempt; they add up to 1.
struct AttemptFlow {
  double right_right = 0, wrong_right = 0, right_wrong = 0, wrong_wrong = 0;
};
/// Right and wrong at the first attempt flowing to right and wrong at the second.
std::string flow_svg(const AttemptFlow& flow, std::string_view title);

}  // namespace hone::report
