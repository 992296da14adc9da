// hone report: what came out of a run, or of several side by side, from their logs alone.
#include "hone/report/report.h"
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/runs.h"
#include "hone/base/files.h"
#include "hone/base/run_dir.h"
#include "hone/report/compare/page.h"
#include "hone/report/compare/text.h"
#include "hone/report/markdown.h"
#include "hone/report/summary.h"

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kOptions[] = {
    {"--md", "", "print Markdown only; write no file"},
    {"--out", "FILE", "where the page goes; never over a file"},
};

// Writes a page to a place of its own; nothing is there yet.
void write_page(const fs::path& out, const std::string& html) {
  if (out.has_parent_path()) base::make_folders(out.parent_path());
  base::write_file_atomic(out, html);
}

int report_one(const Call& call, const fs::path& run) {
  if (call.has("--json")) {
    put("{}\n", base::dump(report::report_json(run), 2));
    return 0;
  }
  if (call.has("--md")) {
    put("{}", report::report_markdown(run));
    return 0;
  }
  fs::path page;
  if (const auto out = call.value("--out")) {
    page = *out;
    refuse_existing(page);
    write_page(page, report::report_html(run));
  } else {
    page = report::write_report(run);
  }
  if (!call.has("--quiet")) put("{}\n", report::report_markdown(run));
  put("{}\n", shown_path(page));
  return 0;
}

int report_several(const Call& call, const std::vector<fs::path>& runs) {
  const bool has_page = !call.has("--json") && !call.has("--md");
  const fs::path page = call.value("--out").value_or("compare.html");
  if (has_page) refuse_existing(page);
  const report::Comparison comparison = report::compare(runs);
  if (call.has("--json")) {
    put("{}\n", base::dump(report::comparison_json(comparison), 2));
    return 0;
  }
  if (has_page) write_page(page, report::comparison_html(comparison));
  if (!call.has("--quiet")) put("{}", report::comparison_markdown(comparison));
  if (has_page) put("{}{}\n", call.has("--quiet") ? "" : "\n", shown_path(page));
  return 0;
}

int run_report(const Call& call) {
  std::vector<fs::path> runs;
  for (const std::string& name : call.operands) runs.push_back(base::find_run(call.runs, name));
  if (runs.empty()) runs.push_back(base::find_run(call.runs, "latest"));
  return runs.size() == 1 ? report_one(call, runs[0]) : report_several(call, runs);
}

}  // namespace

Command report_verb() {
  return {"report",
          "tables, curves and transcripts of runs",
          "[run…] [options]",
          0,
          64,
          "Makes the report of a run (the latest when none is named) again from its logs: numbers with intervals on "
          "the terminal, and one offline page, report.html, in the run's folder. Several runs are compared: every arm "
          "with its difference to the first run, curves, pass@k and cost, in one page, compare.html, here.",
          "hone report\n"
          "hone report 2026-08-04-score-1a2b --md\n"
          "hone report 2026-08-04-grpo-77aa 2026-08-05-grpo-90c1 --out grpo.html",
          kOptions,
          &run_report};
}

}  // namespace hone::cli
