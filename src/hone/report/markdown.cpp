#include "hone/report/markdown.h"

#include "hone/base/toml_text.h"
#include "hone/report/progress.h"
#include "hone/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace hone::report {
namespace {

std::string line_at(const Json& object, std::string_view key) { return base::printable(text_at(object, key)); }

// Terminal columns: Hangul, Kana and Han take two, continuation bytes none.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) == 0x80) continue;
    width += 1;
    if ((byte & 0xF0) != 0xE0 || i + 2 >= text.size()) continue;
    const unsigned code = (byte & 0x0Fu) << 12 | (static_cast<unsigned char>(text[i + 1]) & 0x3Fu) << 6 |
                          (static_cast<unsigned char>(text[i + 2]) & 0x3Fu);
    if ((code >= 0x1100 && code < 0x1160) || (code >= 0x2E80 && code < 0xA4D0) || (code >= 0xAC00 && code < 0xD7A4) ||
        (code >= 0xF900 && code < 0xFB00) || (code >= 0xFF00 && code < 0xFF61)) {
      width += 1;
    }
  }
  return width;
}

std::string padded(const std::string& text, std::size_t width, std::size_t column) {
  const std::string space(width - std::min(width, width_of(text)), ' ');
  return column == 0 ? text + space : space + text;
}

std::string cell_of(std::string_view text) {
  std::string cell;
  for (const char c : base::printable(text)) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

std::string results_table(const Json& summary) {
  const Json &metrics = member(summary, "metrics"), &arms = member(summary, "arms");
  if (!metrics.is_array() || !arms.is_object() || metrics.empty() || arms.empty()) return "";
  std::vector<std::string> header = {"arm"};
  for (const Json& metric : metrics) {
    header.push_back(text_at(metric, "label") + unit_suffix(text_at(metric, "unit")));
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, arm] : arms.items()) {
    const std::string label = text_at(arm, "label");
    rows.push_back({label.empty() ? name : label});
    for (const Json& metric : metrics) {
      const std::string unit = text_at(metric, "unit");
      const Json& value = member(member(arm, "values"), text_at(metric, "name"));
      const double half = (number_at(value, "high") - number_at(value, "low")) / 2;
      std::string cell = format_number(number_at(value, "mean"), unit);
      if (std::isfinite(half)) cell += " ± " + format_number(half, unit == "pts" ? "%" : unit);
      rows.back().push_back(std::move(cell));
    }
  }
  return markdown_table(header, rows);
}

std::string cost_line(const Json& cost) {
  std::vector<std::string> parts;
  const double wall = number_at(cost, "wall_seconds"), trained = number_at(cost, "train_tokens"),
               sampled = number_at(cost, "sampled_tokens"), peak = number_at(cost, "peak_rss_bytes");
  if (std::isfinite(wall)) parts.push_back("took " + short_duration(wall));
  if (std::isfinite(trained)) parts.push_back(format_count(trained) + " tokens trained");
  if (std::isfinite(sampled)) parts.push_back(format_count(sampled) + " tokens sampled");
  const double adapter = number_at(cost, "trained_parameters"), frozen = number_at(cost, "frozen_parameters");
  if (std::isfinite(adapter) && std::isfinite(frozen))
    parts.push_back(format_count(adapter) + " parameters trained beside " + format_count(frozen) + " frozen ones");
  if (std::isfinite(peak)) parts.push_back("peak memory " + format_bytes(peak));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string scope_line(const RunFolder& folder, const Json& summary) {
  std::string scope = "Means";
  if (const double held_out = number_at(summary, "held_out"); std::isfinite(held_out)) {
    scope += fmt::format(" over {:.0f} held-out problems", held_out);
  }
  const std::size_t seeds = outcomes_of(folder).size();
  if (seeds > 0) scope += fmt::format("{} {} seed{}", scope == "Means" ? " over" : ",", seeds, seeds == 1 ? "" : "s");
  return scope + "; ± is half of the 95 % interval.";
}

}  // namespace

std::string markdown_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> all = {header};
  all.insert(all.end(), rows.begin(), rows.end());
  std::vector<std::size_t> widths(header.size(), 3);
  for (std::vector<std::string>& row : all) {
    row.resize(header.size());
    for (std::size_t c = 0; c < row.size(); ++c) {
      row[c] = cell_of(row[c]);
      widths[c] = std::max(widths[c], width_of(row[c]));
    }
  }
  std::string text;
  for (std::size_t r = 0; r < all.size(); ++r) {
    for (std::size_t c = 0; c < widths.size(); ++c) text += "| " + padded(all[r][c], widths[c], c) + " ";
    text += "|\n";
    for (std::size_t c = 0; r == 0 && c < widths.size(); ++c) {
      const std::string rule(widths[c] + 1, '-');
      text += c == 0 ? "|:" + rule : "|" + rule + ":";
    }
    if (r == 0) text += "|\n";
  }
  return text;
}

std::string verdicts_text(const Json& results) {
  const Json& claims = member(results, "claims");
  std::string text;
  if (!claims.is_array()) return text;
  std::size_t widest = 0;
  for (const Json& claim : claims) {
    for (const Json& contrast : member(claim, "contrasts"))
      widest = std::max(widest, width_of(line_at(contrast, "label")));
  }
  for (const Json& claim : claims) {
    text +=
        fmt::format("{:<3} {:<14}  {}\n", line_at(claim, "id"), line_at(claim, "verdict"), line_at(claim, "statement"));
    for (const Json& contrast : member(claim, "contrasts")) {
      const std::string unit = text_at(contrast, "unit");
      const auto number = [&](const char* key) { return format_number(number_at(contrast, key), unit); };
      text += fmt::format("    {}  {}{}  [{}, {}], claimed above {}", padded(line_at(contrast, "label"), widest, 0),
                          number("mean"), unit_suffix(unit), number("low"), number("high"), number("margin"));
      const Json& seeds = member(contrast, "per_seed");
      for (std::size_t i = 0; seeds.is_array() && seeds.size() > 1 && i < seeds.size(); ++i) {
        const double value = seeds[i].is_number() ? seeds[i].get<double>() : NAN;
        text += (i == 0 ? "; by seed " : " ") + format_number(value, unit);
      }
      text += "\n";
    }
    if (const std::string note = line_at(claim, "note"); !note.empty()) text += "    " + note + "\n";
  }
  return text;
}

std::string report_markdown(const std::filesystem::path& run_dir) {
  const RunFolder folder = read_run_folder(run_dir);
  const Json summary = summary_of(folder);
  const std::string title = line_at(folder.run, "title");
  std::string text = fmt::format("# {}\n\n", title.empty() ? folder.name : title);
  if (const std::string line = base::printable(verdict_line(folder, summary)); !line.empty()) text += line + "\n\n";

  const std::string table = results_table(summary);
  if (!table.empty())
    text += table + "\n" + scope_line(folder, summary) + "\n\n";
  else
    text += "No results: the run hasn't finished, or its summary.json is missing.\n\n";

  if (const std::string verdicts = verdicts_text(folder.results); !verdicts.empty()) {
    text += "```\n" + verdicts + "```\n\n";
  }
  if (std::string cost = cost_line(member(summary, "cost")); !cost.empty()) {
    cost[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(cost[0])));
    text += cost + ".\n\n";
  }
  for (const std::string& note : folder.missing) text += fmt::format("- {}\n", base::printable(note));
  if (!folder.missing.empty()) text += "\n";
  const Json& next = member(summary, "next");
  if (next.is_array() && !next.empty()) {
    text += "Next:\n\n";
    for (const Json& command : next) text += "    " + base::printable(text_of(command)) + "\n";
  } else {
    text += fmt::format("Page: {}\n", (run_dir / "report.html").string());
  }
  return text;
}

}  // namespace hone::report
