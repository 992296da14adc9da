#include "hone/report/report.h"

#include "hone/base/files.h"
#include "hone/report/html_sections.h"
#include "hone/report/progress.h"
#include "hone/report/summary.h"
#include "hone/report/svg.h"

#include <fmt/format.h>

#include <cmath>

namespace hone::report {
namespace {

// The hash by which the page's policy knows its own script: "sha256-<base64>".
std::string script_hash(std::string_view script) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string hex = base::sha256_hex(script);
  std::string hash = "sha256-";
  uint32_t bits = 0;
  int held = 0;
  for (const char c : hex) {
    bits = bits << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    held += 4;
    for (; held >= 6; held -= 6) hash += kDigits[bits >> (held - 6) & 63];
  }
  hash += kDigits[bits << (6 - held) & 63];  // 256 bits leave 4 over
  return hash + "=";
}

std::string chip(std::string_view name, const std::string& value) {
  return value.empty() ? "" : fmt::format("<li>{} <b>{}</b></li>", name, escape_html(value));
}

std::string seeds_text(const Json& run) {
  const Json& seeds = member(run, "seeds");
  if (!seeds.is_array()) return text_at(run, "seed");
  std::string text;
  for (const Json& seed : seeds) text += (text.empty() ? "" : ", ") + text_of(seed);
  return text;
}

std::string header_html(const PageSource& page) {
  const Json& run = page.folder.run;
  const std::string title = text_at(run, "title");
  std::string html = fmt::format("<header><p class=\"over\">hone run {}</p><h1>{}</h1>\n",
                                 escape_html(page.folder.name), escape_html(title.empty() ? page.folder.name : title));
  const std::string line = verdict_line(page.folder, page.summary);
  html += fmt::format("<p class=\"lead\">{}</p>\n",
                      line.empty() ? "No verdict and no headline: the run hasn't finished." : escape_html(line));
  const double wall = number_at(member(page.summary, "cost"), "wall_seconds");
  const double held_out = number_at(page.summary, "held_out");
  html += "<ul class=\"chips\">" + chip("recipe", text_at(run, "recipe")) + chip("preset", text_at(run, "preset")) +
          chip(member(run, "seeds").is_array() ? "seeds" : "seed", seeds_text(run)) +
          chip("held-out problems", std::isfinite(held_out) ? format_number(held_out, "") : "") +
          chip("time", std::isfinite(wall) ? short_duration(wall) : "") + chip("started", text_at(run, "started_at")) +
          "</ul>\n";
  return html;
}

std::string nav_html(const std::string& sections) {
  std::string html;
  for (const auto& [id, name] : {std::pair{"method", "What was done"},
                                 {"results", "Results"},
                                 {"flow", "First to second attempt"},
                                 {"claims", "Claims"},
                                 {"figures", "Figures"},
                                 {"curves", "Curves"},
                                 {"searches", "Searches"},
                                 {"transcripts", "Transcripts"},
                                 {"options", "Options"},
                                 {"cost", "Cost"},
                                 {"environment", "Environment"},
                                 {"reproduce", "Repeat"}}) {
    if (sections.find(fmt::format("<section id=\"{}\">", id)) == std::string::npos) continue;
    html += fmt::format("<a href=\"#{}\">{}</a>", id, name);
  }
  return "<nav>" + html + "</nav></header>\n";
}

std::string missing_list(const RunFolder& folder) {
  if (folder.missing.empty()) return "";
  std::string items;
  for (const std::string& note : folder.missing) items += "<li>" + escape_html(note) + "</li>";
  return section_html("missing", "Missing from the run folder", "<ul class=\"note\">" + items + "</ul>");
}

// The numbers as data: "<" must not end the script element that holds them.
std::string embedded_json(const Json& json) {
  std::string text;
  for (const char c : base::dump(json)) {
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  }
  return "<script type=\"application/json\" id=\"report-data\">" + text + "</script>\n";
}

}  // namespace

std::string report_html(const std::filesystem::path& run_dir) {
  const RunFolder folder = read_run_folder(run_dir);
  const Json summary = summary_of(folder);
  const PageSource page{folder, summary};
  std::string sections;
  for (const auto& make :
       {method_section, results_section, flow_section, claims_section, figures_section, curves_section,
        searches_section, transcripts_section, options_section, cost_section, environment_section, reproduce_section}) {
    sections += make(page);
  }
  sections += missing_list(folder);
  std::string html = header_html(page) + nav_html(sections) + sections;
  html += fmt::format(
      "<footer>Made by hone {} from the files of the run alone. All numbers: <code>hone report {} "
      "--json</code>, also embedded in this page as <code>report-data</code>.</footer>\n",
      escape_html(text_at(folder.run, "hone_version")), escape_html(folder.name));
  return whole_page(text_at(folder.run, "recipe") + " · " + folder.name, html, report_json(folder, summary));
}

std::string whole_page(std::string_view title, const std::string& main, const Json& data) {
  std::string html = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  html += fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "img-src data:; script-src '{}'\">\n",
      script_hash(page_script()));
  html += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n";
  html += "<link rel=\"icon\" href=\"data:,\">\n";
  html += fmt::format("<title>{}</title>\n<style>{}</style></head>\n<body><main>\n", escape_html(title), page_style());
  html += main + "</main><div id=\"tip\" role=\"status\"></div>\n" + embedded_json(data);
  return html + fmt::format("<script>{}</script>\n</body></html>\n", page_script());
}

std::filesystem::path write_report(const std::filesystem::path& run_dir) {
  const std::filesystem::path page = run_dir / "report.html";
  base::write_file_atomic(page, report_html(run_dir));
  return page;
}

}  // namespace hone::report
