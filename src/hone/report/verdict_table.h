// The README's table of verdicts, written from recorded results and never by hand.
#pragma once

#include "hone/base/json.h"

#include <string>
#include <string_view>
#include <vector>

namespace hone::report {

/// Markdown table: one row a claim with its verdict and the contrast that decides it (the one whose interval reaches
/// lowest above its margin), seeds, minutes, memory and machine.
///
///   results   recorded results in the order to be shown, as judge_run makes them
///   see       with_verdicts, which puts it into a page
std::string verdict_table(const std::vector<Json>& results);

/// `page` with everything between the lines "<!-- verdicts -->" and "<!-- /verdicts -->" replaced by the table.
/// Errors: data if the two lines are not there, in this order.
std::string with_verdicts(std::string_view page, const std::vector<Json>& results);

}  // namespace hone::report
