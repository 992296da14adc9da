// The report as text: Markdown that reads well in a terminal, made of the same numbers as the page.
#pragma once

#include "hone/base/json.h"

#include <filesystem>
#include <string>
#include <vector>

namespace hone::report {

/// A table with aligned columns: the first to the left, the others to the right. Cells lose control characters and
/// line breaks (they may come from a file that holds escape sequences), and "|" is escaped.
std::string markdown_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

/// Title, verdict line, arms by metrics with half of the 95 % interval, claims, cost, what is missing and the next
/// commands. Ends with a newline.
/// Errors: usage if `run_dir` holds no run.
std::string report_markdown(const std::filesystem::path& run_dir);

/// The verdicts of results.json (as judge_run makes it) for a terminal: one line a claim, one line a contrast.
std::string verdicts_text(const Json& results);

}  // namespace hone::report
