// The folder of a run: what is written into it before its first step, and what is made of it after the last.
#pragma once

#include "cli/run_plan.h"

#include <filesystem>
#include <string>

namespace hone::cli {

/// Makes the folder of a fresh run (--out, or a new one under call.runs) and fills in plan.dir; with several seeds the
/// seeds' folders too. Nothing for a resumed run. Errors: io; usage if --out is not empty.
void make_run_folder(RunPlan& plan, const Call& call);

/// Takes back a folder that make_run_folder made, when nothing but its own files has been written: a run that
/// failed before its first step leaves nothing behind. Says whether the folder is gone.
bool discard_if_untouched(const RunPlan& plan);

/// After the last seed: verdicts when the recipe has claims and the run has several seeds, the report, runs/latest.
/// Returns the path of the page.
std::filesystem::path conclude(const RunPlan& plan, const Call& call);

}  // namespace hone::cli
