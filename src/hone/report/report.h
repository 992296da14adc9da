// The report of a run as a page: one HTML file without network access, made from the run's folder alone.
#pragma once

#include <filesystem>
#include <string>

namespace hone::report {

/// The page: verdict, method, results with intervals, curves, transcripts, options, cost, environment, how to repeat
/// it. A part whose file is missing says so. Below 1 MB: long texts and dense curves are cut, and say so.
/// Everything that comes from the run's files is escaped; the page's policy forbids any other script and any fetch.
/// Errors: usage if `run_dir` holds no run.
std::string report_html(const std::filesystem::path& run_dir);

/// Writes report_html to `run_dir`/report.html and returns that path. Errors: also io.
std::filesystem::path write_report(const std::filesystem::path& run_dir);

}  // namespace hone::report
