// A comparison for a terminal and for programs.
#pragma once

#include "hone/base/json.h"
#include "hone/report/compare/comparison.h"

#include <string>

namespace hone::report {

/// The headline, the runs, a table of values, one of differences, one of costs, and what can't be compared. Ends with
/// a newline; holds no control characters.
std::string comparison_markdown(const Comparison& comparison);

/// {"schema":1,"runs":[{"letter","run","recipe","preset","seeds","cost","machine","unpaired"}],"metrics":[…],
///  "reference":"A score","headline",
///  "arms":[{"run":"A","arm","label","values":{"acc_t2":{"mean","low","high","per_seed","difference":{…}}}}],"notes":[…]}.
Json comparison_json(const Comparison& comparison);

/// "3": the seeds with results; "2 of 3" if some have none.
std::string seed_count_text(const ComparedRun& run);
/// "AMD EPYC, 2 cores, avx512, 2 threads": the parts of run.json's "machine" that decide how long a run takes.
std::string machine_text(const ComparedRun& run);

}  // namespace hone::report
