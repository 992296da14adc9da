// The sections that show the record: curves, transcripts, options, cost, environment, how to repeat the run.
#include "hone/report/html_sections.h"
#include "hone/report/progress.h"
#include "hone/report/series_chart.h"
#include "hone/report/summary.h"
#include "hone/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace hone::report {
namespace {

constexpr std::size_t kMostCharts = 24, kMostTranscripts = 12, kMostOptions = 400, kMostLetters = 3000;

// Bookkeeping rather than outcome; its charts come last.
bool is_bookkeeping(const std::string& metric) {
  static constexpr std::array kNames = {"lr", "grad_norm", "tokens", "sampled_tokens"};
  return std::find(kNames.begin(), kNames.end(), metric) != kNames.end();
}

// Drawn by figures_section.
bool is_of_figure(const std::string& metric) {
  const auto at = metric.find('/');
  return at != std::string::npos && at > 0 && at + 1 < metric.size();
}

// Mean over seeds at the steps that all of them logged.
Line mean_line(const std::vector<Line>& seeds) {
  Line mean{"mean", "mean", {}, {}};
  std::map<double, std::pair<std::size_t, double>> at;
  for (const Line& seed : seeds) {
    for (std::size_t i = 0; i < seed.x.size(); ++i) {
      auto& [count, sum] = at[seed.x[i]];
      count += 1;
      sum += seed.y[i];
    }
  }
  for (const auto& [step, point] : at) {
    if (point.first != seeds.size()) continue;
    mean.x.push_back(step);
    mean.y.push_back(point.second / static_cast<double>(seeds.size()));
  }
  return mean;
}

LinePanel panel_of(const std::vector<const RunFolder*>& seeds, const std::string& metric, const std::string& phase) {
  LinePanel panel{phase, {}};
  for (const RunFolder* seed : seeds) {
    for (const Curve& curve : seed->curves) {
      if (curve.metric != metric || curve.phase != phase) continue;
      panel.lines.push_back({"seed " + text_at(seed->run, "seed"), "seed", curve.steps, curve.values});
    }
  }
  if (seeds.size() == 1 && !panel.lines.empty()) {
    panel.lines[0].kind = "mean";
    panel.lines[0].label.clear();
  } else if (panel.lines.size() > 1) {
    panel.lines.push_back(mean_line(panel.lines));
  }
  return panel;
}

double range_of(const std::vector<LinePanel>& panels) {
  double low = INFINITY, high = -INFINITY;
  for (const LinePanel& panel : panels) {
    for (const Line& line : panel.lines) {
      for (const double value : line.y) {
        if (!std::isfinite(value)) continue;
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
  }
  return low <= high ? high - low : 0;
}

// One chart a metric, its phases side by side. Phases on scales too different to share an axis (a pre-training loss
// and a policy loss) get a chart each.
void add_charts(const std::string& metric, std::vector<LinePanel> panels, std::vector<LineChart>& charts) {
  const double all = range_of(panels);
  const bool apart = std::any_of(panels.begin(), panels.end(), [&](const LinePanel& panel) {
    const double own = range_of({panel});
    return own > 0 && all > 10 * own;
  });
  if (!apart) {
    charts.push_back({metric, std::move(panels)});
    return;
  }
  for (LinePanel& panel : panels) {
    const std::string phase = std::move(panel.label);
    panel.label.clear();  // the title names it
    charts.push_back({metric + " · " + phase, {std::move(panel)}});
  }
}

struct Charts {
  std::vector<LineChart> drawn;
  std::string constant;  // metrics that never change, as text
};

Charts charts_of(const RunFolder& folder) {
  const std::vector<const RunFolder*> seeds = seed_folders(folder);
  std::vector<std::pair<std::string, std::vector<std::string>>> metrics;  // with their phases, in order of appearance
  for (const RunFolder* seed : seeds) {
    for (const Curve& curve : seed->curves) {
      if (is_of_figure(curve.metric)) continue;
      auto found = std::find_if(metrics.begin(), metrics.end(), [&](const auto& m) { return m.first == curve.metric; });
      if (found == metrics.end()) found = metrics.insert(metrics.end(), {curve.metric, {}});
      std::vector<std::string>& phases = found->second;
      if (std::find(phases.begin(), phases.end(), curve.phase) == phases.end()) phases.push_back(curve.phase);
    }
  }
  std::stable_partition(metrics.begin(), metrics.end(), [](const auto& m) { return !is_bookkeeping(m.first); });
  Charts charts;
  for (const auto& [metric, phases] : metrics) {
    std::vector<LinePanel> panels;
    for (const std::string& phase : phases) panels.push_back(panel_of(seeds, metric, phase));
    if (range_of(panels) > 0) {
      add_charts(metric, std::move(panels), charts.drawn);
    } else {
      const std::string value = format_number(panels[0].lines[0].y[0], "");
      charts.constant += fmt::format("{}{} {}", charts.constant.empty() ? "" : ", ", metric, value);
    }
  }
  return charts;
}

// One chart of a figure: the lines of one phase, named by what follows the slash.
SeriesChart figure_chart(const RunFolder& folder, const std::string& figure, const std::string& phase) {
  SeriesChart chart{figure + " · " + phase, "step", {}, {}};
  for (const RunFolder* seed : seed_folders(folder)) {
    for (const Curve& curve : seed->curves) {
      if (curve.phase != phase || !curve.metric.starts_with(figure + "/")) continue;
      std::string label = curve.metric.substr(figure.size() + 1);
      std::replace(label.begin(), label.end(), '_', ' ');
      auto found =
          std::find_if(chart.series.begin(), chart.series.end(), [&](const Series& s) { return s.label == label; });
      if (found == chart.series.end()) found = chart.series.insert(found, {label, chart.series.size(), {}, {}, {}});
      found->seeds.push_back({label, "seed", curve.steps, curve.values});
    }
  }
  for (Series& series : chart.series) {
    series.mean = mean_of(series.seeds);
    if (series.seeds.size() == 1) series.seeds.clear();
  }
  return chart;
}

// The charts of a figure have one axis: they are there to be compared.
void share_axis(std::vector<SeriesChart>& charts) {
  double low = INFINITY, high = -INFINITY;
  for (const SeriesChart& chart : charts) {
    for (const Series& series : chart.series) {
      for (const double value : series.mean.y) {
        if (std::abs(value) < 1e100) low = std::min(low, value), high = std::max(high, value);
      }
    }
  }
  if (!(low < high)) return;
  for (SeriesChart& chart : charts) chart.y_range = std::pair{low - 0.05 * (high - low), high + 0.05 * (high - low)};
}

std::string cut_text(const std::string& text) {
  if (text.size() <= kMostLetters) return escape_html(text);
  std::size_t end = kMostLetters;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return escape_html(text.substr(0, end)) +
         fmt::format("<span class=\"soft\"> … {} more bytes</span>", text.size() - end);
}

std::string turn_html(const Json& turn, std::size_t index, std::size_t count) {
  const std::string verdict = text_at(turn, "verdict");
  const bool good = verdict.starts_with("right") || verdict.starts_with("correct");
  const bool bad = verdict.starts_with("wrong") || verdict.starts_with("incorrect");
  std::string html = fmt::format(R"(<div class="turn {}">)", good ? "good" : bad ? "bad" : "");
  const std::string heading = count == 1 ? "answer" : fmt::format("attempt {}", index + 1);
  html += fmt::format("<h4>{}</h4><pre>{}</pre>", heading, cut_text(text_at(turn, "text")));
  if (!verdict.empty()) {
    html += fmt::format(R"(<p class="verdict">{}{}</p>)", good ? "✓ " : bad ? "✗ " : "", cut_text(verdict));
  }
  return html + "</div>";
}

std::string transcript_html(const Json& transcript) {
  std::string html = R"(<article class="transcript">)";
  html += fmt::format(R"(<h3>{}</h3><p class="note">Chosen by rule: {}{}</p>)",
                      escape_html(text_at(transcript, "kind")), escape_html(text_at(transcript, "rule")),
                      escape_html(member(transcript, "arm").is_null() ? "" : "; arm " + text_at(transcript, "arm")));
  html += fmt::format("<pre class=\"prompt\">{}</pre><div class=\"turns\">", cut_text(text_at(transcript, "prompt")));
  const Json& turns = member(transcript, "turns");
  for (std::size_t i = 0; turns.is_array() && i < std::min<std::size_t>(8, turns.size()); ++i) {
    html += turn_html(turns[i], i, turns.size());
  }
  return html + "</div></article>";
}

const Json& options_of(const RunFolder& folder) {
  if (folder.options.empty() && !folder.seeds.empty()) return folder.seeds.front().options;
  return folder.options;
}

std::string came_from(const Json& option) {
  const std::string origin = text_at(option, "origin"), place = text_at(option, "place");
  if (origin == "standard" || origin.empty()) return "default";
  if (place.empty() || place == origin) return origin;
  return origin == "file" || origin == "set" ? place : origin + " " + place;
}

// Options that something set come first, with their defaults; the others are folded away.
std::string options_tables(const Json& options) {
  std::vector<std::vector<std::string>> set, standard;
  for (const Json& option : options) {
    if (!option.is_object() || set.size() + standard.size() == kMostOptions) continue;
    const auto code = [&](const char* key) { return "<code>" + cut_text(text_at(option, key)) + "</code>"; };
    const std::string source = escape_html(text_at(option, "source")), help = cut_text(text_at(option, "help"));
    const bool is_standard = came_from(option) == "default" && text_at(option, "value") == text_at(option, "standard");
    if (is_standard)
      standard.push_back({code("path"), code("value"), source, help});
    else
      set.push_back({code("path"), code("value"), escape_html(came_from(option)), code("standard"), source, help});
  }
  std::string html;
  if (!set.empty()) {
    html += table_html({"option", "value", "set by", "default", "source of default", "meaning"}, set, "options");
  }
  if (!standard.empty()) {
    html += fmt::format("<details><summary>{} options at their defaults</summary>{}</details>", standard.size(),
                        table_html({"option", "value", "source", "meaning"}, standard, "options"));
  }
  return html;
}

std::string fact(std::string_view name, const std::string& value) {
  return value.empty() ? "" : fmt::format("<dt>{}</dt><dd>{}</dd>", name, value);
}

// A part of run.json's "machine"; "memory_bytes" reads as memory.
std::string machine_fact(const std::string& name, const Json& value) {
  if (!name.ends_with("_bytes") || !value.is_number()) return fact(escape_html(name), cut_text(text_of(value)));
  return fact(escape_html(name.substr(0, name.size() - 6)), format_bytes(value.get<double>()));
}

std::string phases_table(const RunFolder& folder) {
  std::vector<std::vector<std::string>> rows;
  for (const RunFolder* seed : seed_folders(folder)) {
    for (const PhaseRecord& phase : seed->phases) {
      if (rows.size() == kMostOptions) break;
      rows.push_back({escape_html(phase.name), fmt::format("{:.0f} to {:.0f}", phase.first_step, phase.last_step),
                      phase.seconds > 0 ? short_duration(phase.seconds) : "–",
                      phase.tokens_per_second > 0 ? format_count(phase.tokens_per_second) : "–"});
      if (folder.has_seeds) rows.back().insert(rows.back().begin(), escape_html(text_at(seed->run, "seed")));
    }
  }
  if (rows.empty()) return "";
  std::vector<std::string> header = {"phase", "logged steps", "time", "tokens/s (median)"};
  if (folder.has_seeds) header.insert(header.begin(), "seed");
  return table_html(header, rows, "phases");
}

}  // namespace

std::string curves_section(const PageSource& page) {
  const Charts all = charts_of(page.folder);
  const std::vector<LineChart>& charts = all.drawn;
  if (charts.empty() && all.constant.empty())
    return section_html("curves", "Learning curves", missing_html("metrics.jsonl has no curves."));
  std::string html = "<p class=\"note\">As logged, not smoothed; every chart has its own scale.";
  html += page.folder.has_seeds ? " Thin: single seeds; thick: their mean.</p>" : "</p>";
  html += "<div class=\"figures curves\">";
  std::string left_out;
  for (std::size_t i = 0; i < charts.size(); ++i) {
    if (i >= kMostCharts) {
      left_out += (left_out.empty() ? "" : ", ") + charts[i].title;
      continue;
    }
    html += fmt::format("<figure><figcaption>{}</figcaption>{}</figure>", escape_html(charts[i].title),
                        line_svg(charts[i]));
  }
  html += "</div>";
  if (!all.constant.empty()) html += "<p class=\"note\">Constant: " + cut_text(all.constant) + "</p>";
  if (!left_out.empty()) html += "<p class=\"note\">Not drawn, but in metrics.jsonl: " + cut_text(left_out) + "</p>";
  return section_html("curves", "Learning curves", html);
}

std::string figures_section(const PageSource& page) {
  std::map<std::string, std::vector<std::string>> figures;  // with their phases, in order of appearance
  for (const RunFolder* seed : seed_folders(page.folder)) {
    for (const Curve& curve : seed->curves) {
      if (!is_of_figure(curve.metric)) continue;
      std::vector<std::string>& phases = figures[curve.metric.substr(0, curve.metric.find('/'))];
      if (std::find(phases.begin(), phases.end(), curve.phase) == phases.end()) phases.push_back(curve.phase);
    }
  }
  std::string html;
  std::size_t drawn = 0;
  for (const auto& [figure, phases] : figures) {
    std::vector<SeriesChart> charts;
    for (const std::string& phase : phases) {
      if (++drawn <= kMostCharts) charts.push_back(figure_chart(page.folder, figure, phase));
    }
    share_axis(charts);
    for (const SeriesChart& chart : charts) {
      html += fmt::format("<figure><figcaption>{}</figcaption>{}{}</figure>", escape_html(chart.title),
                          series_legend(chart.series), series_svg(chart));
    }
  }
  if (html.empty()) return "";
  return section_html("figures", "Figures", "<div class=\"figures\">" + html + "</div>");
}

std::string transcripts_section(const PageSource& page) {
  std::string html;
  const Json& transcripts = member(page.summary, "transcripts");
  for (std::size_t i = 0; transcripts.is_array() && i < std::min(kMostTranscripts, transcripts.size()); ++i) {
    html += transcript_html(transcripts[i]);
  }
  const RunFolder* first = seed_folders(page.folder).empty() ? nullptr : seed_folders(page.folder).front();
  if (html.empty() && first && !first->samples.empty()) {
    html = "<p class=\"note\">Chosen by rule: the last lines of samples.jsonl.</p>";
    for (const Json& sample : first->samples)
      html += "<pre class=\"prompt\">" + cut_text(base::dump(sample, 1)) + "</pre>";
  }
  if (html.empty()) html = missing_html("No transcripts: neither summary.json nor samples.jsonl holds any.");
  return section_html("transcripts", "Transcripts", html);
}

std::string options_section(const PageSource& page) {
  std::string html = options_tables(options_of(page.folder));
  if (html.empty()) html = missing_html("options.json is missing or empty.");
  return section_html("options", "Options", html);
}

std::string cost_section(const PageSource& page) {
  const Json& cost = member(page.summary, "cost");
  const auto count = [&](const char* key) {
    const double value = number_at(cost, key);
    return std::isfinite(value) ? format_count(value) : "";
  };
  const double wall = number_at(cost, "wall_seconds"), peak = number_at(cost, "peak_rss_bytes");
  const double tokens = number_at(cost, "train_tokens");
  std::string facts = fact("time", std::isfinite(wall) ? short_duration(wall) : "");
  facts += fact("tokens trained on", count("train_tokens")) + fact("tokens sampled", count("sampled_tokens"));
  if (wall > 0 && std::isfinite(tokens)) facts += fact("tokens trained a second", format_count(tokens / wall));
  if (const auto trained = count("trained_parameters"); !trained.empty())
    facts += fact("parameters trained", trained + " beside " + count("frozen_parameters") + " frozen ones");
  facts += fact("peak memory", std::isfinite(peak) ? format_bytes(peak) : "");
  std::string html =
      facts.empty() ? missing_html("summary.json names no cost.") : "<dl class=\"facts\">" + facts + "</dl>";
  if (page.folder.has_seeds && !facts.empty())
    html += "<p class=\"note\">Added up over the seeds; memory is the largest.</p>";
  return section_html("cost", "Cost", html + phases_table(page.folder));
}

std::string environment_section(const PageSource& page) {
  const Json& run = page.folder.run;
  std::string facts = fact("hone", escape_html(text_at(run, "hone_version")));
  facts +=
      fact("commit", escape_html(text_at(run, "commit"))) + fact("started", escape_html(text_at(run, "started_at")));
  const Json& machine = member(run, "machine");
  if (machine.is_object()) {
    for (const auto& [name, value] : machine.items()) facts += machine_fact(name, value);
  }
  std::string html =
      facts.empty() ? missing_html("run.json doesn't describe the machine.") : "<dl class=\"facts\">" + facts + "</dl>";
  std::string warnings;
  for (const RunFolder* seed : seed_folders(page.folder)) {
    for (const Json& warning : seed->warnings) warnings += "<li>" + cut_text(base::dump(warning)) + "</li>";
  }
  if (!warnings.empty()) html += "<h3>Warnings</h3><ul>" + warnings + "</ul>";
  return section_html("environment", "Environment", html);
}

std::string reproduce_section(const PageSource& page) {
  const std::string command = text_at(page.folder.run, "command");
  std::string html = command.empty() ? missing_html("run.json doesn't hold the command.")
                                     : "<pre class=\"command\">" + escape_html(command) + "</pre>";
  if (!command.empty()) {
    html +=
        "<p class=\"note\">The same version, options and seed give the same numbers, with any number of threads.</p>";
  }
  const Json& next = member(page.summary, "next");
  std::string commands;
  for (std::size_t i = 0; next.is_array() && i < next.size(); ++i) commands += escape_html(text_of(next[i])) + "\n";
  if (!commands.empty()) html += "<h3>Next</h3><pre class=\"command\">" + commands + "</pre>";
  return section_html("reproduce", "How to repeat this run", html);
}

}  // namespace hone::report
