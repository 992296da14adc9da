// The end of a run as a person reads it: before and after, two transcripts, the report, what to do next.
#pragma once

#include "cli/console.h"

#include <filesystem>
#include <string>

namespace hone::cli {

/// Text for a terminal, made of the run's summary. Errors: those of report::report_json.
///   page   path of the report, as shown
std::string outcome_text(const std::filesystem::path& run, const std::string& page, const Console& console);

}  // namespace hone::cli
