#include "hone/report/series_chart.h"

#include "hone/report/summary.h"
#include "hone/report/svg_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace hone::report {
namespace {

constexpr std::size_t kMeanSteps = 200;

// The mark of a style, centred on a point.
std::string mark_at(double x, double y, std::size_t style) {
  const auto path = [&](std::string_view kind, const std::string& d) {
    return fmt::format(R"(<path class="{}" d="{}"/>)", kind, d);
  };
  switch (style % kSeriesStyles) {
    case 0:
      return fmt::format(R"(<circle class="mark" cx="{:.1f}" cy="{:.1f}" r="4.2"/>)", x, y);
    case 1:
      return fmt::format(R"(<rect class="mark" x="{:.1f}" y="{:.1f}" width="7.6" height="7.6"/>)", x - 3.8, y - 3.8);
    case 2:
      return path("mark", fmt::format("M{:.1f} {:.1f}l4.8 8.2h-9.6z", x, y - 5));
    case 3:
      return path("mark", fmt::format("M{:.1f} {:.1f}l5 5-5 5-5-5z", x, y - 5));
    case 4:
      return path("mark open", fmt::format("M{:.1f} {:.1f}l7 7m0-7l-7 7", x - 3.5, y - 3.5));
    default:
      return fmt::format(R"(<circle class="mark open" cx="{:.1f}" cy="{:.1f}" r="4"/>)", x, y);
  }
}

// "40k": an axis of tokens reads in thousands and millions.
std::string count_tick(double value, double step) {
  if (step >= 1e6) return tick_text(value / 1e6, step / 1e6) + (value == 0 ? "" : "M");
  if (step >= 1e3) return tick_text(value / 1e3, step / 1e3) + (value == 0 ? "" : "k");
  return tick_text(value, step);
}

std::string x_axis(const SeriesChart& chart, const Scale& x, double y) {
  std::string svg;
  for (const auto& [value, text] : chart.x_ticks) svg += text_element(x(value), y, "tick mid", text);
  if (!chart.x_ticks.empty()) return svg;
  const std::vector<double> ticks = axis_ticks(x.low, x.high, 6);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
  for (const double tick : ticks) svg += text_element(x(tick), y, "tick mid", count_tick(tick, step));
  return svg;
}

std::string spans_of(const Series& series, const Scale& x, const Scale& y) {
  std::string svg;
  for (std::size_t i = 0; i < std::min(series.spans.size(), series.mean.x.size()); ++i) {
    const Interval& span = series.spans[i];
    if (!is_drawable(span.low) || !is_drawable(span.high) || !is_drawable(series.mean.x[i])) continue;
    svg += line_element(x(series.mean.x[i]), y(span.low), x(series.mean.x[i]), y(span.high), "span");
  }
  return svg;
}

std::string series_group(const Series& series, Marks marks, const Scale& x, const Scale& y) {
  std::string svg = fmt::format(R"(<g class="series s{}"><title>{}</title>)", series.style % kSeriesStyles,
                                escape_html(series.label));
  for (const Line& seed : series.seeds) {
    const TracedLine traced = trace_line(seed, x, y, 3);
    if (traced.points > 0) svg += fmt::format(R"(<path class="seed" d="{}"/>)", traced.d);
  }
  svg += spans_of(series, x, y);
  const TracedLine mean = trace_line(series.mean, x, y, 1.5);
  if (mean.points == 0) return svg + "</g>";
  svg += fmt::format(R"(<path class="mean" d="{}" data-x="{:.2f} {:.2f} {} {}" data-n="{}"/>)", mean.d, x.from, x.to,
                     x.low, x.high, escape_html(series.label));
  if (marks == Marks::last) return svg + mark_at(mean.last_x, mean.last_y, series.style) + "</g>";
  for (std::size_t i = 0; i < std::min(series.mean.x.size(), series.mean.y.size()); ++i) {
    if (!is_drawable(series.mean.x[i]) || !is_drawable(series.mean.y[i])) continue;
    svg += mark_at(x(series.mean.x[i]), y(series.mean.y[i]), series.style);
  }
  return svg + "</g>";
}

// The value between two neighbouring points of a line; NaN outside of it.
double value_at(const Line& line, double step) {
  const auto above = std::lower_bound(line.x.begin(), line.x.end(), step);
  if (above == line.x.end()) return NAN;
  const auto i = static_cast<std::size_t>(above - line.x.begin());
  if (line.x[i] == step || i == 0) return line.x[i] == step ? line.y[i] : NAN;
  const double share = (step - line.x[i - 1]) / (line.x[i] - line.x[i - 1]);
  return line.y[i - 1] + share * (line.y[i] - line.y[i - 1]);
}

// Steps that every line has, with the sums of the values there.
std::map<double, double> common_steps(const std::vector<Line>& lines) {
  std::map<double, std::pair<std::size_t, double>> at;
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      if (!std::isfinite(line.x[i])) continue;
      auto& [count, sum] = at[line.x[i]];
      count += 1;
      sum += line.y[i];
    }
  }
  std::map<double, double> sums;
  for (const auto& [step, point] : at) {
    if (point.first == lines.size()) sums[step] = point.second;
  }
  return sums;
}

}  // namespace

std::string series_svg(const SeriesChart& chart) {
  const double height = 250, left = 46, right = kWide - 14, top = 10, bottom = 206;
  Extent across, up;
  for (const Series& series : chart.series) {
    std::vector<Line> lines = series.seeds;
    lines.push_back(series.mean);
    for (const Line& line : lines) {
      for (const double value : line.x) across.see(value);
      for (const double value : line.y) up.see(value);
    }
    for (const Interval& span : series.spans) up.see(span.low), up.see(span.high);
  }
  for (const auto& tick : chart.x_ticks) across.see(tick.first);
  const auto [low, high] = chart.y_range ? *chart.y_range : padded_range(up.low, up.high, 0.05);
  const double first = across.low <= across.high ? across.low : 0;
  const Scale x{first, std::max(across.high, std::nextafter(first + 1e-9, INFINITY)), left + 6, right - 6};
  const Scale y{low, high, bottom, top};
  // "lines" is what the page's script reads values off; an axis with words for numbers can't be read that way.
  std::string svg = open_svg(kWide, height, chart.x_ticks.empty() ? "chart lines" : "chart", chart.title);
  svg.insert(svg.find('>'), fmt::format(R"( data-y="{:.1f} {:.1f} {} {}" data-unit="{}")", bottom, top, low, high,
                                        escape_html(chart.x_name)));
  const std::vector<double> ticks = axis_ticks(low, high, 5);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
  for (const double tick : ticks) {
    svg += line_element(left, y(tick), right, y(tick), "grid");
    svg += text_element(left - 6, y(tick) + 4, "tick end", tick_text(tick, step));
  }
  svg += line_element(left, bottom, right, bottom, "axis") + x_axis(chart, x, bottom + 16);
  for (const Series& series : chart.series) svg += series_group(series, chart.marks, x, y);
  return svg + text_element((left + right) / 2, bottom + 34, "unit mid", chart.x_name) + "</svg>";
}

std::string series_key(std::size_t style) {
  return fmt::format(R"(<svg class="swatch series s{}" viewBox="0 0 34 14" width="34" height="14" aria-hidden="true">)"
                     R"(<path class="mean" d="M1 7L33 7"/>{}</svg>)",
                     style % kSeriesStyles, mark_at(17, 7, style));
}

std::string series_legend(const std::vector<Series>& series) {
  if (series.size() < 2) return "";
  std::string html;
  for (const Series& one : series) {
    html += fmt::format(R"(<span>{}{}</span>)", series_key(one.style), escape_html(one.label));
  }
  return "<p class=\"keys\">" + html + "</p>";
}

Line mean_of(const std::vector<Line>& lines) {
  Line mean{"mean", "mean", {}, {}};
  if (lines.empty()) return mean;
  const auto count = static_cast<double>(lines.size());
  std::size_t fewest = lines[0].x.size();
  for (const Line& line : lines) fewest = std::min(fewest, line.x.size());
  if (const auto sums = common_steps(lines); !sums.empty() && 2 * sums.size() >= fewest) {
    for (const auto& [step, sum] : sums) {
      mean.x.push_back(step);
      mean.y.push_back(sum / count);
    }
    return mean;
  }
  double from = -INFINITY, to = INFINITY;
  for (const Line& line : lines) {
    if (line.x.empty() || !std::is_sorted(line.x.begin(), line.x.end())) return mean;
    from = std::max(from, line.x.front());
    to = std::min(to, line.x.back());
  }
  if (!(from < to) || !is_drawable(from) || !is_drawable(to)) return mean;
  for (std::size_t i = 0; i <= kMeanSteps; ++i) {
    const double step = from + (to - from) * static_cast<double>(i) / kMeanSteps;
    double sum = 0;
    for (const Line& line : lines) sum += value_at(line, std::min(step, to));
    mean.x.push_back(step);
    mean.y.push_back(sum / count);
  }
  return mean;
}

}  // namespace hone::report
