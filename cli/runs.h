// What is known of a run folder at a glance, and paths as people type them.
#pragma once

#include "hone/base/json.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hone::cli {

enum class RunState { running, finished, stopped };
const char* name_of(RunState state);

struct RunInfo {
  std::filesystem::path dir;
  std::string name;  ///< of the folder
  std::string recipe, preset, started_at, command;
  int64_t seeds = 1;
  RunState state = RunState::stopped;
};

/// Errors: io, format when run.json can't be read.
RunInfo run_info(const std::filesystem::path& dir);
/// The runs under `root`, newest first; folders whose run.json can't be read are left out. At most `most`.
std::vector<RunInfo> known_runs(const std::filesystem::path& root, std::size_t most);
Json to_json(const RunInfo& run);

/// "runs/2026-08-04-score-1a2b" as a user would type it: relative when below the working folder.
std::string shown_path(const std::filesystem::path& path);

/// Errors: usage if something (a dangling link too) is at `out`: what a verb writes on request never replaces anything.
void refuse_existing(const std::filesystem::path& out);

}  // namespace hone::cli
