// hone report: what came out of a run, from its logs alone.
#include "hone/report/report.h"
#include "cli/commands/verbs.h"
#include "cli/console.h"
#include "cli/runs.h"
#include "hone/base/run_dir.h"
#include "hone/report/markdown.h"
#include "hone/report/summary.h"

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kOptions[] = {
    {"--md", "", "print Markdown only; write no file"},
};

int run_report(const Call& call) {
  std::vector<fs::path> runs;
  for (const std::string& name : call.operands) runs.push_back(base::find_run(call.runs, name));
  if (runs.empty()) runs.push_back(base::find_run(call.runs, "latest"));
  if (call.has("--json")) {
    Json reports = Json::array();
    for (const fs::path& run : runs) reports.push_back(report::report_json(run));
    put("{}\n", base::dump(runs.size() == 1 ? reports[0] : reports, 2));
    return 0;
  }
  for (const fs::path& run : runs) {
    if (call.has("--md")) {
      put("{}", report::report_markdown(run));
      continue;
    }
    const fs::path page = report::write_report(run);
    if (!call.has("--quiet")) put("{}\n", report::report_markdown(run));
    put("{}\n", shown_path(page));
  }
  return 0;
}

}  // namespace

Command report_verb() {
  return {"report",
          "tables, curves and transcripts of runs",
          "[run…] [options]",
          0,
          64,
          "Makes the report of a run (the latest when none is named) again from its logs: numbers with intervals on "
          "the terminal, and one offline page, report.html, in the run's folder.",
          "hone report\n"
          "hone report latest --json\n"
          "hone report 2026-08-04-score-1a2b --md",
          kOptions,
          &run_report};
}

}  // namespace hone::cli
