#include "hone/report/compare/text.h"

#include "hone/base/toml_text.h"
#include "hone/report/compare/verdict.h"
#include "hone/report/markdown.h"
#include "hone/report/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

constexpr std::size_t kMostDifferences = 3;  // columns that fit a terminal

Json interval_json(const Interval& interval) {
  return {{"mean", base::finite_or_null(interval.mean)},
          {"low", base::finite_or_null(interval.low)},
          {"high", base::finite_or_null(interval.high)}};
}

std::string runs_text(const Comparison& all) {
  std::vector<std::vector<std::string>> rows;
  for (const ComparedRun& run : all.runs) {
    const double held_out = number_at(run.summary, "held_out");
    rows.push_back({run.letter + "  " + run.folder.name, text_at(run.folder.run, "recipe"),
                    text_at(run.folder.run, "preset"), seed_count_text(run), format_number(held_out, "")});
  }
  return markdown_table({"run", "recipe", "preset", "seeds", "held-out problems"}, rows);
}

std::string values_text(const Comparison& all) {
  std::vector<std::string> header = {"arm"};
  for (const SharedMetric& metric : all.metrics) header.push_back(metric.label + unit_suffix(metric.unit));
  std::vector<std::vector<std::string>> rows;
  for (const ComparedArm& arm : all.arms) {
    rows.push_back({short_name(all, arm)});
    for (std::size_t m = 0; m < all.metrics.size(); ++m) {
      const std::string& unit = all.metrics[m].unit;
      const Interval& value = arm.cells[m].value;
      const double half = (value.high - value.low) / 2;
      std::string cell = format_number(value.mean, unit);
      if (std::isfinite(half)) cell += " ± " + format_number(half, unit == "pts" ? "%" : unit);
      rows.back().push_back(std::move(cell));
    }
  }
  return markdown_table(header, rows) + "\n± is half of the 95 % interval.\n";
}

std::string differences_text(const Comparison& all) {
  std::vector<std::size_t> shown;
  if (const auto first = deciding_metric(all)) shown.push_back(*first);
  for (std::size_t m = 0; m < all.metrics.size(); ++m) {
    if (shown.size() < kMostDifferences && std::find(shown.begin(), shown.end(), m) == shown.end()) shown.push_back(m);
  }
  std::vector<std::string> header = {"difference to " + short_name(all, all.arms[all.reference])};
  for (const std::size_t m : shown) header.push_back(all.metrics[m].label);
  std::vector<std::vector<std::string>> rows;
  for (const ComparedArm& arm : all.arms) {
    if (&arm == &all.arms[all.reference]) continue;
    rows.push_back({short_name(all, arm)});
    for (const std::size_t m : shown) {
      const std::string text = difference_text(arm.cells[m].difference, all.metrics[m].unit);
      rows.back().push_back(text.empty() ? "–" : text);
    }
  }
  std::string text = markdown_table(header, rows);
  if (shown.size() < all.metrics.size()) text += "\nThe page has the other metrics too.\n";
  return text;
}

std::string costs_text(const Comparison& all) {
  std::vector<std::vector<std::string>> rows;
  for (const ComparedRun& run : all.runs) {
    const Json& cost = member(run.summary, "cost");
    const double wall = number_at(cost, "wall_seconds");
    rows.push_back({run.letter, format_count(number_at(cost, "sampled_tokens")),
                    format_count(number_at(cost, "train_tokens")), std::isfinite(wall) ? short_duration(wall) : "–",
                    format_bytes(number_at(cost, "peak_rss_bytes")), machine_text(run)});
  }
  return markdown_table(
      {"cost, all seeds and arms", "tokens sampled", "tokens trained", "time", "peak memory", "machine"}, rows);
}

}  // namespace

std::string seed_count_text(const ComparedRun& run) {
  const Json& seeds = member(run.folder.run, "seeds");
  const std::size_t planned = seeds.is_array() ? seeds.size() : 1;
  return planned == run.seeds.size() ? fmt::format("{}", planned) : fmt::format("{} of {}", run.seeds.size(), planned);
}

std::string machine_text(const ComparedRun& run) {
  const Json& machine = member(run.folder.run, "machine");
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() || part.empty() ? "" : ", ") + part; };
  for (const char* name : {"gpu", "device", "cpu"}) add(text_at(machine, name));
  for (const std::string name : {"cores", "threads"}) {
    const std::string count = text_at(machine, name);
    if (!count.empty()) add(count + " " + (count == "1" ? name.substr(0, name.size() - 1) : name));
  }
  add(text_at(machine, "simd"));
  return text.empty() ? "–" : text;
}

std::string comparison_markdown(const Comparison& all) {
  std::string text = fmt::format("# {} runs compared\n\n{}\n\n", all.runs.size(), base::printable(all.headline));
  text += runs_text(all) + "\n";
  if (!all.metrics.empty()) text += values_text(all) + "\n" + differences_text(all) + "\n";
  text += costs_text(all) + "\n";
  for (const std::string& note : all.notes) text += fmt::format("- {}\n", base::printable(note));
  return text;
}

Json comparison_json(const Comparison& all) {
  Json json{{"schema", 1}, {"runs", Json::array()}, {"metrics", Json::array()}};
  for (const ComparedRun& run : all.runs) {
    json["runs"].push_back({{"letter", run.letter},
                            {"run", run.folder.name},
                            {"recipe", member(run.folder.run, "recipe")},
                            {"preset", member(run.folder.run, "preset")},
                            {"seeds", run.seeds.size()},
                            {"cost", member(run.summary, "cost")},
                            {"machine", member(run.folder.run, "machine")},
                            {"unpaired", run.unpaired.empty() ? Json() : Json(run.unpaired)}});
  }
  for (const SharedMetric& metric : all.metrics)
    json["metrics"].push_back({{"name", metric.name}, {"label", metric.label}, {"unit", metric.unit}});
  json["reference"] = short_name(all, all.arms[all.reference]);
  json["headline"] = all.headline;
  json["arms"] = Json::array();
  for (const ComparedArm& arm : all.arms) {
    Json values = Json::object();
    for (std::size_t m = 0; m < all.metrics.size(); ++m) {
      const Cell& cell = arm.cells[m];
      if (!std::isfinite(cell.value.mean)) continue;
      Json& value = values[all.metrics[m].name] = interval_json(cell.value);
      if (cell.per_seed.size() > 1) value["per_seed"] = cell.per_seed;
      if (std::isfinite(cell.difference.mean)) value["difference"] = interval_json(cell.difference);
    }
    json["arms"].push_back(
        {{"run", all.runs[arm.run].letter}, {"arm", arm.name}, {"label", arm.label}, {"values", std::move(values)}});
  }
  json["notes"] = all.notes;
  return json;
}

}  // namespace hone::report
