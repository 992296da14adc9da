#include "hone/report/svg.h"

#include "hone/report/summary.h"
#include "hone/report/svg_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace hone::report {
namespace {

double shown(double value, std::string_view unit) { return unit == "%" || unit == "pts" ? 100 * value : value; }

// The values of an interval chart that must be visible, as shown.
std::pair<double, double> interval_range(const IntervalChart& chart) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  const auto see = [&](double value) {
    if (!is_drawable(value)) return;
    low = std::min(low, shown(value, chart.unit));
    high = std::max(high, shown(value, chart.unit));
  };
  for (const IntervalRow& row : chart.rows) {
    for (const double value : {row.interval.mean, row.interval.low, row.interval.high}) see(value);
    for (const double value : row.per_seed) see(value);
  }
  if (chart.margin) see(*chart.margin);
  if (chart.unit == "pts") see(0);
  auto [from, to] = padded_range(low, high, 0.06);
  if (chart.unit == "%") from = std::max(from, 0.0), to = std::min(to, 100.0);
  return from < to ? std::pair{from, to} : std::pair{from - 1, from + 1};
}

constexpr double kLabelLetter = 6.7, kLongestLabel = 26;

std::string interval_row(const IntervalRow& row, const Scale& x, double y, const std::string& unit) {
  const auto number = [&](double value) { return format_number(value, unit) + unit_suffix(unit); };
  std::string title = fmt::format("{}: {}", row.label, number(row.interval.mean));
  const bool has_interval = is_drawable(row.interval.low) && is_drawable(row.interval.high);
  if (has_interval)
    title += fmt::format(", 95 % interval {} to {}", number(row.interval.low), number(row.interval.high));
  std::string svg = fmt::format(R"(<g class="arm {}"><title>{}</title>)", row.kind, escape_html(title));
  svg += fmt::format(R"(<rect class="hit" x="0" y="{:.1f}" width="{}" height="24"/>)", y - 12, kWide);
  svg += text_element(0, y + 4, "label", shortened(row.label, static_cast<std::size_t>(kLongestLabel)));
  if (!is_drawable(row.interval.mean)) return svg + "</g>";
  if (has_interval) {
    svg += line_element(x(shown(row.interval.low, unit)), y, x(shown(row.interval.high, unit)), y, "span");
  }
  for (const double value : row.per_seed) {
    if (!is_drawable(value)) continue;
    const double at = x(shown(value, unit));
    svg += line_element(at, y + 5, at, y + 9, "seed");
  }
  svg += fmt::format(R"(<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="4.5"/>)", x(shown(row.interval.mean, unit)), y);
  svg += text_element(kWide, y + 4, "value", format_number(row.interval.mean, unit));
  return svg + "</g>";
}

// A line as a path that carries what the page needs to read values back: pixels and steps of its panel.
std::string path_of(const Line& line, const Scale& x, const Scale& y) {
  const TracedLine traced = trace_line(line, x, y, line.kind == "seed" ? 3 : 1.5);
  if (traced.points == 0) return "";
  std::string svg =
      fmt::format(R"(<path class="{}" d="{}" data-x="{:.2f} {:.2f} {} {}" data-n="{}"/>)", line.kind, traced.d, x.from,
                  x.to, x.low, x.high, escape_html(line.label));
  if (traced.points == 1) {
    svg += fmt::format(R"(<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>)", line.kind, traced.first_x,
                       traced.first_y);
  }
  return svg;
}

// Phases get room by the number of their steps, but none less than a sixth of an equal share.
std::vector<Scale> panel_scales(const LineChart& chart, double left, double right) {
  std::vector<Scale> scales;
  std::vector<double> weights;
  double steps = 0, sum = 0;
  for (const LinePanel& panel : chart.panels) {
    Extent extent;
    for (const Line& line : panel.lines) std::for_each(line.x.begin(), line.x.end(), [&](double v) { extent.see(v); });
    const double low = extent.low <= extent.high ? std::min(extent.low, extent.high - 1) : 0;
    scales.push_back({low, std::max(extent.high, low + 1), 0, 0});
    steps += scales.back().high - low;
  }
  for (const Scale& scale : scales) {
    weights.push_back(std::max(scale.high - scale.low, steps / (6.0 * static_cast<double>(scales.size()))));
    sum += weights.back();
  }
  for (std::size_t i = 0; i < scales.size(); ++i) {
    scales[i].from = left;
    left += (right - scales[0].from) * weights[i] / sum;
    scales[i].to = left;
  }
  return scales;
}

// Steps along the x axis: round ones for a single phase, the last one of each of several.
std::string step_ticks(const std::vector<Scale>& scales, double y) {
  std::string svg;
  if (scales.empty()) return svg;
  if (scales.size() == 1) {
    const std::vector<double> ticks = axis_ticks(scales[0].low, scales[0].high, 5);
    for (const double tick : ticks) svg += text_element(scales[0](tick), y, "tick mid", tick_text(tick, 1));
    return svg;
  }
  svg += text_element(scales[0].from, y, "tick", tick_text(scales[0].low, 1));
  for (const Scale& scale : scales) {
    const std::string text = tick_text(scale.high, 1);
    const double needed = 7.0 * static_cast<double>(text.size()) + (&scale == &scales[0] ? 14 : 4);
    if (scale.to - scale.from >= needed) svg += text_element(scale.to - 2, y, "tick end", text);
  }
  return svg;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string safe;
  safe.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return safe;
}

std::vector<double> axis_ticks(double low, double high, int count) {
  std::vector<double> ticks;
  if (!std::isfinite(low) || !std::isfinite(high) || !(low < high) || !std::isfinite(high - low)) return ticks;
  const double rough = (high - low) / std::max(1, count - 1);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if ((high - low) / (factor * power) <= count + 1) step = factor * power;
  }
  // Counted, not added up: rounding must not lose the last tick, nor a tiny step loop for ever.
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; i <= 2 * count + 2 && (first + i) * step <= high + step * 1e-9; ++i)
    ticks.push_back((first + i) * step);
  return ticks;
}

std::string interval_svg(const IntervalChart& chart) {
  const double top = 6, row_height = 24;
  const double bottom = top + row_height * static_cast<double>(chart.rows.size());
  const auto [low, high] = interval_range(chart);
  double label = 0;
  for (const IntervalRow& row : chart.rows) label = std::max(label, static_cast<double>(letters(row.label)));
  const Scale x{low, high, 16 + kLabelLetter * std::min(label, kLongestLabel), kWide - 58};
  std::string svg = open_svg(kWide, bottom + 34, "chart intervals", chart.title);
  const std::vector<double> ticks = axis_ticks(low, high, 5);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
  for (const double tick : ticks) {
    const bool is_zero = std::abs(tick) < step * 1e-9 && low < 0;
    svg += line_element(x(tick), top, x(tick), bottom, is_zero ? "zero" : "grid");
    svg += text_element(x(tick), bottom + 14, "tick mid", tick_text(tick, step));
  }
  if (chart.margin && is_drawable(*chart.margin)) {
    const double at = x(shown(*chart.margin, chart.unit));
    svg += fmt::format("<g><title>claimed above {}{}</title>", format_number(*chart.margin, chart.unit),
                       escape_html(unit_suffix(chart.unit)));
    svg += line_element(at, top - 4, at, bottom, "margin") + "</g>";
  }
  svg += line_element(x.from, bottom, x.to, bottom, "axis");
  const std::string unit = chart.unit == "pts" ? "percentage points" : chart.unit;
  svg += text_element((x.from + x.to) / 2, bottom + 29, "unit mid", unit);
  double y = top + row_height / 2;
  for (const IntervalRow& row : chart.rows) {
    svg += interval_row(row, x, y, chart.unit);
    y += row_height;
  }
  return svg + "</svg>";
}

std::string line_svg(const LineChart& chart) {
  const double width = 330, height = 172, left = 46, right = 322, top = 20, bottom = 132;
  Extent extent;
  for (const LinePanel& panel : chart.panels) {
    for (const Line& line : panel.lines) std::for_each(line.y.begin(), line.y.end(), [&](double v) { extent.see(v); });
  }
  const auto [low, high] = padded_range(extent.low, extent.high, 0.05);
  const Scale y{low, high, bottom, top};
  const std::vector<Scale> scales = panel_scales(chart, left, right);
  std::string svg = open_svg(width, height, "chart lines", chart.title);
  svg.insert(svg.find('>'), fmt::format(R"( data-y="{:.1f} {:.1f} {} {}")", bottom, top, low, high));
  const std::vector<double> ticks = axis_ticks(low, high, 4);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
  for (const double tick : ticks) {
    svg += line_element(left, y(tick), right, y(tick), "grid");
    svg += text_element(left - 6, y(tick) + 4, "tick end", tick_text(tick, step));
  }
  for (std::size_t i = 0; i < chart.panels.size(); ++i) {
    const LinePanel& panel = chart.panels[i];
    const auto room = static_cast<std::size_t>(std::max(0.0, (scales[i].to - scales[i].from - 4) / 6.2));
    svg += fmt::format("<g><title>{}</title>", escape_html(panel.label));
    if (i > 0) svg += line_element(scales[i].from, top - 8, scales[i].from, bottom, "phase");
    if (room >= 3) svg += text_element(scales[i].from + 3, top - 8, "phase", shortened(panel.label, room - 1));
    svg += "</g>";
    for (const Line& line : panel.lines) svg += path_of(line, scales[i], y);
  }
  svg += line_element(left, bottom, right, bottom, "axis") + step_ticks(scales, bottom + 15);
  return svg + text_element((left + right) / 2, bottom + 32, "unit mid", "step") + "</svg>";
}

std::string flow_svg(const AttemptFlow& flow, std::string_view title) {
  const double left = 92, right = kWide - 92, bar = 12, top = 26, height = 150, gap = 14;
  const double right1 = flow.right_right + flow.right_wrong, right2 = flow.right_right + flow.wrong_right;
  const auto percent = [](double share) { return format_number(share, "%") + " %"; };
  const auto ribbon = [&](double share, double from, double to, std::string_view kind, std::string_view label) {
    const double thick = height * share, x1 = left + bar, x2 = right - bar, middle = (x1 + x2) / 2;
    if (!(thick > 0)) return std::string();
    return fmt::format(
        R"(<path class="flow {}" d="M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}V{:.1f}C{:.1f} {:.1f} )"
        R"({:.1f} {:.1f} {:.1f} {:.1f}Z"><title>{}: {}</title></path>)",
        kind, x1, from, middle, from, middle, to, x2, to, to + thick, middle, to + thick, middle, from + thick, x1,
        from + thick, label, percent(share));
  };
  const auto block = [&](double x, double y, double share, std::string_view kind) {
    return fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5"/>)", kind, x,
                       y, bar, std::max(0.0, height * share));
  };
  const double wrong_at1 = top + height * right1 + gap, wrong_at2 = top + height * right2 + gap;
  std::string svg = open_svg(kWide, top + height + gap + 8, "chart flows", title);
  svg += text_element(left + bar, 12, "unit end", "first attempt") +
         text_element(right - bar, 12, "unit", "second attempt");
  svg += ribbon(flow.right_right, top, top, "same", "right, then right");
  svg += ribbon(flow.wrong_wrong, wrong_at1 + height * flow.wrong_right, wrong_at2 + height * flow.right_wrong, "same",
                "wrong, then wrong");
  svg += ribbon(flow.right_wrong, top + height * flow.right_right, wrong_at2, "lost", "right, then wrong");
  svg += ribbon(flow.wrong_right, wrong_at1, top + height * flow.right_right, "gained", "wrong, then right");
  svg += block(left, top, right1, "right") + block(left, wrong_at1, 1 - right1, "wrong");
  svg += block(right - bar, top, right2, "right") + block(right - bar, wrong_at2, 1 - right2, "wrong");
  const auto label = [&](double x, double y, double share, std::string_view anchor, std::string_view word) {
    const double middle = y + height * share / 2;
    return text_element(x, middle - 2, fmt::format("label {}", anchor), word) +
           text_element(x, middle + 13, fmt::format("value2 {}", anchor), percent(share));
  };
  svg += label(left - 8, top, right1, "end", "right") + label(left - 8, wrong_at1, 1 - right1, "end", "wrong");
  svg += label(right + 8, top, right2, "start", "right") + label(right + 8, wrong_at2, 1 - right2, "start", "wrong");
  return svg + "</svg>";
}

}  // namespace hone::report
