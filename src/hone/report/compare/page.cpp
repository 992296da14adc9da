#include "hone/report/compare/page.h"

#include "hone/report/compare/curves.h"
#include "hone/report/compare/text.h"
#include "hone/report/compare/verdict.h"
#include "hone/report/html_sections.h"
#include "hone/report/progress.h"
#include "hone/report/series_chart.h"
#include "hone/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

std::string run_names(const Comparison& all) {
  std::string names;
  for (std::size_t i = 0; i < all.runs.size(); ++i) {
    const std::string recipe = text_at(all.runs[i].folder.run, "recipe");
    names += i == 0 ? "" : i + 1 == all.runs.size() ? " and " : ", ";
    names += all.runs[i].letter + (recipe.empty() ? "" : " (" + recipe + ")");
  }
  return names;
}

std::string runs_table(const Comparison& all) {
  std::vector<std::vector<std::string>> rows;
  for (const ComparedRun& run : all.runs) {
    const Json& about = run.folder.run;
    rows.push_back({"<b>" + escape_html(run.letter) + "</b> " + escape_html(run.folder.name),
                    escape_html(text_at(about, "title").empty() ? text_at(about, "recipe") : text_at(about, "title")),
                    escape_html(text_at(about, "preset")), seed_count_text(run),
                    format_number(number_at(run.summary, "held_out"), ""), escape_html(text_at(about, "started_at"))});
  }
  return table_html({"run", "recipe", "preset", "seeds", "held-out problems", "started"}, rows, "runs");
}

std::string header_html(const Comparison& all) {
  std::string html = fmt::format("<header><p class=\"over\">hone report: {} runs compared</p><h1>{}</h1>\n",
                                 all.runs.size(), escape_html(run_names(all)));
  html += fmt::format("<p class=\"lead\">{}</p>\n", escape_html(all.headline));
  return html + runs_table(all) + "</header>\n";
}

std::string value_chart(const Comparison& all, std::size_t m) {
  IntervalChart chart{all.metrics[m].label + " of every arm with 95 % intervals", all.metrics[m].unit, {}, {}};
  for (const ComparedArm& arm : all.arms) {
    const Cell& cell = arm.cells[m];
    if (std::isfinite(cell.value.mean))
      chart.rows.push_back({short_name(all, arm), arm.kind, cell.value, cell.per_seed});
  }
  return fmt::format("<figure><figcaption>{}</figcaption>{}</figure>", escape_html(all.metrics[m].label),
                     interval_svg(chart));
}

std::string difference_chart(const Comparison& all, std::size_t m) {
  const std::string reference = short_name(all, all.arms[all.reference]);
  IntervalChart chart{"difference to " + reference, difference_unit(all.metrics[m].unit), {}, {}};
  for (const ComparedArm& arm : all.arms) {
    const Interval& difference = arm.cells[m].difference;
    if (!std::isfinite(difference.mean)) continue;
    const bool certain = difference.low > 0 || difference.high < 0;
    chart.rows.push_back({short_name(all, arm), certain ? "improved" : "other", difference, {}});
  }
  if (chart.rows.empty()) return "";
  return fmt::format(
      "<figure><figcaption>{}: difference to {} <small>0 = no difference</small></figcaption>{}</figure>",
      escape_html(all.metrics[m].label), escape_html(reference), interval_svg(chart));
}

std::string value_cell(const Cell& cell, const std::string& unit) {
  if (!std::isfinite(cell.value.mean)) return "–";
  std::string html = "<b>" + format_number(cell.value.mean, unit) + "</b>";
  if (std::isfinite(cell.value.low) && std::isfinite(cell.value.high))
    html += fmt::format("<small>[{}, {}]</small>", format_number(cell.value.low, unit),
                        format_number(cell.value.high, unit));
  const std::string gap = difference_text(cell.difference, unit);
  if (!gap.empty()) html += fmt::format("<small class=\"gap\">{}</small>", escape_html(gap));
  return html;
}

std::string arms_table(const Comparison& all) {
  std::vector<std::string> header = {"arm"};
  for (const SharedMetric& metric : all.metrics) {
    header.push_back(fmt::format("{}<small>{}</small>", escape_html(metric.label),
                                 escape_html(metric.unit == "pts" ? "points" : metric.unit)));
  }
  std::vector<std::vector<std::string>> rows;
  for (const ComparedArm& arm : all.arms) {
    rows.push_back({fmt::format(R"(<span class="key {}"></span>{})", arm.kind, escape_html(short_name(all, arm)))});
    for (std::size_t m = 0; m < all.metrics.size(); ++m)
      rows.back().push_back(value_cell(arm.cells[m], all.metrics[m].unit));
  }
  return table_html(header, rows, "results");
}

std::string results_html(const Comparison& all) {
  if (all.metrics.empty())
    return section_html("results", "Results", missing_html("The runs share no metric; see the end of this page."));
  const auto first = deciding_metric(all);
  std::string lead, others;
  for (std::size_t m = 0; m < all.metrics.size(); ++m) {
    if (first == m)
      lead = value_chart(all, m) + difference_chart(all, m);
    else
      others += value_chart(all, m);
  }
  std::string html = "<div class=\"figures\">" + lead + others + "</div>";
  html += fmt::format(
      "<p class=\"note\">Dots are means, bars 95 % intervals by bootstrap over seeds and held-out problems, small "
      "marks "
      "single seeds. Blue: the arm a run is about (in the chart of differences: intervals that exclude 0); black: what "
      "it started from; grey: the others. In the table, below the interval: the difference to {}. Many intervals are "
      "shown and none is widened for that.</p>",
      escape_html(short_name(all, all.arms[all.reference])));
  return section_html("results", "Every arm", html + arms_table(all));
}

std::string curve_figure(const CurveFigure& figure, const SeriesChart& chart) {
  if (chart.series.empty()) return "";
  const std::string scope = figure.scope.empty() ? "" : fmt::format(" <small>only {} logs it</small>", figure.scope);
  return fmt::format("<figure><figcaption>{}{}</figcaption>{}{}</figure>", escape_html(figure.metric), scope,
                     series_legend(chart.series), series_svg(chart));
}

std::string joined(const std::vector<std::string>& words, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(most, words.size()); ++i) text += (i ? ", " : "") + words[i];
  if (words.size() > most) text += fmt::format(" and {} more", words.size() - most);
  return text;
}

std::string curves_html(const Comparison& all) {
  const LearningCurves curves = learning_curves(all);
  std::string by_step, by_tokens;
  for (const CurveFigure& figure : curves.figures) {
    by_step += curve_figure(figure, figure.by_step);
    by_tokens += curve_figure(figure, figure.by_tokens);
  }
  if (by_step.empty())
    return section_html("curves", "Learning curves", missing_html("No arm has curves in its metrics.jsonl."));
  std::string html =
      "<p class=\"note\">As logged, not smoothed. Thin: single seeds; thick: their mean. Phases of an arm follow one "
      "another; the pre-training of base models is left out.";
  html += curves.improved_only ? " Only the arm that each run is about is drawn.</p>\n" : "</p>\n";
  if (by_tokens.empty()) {
    html += "<p class=\"note\">No arm logs sampled tokens, so the axis is steps.</p><div class=\"figures\">" + by_step +
            "</div>";
  } else {
    html +=
        "<input class=\"axis-choice\" type=\"radio\" name=\"axis\" id=\"by-step\" checked><label for=\"by-step\">over "
        "steps</label><input class=\"axis-choice\" type=\"radio\" name=\"axis\" id=\"by-tokens\"><label "
        "for=\"by-tokens\">over sampled tokens</label>\n";
    html += "<div class=\"figures by-step\">" + by_step + "</div>\n<div class=\"figures by-tokens\">" + by_tokens +
            "</div>\n";
  }
  if (!curves.left_out.empty())
    html += "<p class=\"note\">Logged, but not drawn here: " + escape_html(joined(curves.left_out, 20)) + ".</p>";
  return section_html("curves", "Learning curves", html);
}

std::string pass_html(const Comparison& all) {
  std::string figures;
  for (const ComparedRun& run : all.runs)
    figures += pass_figure(run.summary, run.letter + " " + text_at(run.folder.run, "recipe"));
  if (figures.empty()) return "";
  return section_html("pass", "pass@k before and after",
                      "<p class=\"note\">If more samples help a model less than before training, it has become surer, "
                      "not wider: the curves cross.</p><div class=\"figures\">" +
                          figures + "</div>");
}

std::string cost_html(const Comparison& all) {
  std::vector<std::vector<std::string>> rows;
  bool one_machine = true;
  for (const ComparedRun& run : all.runs) {
    const Json& cost = member(run.summary, "cost");
    const double wall = number_at(cost, "wall_seconds");
    const auto seeds = static_cast<double>(std::max<std::size_t>(1, run.seeds.size()));
    one_machine = one_machine && machine_text(run) == machine_text(all.runs[0]);
    rows.push_back({"<b>" + escape_html(run.letter) + "</b> " + escape_html(text_at(run.folder.run, "recipe")),
                    format_count(number_at(cost, "sampled_tokens")), format_count(number_at(cost, "train_tokens")),
                    std::isfinite(wall) ? fmt::format("{:.1f}", wall / 60) : "–",
                    std::isfinite(wall) ? fmt::format("{:.1f}", wall / 60 / seeds) : "–",
                    format_bytes(number_at(cost, "peak_rss_bytes")), escape_html(machine_text(run))});
  }
  std::string html =
      table_html({"run", "tokens sampled", "tokens trained on", "minutes", "minutes a seed", "peak memory", "machine"},
                 rows, "costs");
  html += "<p class=\"note\">Of whole runs: all arms and seeds added up; memory is the largest.";
  html += one_machine ? "</p>" : " The machines differ, so minutes can't be compared; tokens can.</p>";
  return section_html("cost", "Cost", html);
}

std::string notes_html(const Comparison& all) {
  std::string items;
  for (const std::string& note : all.notes) items += "<li>" + escape_html(note) + "</li>";
  if (items.empty()) return "";
  return section_html("notes", "What can be compared, and what can't", "<ul class=\"note\">" + items + "</ul>");
}

std::string commands_html(const Comparison& all) {
  std::string lines;
  for (const ComparedRun& run : all.runs)
    lines += run.letter + "  " + escape_html(text_at(run.folder.run, "command")) + "\n";
  return section_html("reproduce", "How to repeat the runs", "<pre class=\"command\">" + lines + "</pre>");
}

}  // namespace

std::string comparison_html(const Comparison& all) {
  std::string html = header_html(all) + results_html(all) + curves_html(all) + pass_html(all) + cost_html(all) +
                     notes_html(all) + commands_html(all);
  html +=
      "<footer>Made by <code>hone report</code> from the files of the runs alone. All numbers are also embedded in "
      "this "
      "page as <code>report-data</code>.</footer>\n";
  return whole_page(run_names(all) + " compared", html, comparison_json(all));
}

}  // namespace hone::report
