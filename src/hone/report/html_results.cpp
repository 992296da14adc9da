// The sections that say what came out: method, results, flow, claims.
#include "hone/report/html_sections.h"
#include "hone/report/series_chart.h"
#include "hone/report/summary.h"
#include "hone/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace hone::report {
namespace {

constexpr std::size_t kMostArms = 40, kMostMetrics = 12, kMostTiles = 6;

Interval interval_of(const Json& value) {
  return {number_at(value, "mean"), number_at(value, "low"), number_at(value, "high")};
}

std::vector<double> per_seed_of(const Json& value) {
  std::vector<double> values;
  const Json& list = member(value, "per_seed");
  for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
    if (list[i].is_number()) values.push_back(list[i].get<double>());
  }
  return values;
}

const Json& value_of(const Json& summary, const std::string& arm, const std::string& metric) {
  return member(member(member(member(summary, "arms"), arm), "values"), metric);
}

struct Arm {
  std::string name, label, kind;
};

// What an arm is called: its label, or its name where it has none.
std::string label_of(const Json& summary, const std::string& arm) {
  const std::string label = text_at(member(member(summary, "arms"), arm), "label");
  return label.empty() ? arm : label;
}

std::vector<Arm> arms_of(const Json& summary) {
  std::vector<Arm> arms;
  const Json& all = member(summary, "arms");
  if (!all.is_object()) return arms;
  for (const auto& entry : all.items()) {
    if (arms.size() == kMostArms) break;
    const std::string& name = entry.key();
    const char* kind = name == text_at(summary, "improved") ? "improved"
                       : name == text_at(summary, "base")   ? "base"
                                                            : "other";
    arms.push_back({name, label_of(summary, name), kind});
  }
  return arms;
}

struct ShownMetric {
  std::string name, label, unit;
};

std::vector<ShownMetric> metrics_of(const Json& summary) {
  std::vector<ShownMetric> metrics;
  const Json& all = member(summary, "metrics");
  for (std::size_t i = 0; all.is_array() && i < std::min(kMostMetrics, all.size()); ++i) {
    const std::string name = text_at(all[i], "name"), label = text_at(all[i], "label");
    metrics.push_back({name, label.empty() ? name : label, text_at(all[i], "unit")});
  }
  return metrics;
}

std::string with_unit(double value, const std::string& unit) {
  return escape_html(format_number(value, unit) + unit_suffix(unit));
}

std::string range_text(const Interval& interval, const std::string& unit) {
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return "";
  return fmt::format("[{}, {}]", format_number(interval.low, unit), format_number(interval.high, unit));
}

// The improved arm's numbers, large, with the base's below.
std::string tiles(const Json& summary, const std::vector<ShownMetric>& metrics) {
  const std::string base = text_at(summary, "base"), improved = text_at(summary, "improved");
  std::string html;
  for (std::size_t i = 0; i < std::min(kMostTiles, metrics.size()); ++i) {
    const ShownMetric& metric = metrics[i];
    const Interval after = interval_of(value_of(summary, improved, metric.name));
    const Interval before = interval_of(value_of(summary, base, metric.name));
    if (!std::isfinite(after.mean)) continue;
    html += fmt::format(R"(<div class="tile"><div class="name">{}</div><div class="big">{}<small>{}</small></div>)",
                        escape_html(metric.label), format_number(after.mean, metric.unit),
                        escape_html(unit_suffix(metric.unit)));
    html += fmt::format(R"(<div class="range">{}</div>)", range_text(after, metric.unit));
    if (std::isfinite(before.mean) && base != improved) {
      html += fmt::format(R"(<div class="was">{} {}</div>)", escape_html(label_of(summary, base)),
                          with_unit(before.mean, metric.unit));
    }
    html += "</div>";
  }
  return html.empty() ? "" : "<div class=\"tiles\">" + html + "</div>";
}

std::string results_table(const Json& summary, const std::vector<Arm>& arms, std::span<const ShownMetric> metrics) {
  std::vector<std::string> header = {"arm"};
  for (const ShownMetric& metric : metrics) {
    const std::string unit = metric.unit == "pts" ? "points" : metric.unit;
    header.push_back(fmt::format("{}<small>{}</small>", escape_html(metric.label), escape_html(unit)));
  }
  std::vector<std::vector<std::string>> rows;
  for (const Arm& arm : arms) {
    rows.push_back({fmt::format(R"(<span class="key {}"></span>{})", arm.kind, escape_html(arm.label))});
    for (const ShownMetric& metric : metrics) {
      const Interval interval = interval_of(value_of(summary, arm.name, metric.name));
      rows.back().push_back(fmt::format(R"(<b>{}</b><small>{}</small>)", format_number(interval.mean, metric.unit),
                                        range_text(interval, metric.unit)));
    }
  }
  return table_html(header, rows, "results");
}

// As many tables as fit the page's width, also on paper.
std::string results_tables(const Json& summary, const std::vector<Arm>& arms, std::span<const ShownMetric> metrics) {
  constexpr std::size_t kMostColumns = 6;
  const std::size_t tables = std::max<std::size_t>(1, (metrics.size() + kMostColumns - 1) / kMostColumns);
  std::string html;
  for (std::size_t i = 0; i < tables; ++i) {
    const std::size_t begin = metrics.size() * i / tables, end = metrics.size() * (i + 1) / tables;
    html += results_table(summary, arms, metrics.subspan(begin, end - begin));
  }
  return html;
}

std::string interval_charts(const Json& summary, const std::vector<Arm>& arms,
                            const std::vector<ShownMetric>& metrics) {
  std::string html;
  for (const ShownMetric& metric : metrics) {
    IntervalChart chart{metric.label + " of every arm with 95 % intervals", metric.unit, {}, {}};
    for (const Arm& arm : arms) {
      const Json& value = value_of(summary, arm.name, metric.name);
      if (value.is_null()) continue;
      chart.rows.push_back({arm.label, arm.kind, interval_of(value), per_seed_of(value)});
    }
    if (chart.rows.empty()) continue;
    html +=
        fmt::format("<figure><figcaption>{}</figcaption>{}</figure>", escape_html(metric.label), interval_svg(chart));
  }
  return "<div class=\"figures\">" + html + pass_figure(summary, "pass@k before and after") + "</div>";
}

// k of a metric that is the mean of the outcome "pass<k>"; 0 of others.
int pass_k(const MetricSpec& spec) {
  if (spec.terms.size() != 1 || spec.terms[0].second != 1 || !spec.terms[0].first.starts_with("pass")) return 0;
  const std::string digits = spec.terms[0].first.substr(4);
  const bool is_number =
      !digits.empty() && digits.size() <= 6 && digits.find_first_not_of("0123456789") == std::string::npos;
  return is_number && digits[0] != '0' ? std::stoi(digits) : 0;
}

// An arm's pass@k in percent over log2 k.
Series pass_series(const Json& summary, const std::vector<std::pair<int, MetricSpec>>& metrics,
                   const std::string& arm) {
  Series series{label_of(summary, arm), 0, {}, {"", "mean", {}, {}}, {}};
  for (const auto& [k, metric] : metrics) {
    const Interval value = interval_of(value_of(summary, arm, metric.name));
    if (!std::isfinite(value.mean)) continue;
    series.mean.x.push_back(std::log2(k));
    series.mean.y.push_back(100 * value.mean);
    series.spans.push_back({100 * value.mean, 100 * value.low, 100 * value.high});
  }
  return series;
}

std::string scope_text(const PageSource& page) {
  const double held_out = number_at(page.summary, "held_out");
  const std::size_t seeds = outcomes_of(page.folder).size();
  std::string text = "Means";
  if (std::isfinite(held_out)) text += fmt::format(" over {:.0f} held-out problems", held_out);
  if (seeds > 1) text += fmt::format("{} {} seeds", std::isfinite(held_out) ? " and" : " over", seeds);
  text += seeds > 1 ? "; 95 % intervals by paired bootstrap over seeds and problems; small marks are single seeds."
                    : "; 95 % intervals by paired bootstrap over problems.";
  if (seeds == 1) text += " One seed: how much training itself varies is not in these intervals.";
  return text;
}

std::string badge(const std::string& verdict) {
  const char* kind = verdict == name_of(Verdict::reproduced)       ? "good"
                     : verdict == name_of(Verdict::not_reproduced) ? "bad"
                                                                   : "open";
  const char* glyph = std::string_view(kind) == "good" ? "✓" : std::string_view(kind) == "bad" ? "✗" : "?";
  return fmt::format(R"(<span class="badge {}">{} {}</span>)", kind, glyph, escape_html(verdict));
}

std::string claim_html(const Json& claim) {
  std::string html =
      fmt::format(R"(<article class="claim"><h3>{}<span class="id">{}</span>{}</h3>)", badge(text_at(claim, "verdict")),
                  escape_html(text_at(claim, "id")), escape_html(text_at(claim, "statement")));
  if (const std::string note = text_at(claim, "note"); !note.empty()) html += missing_html(note);
  const Json& contrasts = member(claim, "contrasts");
  for (std::size_t i = 0; contrasts.is_array() && i < std::min(kMostArms, contrasts.size()); ++i) {
    const Json& contrast = contrasts[i];
    const std::string unit = text_at(contrast, "unit");
    const double margin = number_at(contrast, "margin");
    IntervalChart chart{text_at(contrast, "label"), unit, {}, {}};
    if (std::isfinite(margin)) chart.margin = margin;
    const Interval interval = interval_of(contrast);
    const char* kind = interval.low > margin ? "improved" : interval.high < margin ? "lost" : "base";
    chart.rows.push_back({"", kind, interval, per_seed_of(contrast)});
    html += fmt::format(R"(<div class="contrast"><p>{}<br><b>{}</b> {}, claimed above {}</p>{}</div>)",
                        escape_html(text_at(contrast, "label")), with_unit(interval.mean, unit),
                        range_text(interval, unit), with_unit(margin, unit), interval_svg(chart));
  }
  return html + "</article>";
}

}  // namespace

std::string section_html(std::string_view id, std::string_view title, std::string_view body) {
  return fmt::format("<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", id, title, body);
}

std::string missing_html(std::string_view text) {
  return fmt::format("<p class=\"missing\">{}</p>", escape_html(text));
}

std::string table_html(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                       std::string_view kind) {
  std::string html = fmt::format("<div class=\"scroll\"><table class=\"{}\"><thead><tr>", kind);
  for (const std::string& cell : header) html += "<th scope=\"col\">" + cell + "</th>";
  html += "</tr></thead><tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    html += "<tr>";
    for (const std::string& cell : row) html += "<td>" + cell + "</td>";
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>";
}

std::string method_section(const PageSource& page) {
  const Json& method = member(page.folder.run, "method");
  std::string lines;
  for (std::size_t i = 0; method.is_array() && i < method.size(); ++i) {
    lines += (i ? " " : "") + escape_html(text_of(method[i]));
  }
  if (lines.empty())
    return section_html("method", "What was done", missing_html("run.json doesn't describe the method."));
  const std::string paper = text_at(page.folder.run, "paper");
  if (!paper.empty()) lines += fmt::format(" <span class=\"soft\">({})</span>", escape_html(paper));
  return section_html("method", "What was done", "<p class=\"method\">" + lines + "</p>");
}

std::string results_section(const PageSource& page) {
  const std::vector<Arm> arms = arms_of(page.summary);
  const std::vector<ShownMetric> metrics = metrics_of(page.summary);
  if (arms.empty() || metrics.empty()) {
    return section_html("results", "Results",
                        missing_html("No results: the run hasn't finished, or its summary.json or outcomes.json is "
                                     "missing."));
  }
  return section_html("results", "Results",
                      tiles(page.summary, metrics) + results_tables(page.summary, arms, metrics) +
                          fmt::format("<p class=\"note\">{}</p>", escape_html(scope_text(page))) +
                          interval_charts(page.summary, arms, metrics));
}

std::string pass_figure(const Json& summary, std::string_view caption) {
  std::vector<std::pair<int, MetricSpec>> metrics;
  for (const MetricSpec& spec : metric_specs(summary)) {
    if (pass_k(spec) > 0) metrics.emplace_back(pass_k(spec), spec);
  }
  std::sort(metrics.begin(), metrics.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  SeriesChart chart{std::string(caption) + ": pass@k before and after",
                    "k: samples a problem",
                    {},
                    {},
                    Marks::every,
                    std::pair{0.0, 100.0}};
  for (const auto& [k, metric] : metrics) chart.x_ticks.emplace_back(std::log2(k), std::to_string(k));
  const std::string base = text_at(summary, "base"), improved = text_at(summary, "improved");
  for (const auto& [arm, style] : {std::pair{improved, std::size_t{0}}, {base, std::size_t{2}}}) {
    Series series = pass_series(summary, metrics, arm);
    series.style = style;
    if (series.mean.x.size() >= 2 && (chart.series.empty() || base != improved))
      chart.series.push_back(std::move(series));
  }
  if (chart.series.empty()) return "";
  return fmt::format(
      "<figure><figcaption>{} <small>%, problems solved by one of k samples</small></figcaption>{}{}</figure>",
      escape_html(caption), series_legend(chart.series), series_svg(chart));
}

std::string flow_section(const PageSource& page) {
  std::string figures;
  for (const char* key : {"base", "improved"}) {
    const std::string arm = text_at(page.summary, key);
    const auto mean = [&](const char* metric) { return number_at(value_of(page.summary, arm, metric), "mean"); };
    const double gained = mean("wrong_to_right"), lost = mean("right_to_wrong"), first = mean("acc_t1");
    const AttemptFlow flow{first - lost, gained, lost, 1 - first - gained};
    const bool is_whole = std::isfinite(first) && gained >= -1e-9 && lost >= -1e-9 && flow.right_right >= -1e-9 &&
                          flow.wrong_wrong >= -1e-9;
    if (!is_whole || (!figures.empty() && arm == text_at(page.summary, "base"))) continue;
    const std::string label = text_at(member(member(page.summary, "arms"), arm), "label");
    figures += fmt::format(
        R"(<figure><figcaption>{}</figcaption>{}<p class="legend"><span class="gained">wrong → right {}</span>)"
        R"(<span class="lost">right → wrong {}</span></p></figure>)",
        escape_html(label.empty() ? arm : label), flow_svg(flow, label + ": first to second attempt"),
        with_unit(gained, "%"), with_unit(lost, "%"));
  }
  if (figures.empty()) return "";
  return section_html("flow", "From the first to the second attempt", "<div class=\"figures\">" + figures + "</div>");
}

std::string claims_section(const PageSource& page) {
  const Json& claims = member(page.folder.results, "claims");
  if (!claims.is_array()) {
    return section_html(
        "claims", "Claims",
        missing_html("Not judged: verdicts need at least 3 seeds (hone run … --seeds 3, then hone judge)."));
  }
  if (claims.empty()) return section_html("claims", "Claims", missing_html("The recipe states no claims."));
  std::string html;
  for (const Json& claim : claims) html += claim_html(claim);
  return section_html(
      "claims", "Claims",
      "<p class=\"note\">Fixed before the run. Reproduced: every interval lies above the claimed bound. Not "
      "reproduced: one lies below it. Otherwise, and with fewer than 3 seeds, inconclusive.</p>" +
          html);
}

}  // namespace hone::report
