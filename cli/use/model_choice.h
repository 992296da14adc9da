// The model that a word on the command line means.
#pragma once

#include <filesystem>
#include <string>

namespace hone::cli {

/// A folder that holds config.json; else a run (a path, a name below `runs`, "latest"): the model that its summary
/// calls the improved one, or the only one it has. Errors: usage, naming the models where there are several, and what a
/// run is that has none; io, format of summary.json.
std::filesystem::path find_model(const std::filesystem::path& runs, const std::string& word);

/// The run that a model folder lies in (RUN/models/NAME), or that `word` names; empty when there is none.
std::filesystem::path run_behind(const std::filesystem::path& runs, const std::string& word);

}  // namespace hone::cli
