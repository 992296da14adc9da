#include "hone/report/search_tree.h"

#include "hone/report/html_sections.h"
#include "hone/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

constexpr std::size_t kMostNodes = 160, kMostLetters = 24, kMostSearches = 8;
constexpr std::size_t kDeepest = 10;
constexpr double kRow = 28, kBoxHeight = 22, kColumn = 236, kBox = 186, kTop = 6;

std::string cut(const std::string& text) {
  std::size_t letters = 0, end = 0;
  for (; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (begins && ++letters > kMostLetters) return text.substr(0, end) + "…";
  }
  return text;
}

// "9-4=5" → "9 − 4 = 5"; signs of numbers stay with them.
std::string operation_text(const std::string& by) {
  std::string text;
  for (std::size_t i = 0; i < by.size(); ++i) {
    const bool sign = by[i] == '-' && (i == 0 || std::string_view("+-*/=").find(by[i - 1]) != std::string_view::npos);
    if (by[i] == '-') {
      text += sign ? "−" : " − ";
    } else if (by[i] == '*') {
      text += " × ";
    } else if (by[i] == '/') {
      text += " ÷ ";
    } else if (by[i] == '+' || by[i] == '=') {
      text += std::string(" ") + by[i] + " ";
    } else {
      text += by[i];
    }
  }
  return text;
}

struct Place {
  double x = 0, y = 0;
};

// A row for every leaf in the order of the tree; above it, the middle of the first and the last child.
std::vector<Place> places_of(const std::vector<SearchNode>& nodes) {
  std::vector<std::vector<std::size_t>> children(nodes.size());
  std::vector<std::size_t> roots, depth(nodes.size(), 0), order;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].parent < 0) {
      roots.push_back(i);
      continue;
    }
    const auto parent = static_cast<std::size_t>(nodes[i].parent);
    children[parent].push_back(i);
    depth[i] = std::min(depth[parent] + 1, kDeepest);
  }
  std::vector<std::size_t> open(roots.rbegin(), roots.rend());
  while (!open.empty()) {
    const std::size_t node = open.back();
    open.pop_back();
    order.push_back(node);
    open.insert(open.end(), children[node].rbegin(), children[node].rend());
  }
  std::vector<Place> places(nodes.size());
  double row = 0;
  for (const std::size_t node : order) {
    places[node].x = static_cast<double>(depth[node]) * kColumn;
    if (children[node].empty()) places[node].y = kTop + kRow * row++ + kRow / 2;
  }
  for (auto node = order.rbegin(); node != order.rend(); ++node) {
    if (children[*node].empty()) continue;
    places[*node].y = (places[children[*node].front()].y + places[children[*node].back()].y) / 2;
  }
  return places;
}

std::string kind_of(const SearchNode& node) {
  std::string kind = "node";
  if (node.on_path) kind += " path";
  if (node.end == "dead_end") kind += " dead";
  if (node.end == "goal") kind += " goal";
  if (node.faulty) kind += " faulty";
  return kind;
}

std::string edge_svg(const Place& from, const Place& to, const SearchNode& node) {
  const double x1 = from.x + kBox, middle = (x1 + to.x) / 2;
  return fmt::format(R"(<path class="branch{}" d="M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}"/>)",
                     node.on_path ? " path" : "", x1, from.y, middle, from.y, middle, to.y, to.x, to.y);
}

std::string state_text(const SearchNode& node, const std::string& goal) {
  std::string text = cut(node.text);
  if (node.by.empty() && !goal.empty()) text += " → " + goal;
  if (node.end == "dead_end") text += " ≠ " + goal;
  if (node.end == "goal") text += " ✓";
  if (node.faulty) text += " ⚠";
  return text;
}

std::string hover_text(const SearchNode& node, std::size_t number, const std::string& goal) {
  std::string text = fmt::format("{}. {} leaves {}", number, operation_text(cut(node.by)), cut(node.text));
  if (node.end == "dead_end") text += fmt::format(": not {}, a dead end", goal);
  if (node.end == "goal") text += ": the goal";
  if (node.faulty) text += "; a mistake";
  return text;
}

std::string node_svg(const SearchNode& node, const Place& at, std::size_t number, const std::string& goal) {
  std::string svg = fmt::format(R"(<g class="{}"><title>{}</title>)", kind_of(node),
                                escape_html(number == 0 ? "the problem" : hover_text(node, number, goal)));
  svg += fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="{}" height="{}" rx="5"/>)", at.x, at.y - kBoxHeight / 2,
                     kBox, kBoxHeight);
  const double baseline = at.y + 4;
  if (number > 0) {
    svg += fmt::format(R"(<text class="number" x="{:.1f}" y="{:.1f}">{}</text>)", at.x + 6, baseline, number);
    svg += fmt::format(R"(<text class="by" x="{:.1f}" y="{:.1f}">{}</text>)", at.x + 26, baseline,
                       escape_html(operation_text(cut(node.by))));
  }
  svg += fmt::format(R"(<text class="left" x="{:.1f}" y="{:.1f}">{}</text>)", at.x + kBox - 7, baseline,
                     escape_html(state_text(node, goal)));
  return svg + "</g>";
}

bool flag_at(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::string search_html(const Json& search) {
  const SearchDrawing drawing = search_drawing(member(search, "tree"));
  if (drawing.nodes.empty()) return "";
  const std::string title = text_at(search, "title");
  std::string html = fmt::format(R"(<article class="search"><h3>{}</h3><p class="note">Chosen by rule: {}; arm {}. )"
                                 R"(Judged: {}. )",
                                 escape_html(title), escape_html(text_at(search, "rule")),
                                 escape_html(text_at(search, "arm")), escape_html(text_at(search, "verdict")));
  html += fmt::format("{} operations tried", drawing.nodes.size() - 1 + static_cast<std::size_t>(drawing.left_out));
  if (drawing.left_out > 0) html += fmt::format(", {} of them not drawn", drawing.left_out);
  html += fmt::format(".</p><div class=\"scroll\">{}</div></article>", search_svg(drawing, title));
  return html;
}

}  // namespace

SearchDrawing search_drawing(const Json& json) {
  SearchDrawing drawing;
  drawing.goal = cut(text_at(json, "target"));
  const double left_out = number_at(json, "left_out");
  if (left_out > 0 && left_out < 1e15) drawing.left_out = static_cast<int64_t>(left_out);
  const Json& nodes = member(json, "nodes");
  if (!nodes.is_array()) return drawing;
  for (const Json& one : nodes) {
    const double parent = number_at(one, "parent");
    const bool fits =
        parent >= -1 && parent < static_cast<double>(drawing.nodes.size()) && parent == std::floor(parent);
    if (!fits || drawing.nodes.size() == kMostNodes) {
      // Indices of what follows would point elsewhere.
      drawing.left_out += static_cast<int64_t>(nodes.size() - drawing.nodes.size());
      break;
    }
    drawing.nodes.push_back({static_cast<int64_t>(parent), text_at(one, "text"), text_at(one, "by"),
                             text_at(one, "end"), flag_at(one, "faulty"), flag_at(one, "on_path")});
  }
  return drawing;
}

std::string search_svg(const SearchDrawing& drawing, std::string_view title) {
  const std::vector<Place> places = places_of(drawing.nodes);
  double width = kBox, height = kTop;
  for (const Place& place : places) {
    width = std::max(width, place.x + kBox);
    height = std::max(height, place.y + kRow / 2);
  }
  width += 2;
  height += kTop;
  std::string svg = fmt::format(R"(<svg class="search" viewBox="-1 0 {:.0f} {:.0f}" width="{:.0f}" height="{:.0f}" )"
                                R"(role="img"><title>{}</title>)",
                                width, height, width, height, escape_html(title));
  // The way to the goal is drawn last, over the others.
  for (const bool path : {false, true}) {
    for (std::size_t i = 0; i < drawing.nodes.size(); ++i) {
      const SearchNode& node = drawing.nodes[i];
      if (node.parent < 0 || node.on_path != path) continue;
      svg += edge_svg(places[static_cast<std::size_t>(node.parent)], places[i], node);
    }
  }
  for (std::size_t i = 0; i < drawing.nodes.size(); ++i) {
    svg += node_svg(drawing.nodes[i], places[i], i, drawing.goal);
  }
  return svg + "</svg>";
}

std::string searches_section(const PageSource& page) {
  const Json& searches = member(page.summary, "searches");
  std::string html;
  for (std::size_t i = 0; searches.is_array() && i < std::min(kMostSearches, searches.size()); ++i) {
    html += search_html(searches[i]);
  }
  if (html.empty()) return "";
  return section_html(
      "searches", "Searches",
      "<p class=\"note\">From left to right: what the model wrote, as a tree. Boxes are numbered in the "
      "order in which they were tried: the operation, and what it leaves. Thick and blue: the way to the "
      "goal. ≠: a dead end. ⚠: a mistake.</p>" +
          html);
}

}  // namespace hone::report
