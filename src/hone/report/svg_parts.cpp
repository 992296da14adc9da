#include "hone/report/svg_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

// A line's points that are drawn: all of them, or first, lowest, highest and last of each stretch of `pixels`.
std::vector<std::size_t> drawn_points(const Line& line, const Scale& x, double pixels) {
  std::vector<std::size_t> all, kept;
  for (std::size_t i = 0; i < std::min(line.x.size(), line.y.size()); ++i) all.push_back(i);
  if (static_cast<double>(all.size()) <= 2 * std::abs(x.to - x.from) / pixels) return all;
  for (std::size_t begin = 0; begin < all.size();) {
    const auto stretch = std::floor(x(line.x[begin]) / pixels);
    std::size_t end = begin, low = begin, high = begin;
    for (; end < all.size() && std::floor(x(line.x[end]) / pixels) == stretch; ++end) {
      if (!is_drawable(line.y[end]))
        low = high = end;
      else if (line.y[end] < line.y[low])
        low = end;
      else if (line.y[end] > line.y[high])
        high = end;
    }
    if (end == begin) end = begin + 1;  // a step that is not finite
    std::vector<std::size_t> some = {begin, low, high, end - 1};
    std::sort(some.begin(), some.end());
    some.erase(std::unique(some.begin(), some.end()), some.end());
    kept.insert(kept.end(), some.begin(), some.end());
    begin = end;
  }
  return kept;
}

}  // namespace

bool is_drawable(double value) { return std::abs(value) < 1e150; }

void Extent::see(double value) {
  if (!is_drawable(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
}

std::pair<double, double> padded_range(double low, double high, double share) {
  if (!(low <= high)) return {0, 1};
  if (high - low < 1e-12 * std::max(1.0, std::abs(high))) {
    const double air = std::max(std::abs(high) * 0.1, 1e-6);
    return {low - air, high + air};
  }
  return {low - share * (high - low), high + share * (high - low)};
}

std::string tick_text(double value, double step) {
  if (std::abs(value) < step * 1e-9) return "0";
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  const bool is_long = std::abs(value) >= 1e6 || decimals > 6 || (decimals > 3 && std::abs(value) < 0.01);
  std::string text = is_long ? fmt::format("{:.2g}", value) : fmt::format("{:.{}f}", value, decimals);
  for (const char* zeros : {"e-0", "e+0"}) {
    if (const auto at = text.find(zeros); at != std::string::npos) text.erase(at + 2, 1);
  }
  if (const auto at = text.find("e+"); at != std::string::npos) text.erase(at + 1, 1);
  if (text[0] == '-') text.replace(0, 1, "−");
  return text;
}

std::string open_svg(double width, double height, std::string_view kind, std::string_view title) {
  return fmt::format(
      R"(<svg class="{}" viewBox="0 0 {:.0f} {:.0f}" width="{:.0f}" height="{:.0f}" role="img"><title>{}</title>)",
      kind, width, height, width, height, escape_html(title));
}

std::string text_element(double x, double y, std::string_view kind, std::string_view text) {
  return fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>)", kind, x, y, escape_html(text));
}

std::string line_element(double x1, double y1, double x2, double y2, std::string_view kind) {
  return fmt::format(R"(<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)", kind, x1, y1, x2, y2);
}

std::size_t letters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string shortened(std::string_view text, std::size_t count) {
  std::size_t left = letters(text);
  if (left <= count) return std::string(text);
  while (!text.empty() && (left >= count || (text.front() & 0xC0) == 0x80)) {
    left -= (text.front() & 0xC0) != 0x80;
    text.remove_prefix(1);
  }
  text.remove_prefix(std::min(text.find_first_not_of(" .-_/"), text.size()));
  return "…" + std::string(text);
}

TracedLine trace_line(const Line& line, const Scale& x, const Scale& y, double pixels) {
  TracedLine traced;
  bool pen_down = false;
  for (const std::size_t i : drawn_points(line, x, pixels)) {
    if (!is_drawable(line.y[i]) || !is_drawable(line.x[i])) {
      pen_down = false;
      continue;
    }
    traced.last_x = x(line.x[i]);
    traced.last_y = y(line.y[i]);
    traced.d += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", traced.last_x, traced.last_y);
    pen_down = true;
    if (++traced.points == 1) traced.first_x = traced.last_x, traced.first_y = traced.last_y;
  }
  return traced;
}

}  // namespace hone::report
