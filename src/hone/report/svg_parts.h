// The pieces that charts are drawn of, for the files that draw them: scales, ticks, elements, thinned lines.
#pragma once

#include "hone/report/svg.h"

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hone::report {

/// Width of charts that stand alone, in pixels of their own view box.
inline constexpr double kWide = 480;

/// Whether a value can be drawn: finite, and with room for differences.
bool is_drawable(double value);

/// Maps values from [low, high] to pixels from `from` to `to`.
struct Scale {
  double low = 0, high = 1, from = 0, to = 1;
  double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

/// The smallest and largest of the values seen that can be drawn; low > high if there was none.
struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void see(double value);
};

/// [low, high] with `share` of its length as air on both sides; a single value gets a range around it, nothing [0, 1].
std::pair<double, double> padded_range(double low, double high, double share);

/// A tick's number with as many decimals as the step between ticks needs; powers of ten where that would be long.
std::string tick_text(double value, double step);

/// "<svg …><title>…</title>": a chart's beginning; `kind` is its class.
std::string open_svg(double width, double height, std::string_view kind, std::string_view title);
std::string text_element(double x, double y, std::string_view kind, std::string_view text);
std::string line_element(double x1, double y1, double x2, double y2, std::string_view kind);

/// Code points of a UTF-8 text.
std::size_t letters(std::string_view text);
/// At most `count` letters. What is cut is the beginning: names of phases and arms differ at their ends.
std::string shortened(std::string_view text, std::size_t count);

/// A line as the data of an SVG path, and where its first and last drawn points lie.
struct TracedLine {
  std::string d;
  std::size_t points = 0;
  double first_x = 0, first_y = 0, last_x = 0, last_y = 0;
};
/// Draws `line`; what can't be drawn breaks it. A line with more than two points to `pixels` pixels is drawn by the
/// first, lowest, highest and last of each such stretch.
TracedLine trace_line(const Line& line, const Scale& x, const Scale& y, double pixels);

}  // namespace hone::report
