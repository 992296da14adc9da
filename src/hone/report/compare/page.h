// A comparison as one page: offline, readable without scripts, in light, dark and print.
#pragma once

#include "hone/report/compare/comparison.h"

#include <filesystem>
#include <string>

namespace hone::report {

/// Top to bottom: who leads and whether that is certain, the runs, dots with 95 % intervals of every arm, the
/// differences to the first run, learning curves over steps or sampled tokens, pass@k before and after, cost, and what
/// can't be compared. All text from files is escaped; the page's policy forbids any fetch.
std::string comparison_html(const Comparison& comparison);

}  // namespace hone::report
