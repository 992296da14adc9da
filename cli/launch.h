// From the front program to the engine.
#pragma once

#include "cli/command.h"

#include <filesystem>
#include <string>

namespace hone::cli {

/// hone-engine beside the running program. Errors: io when it is not there, with how to build it.
std::filesystem::path engine_path();

/// Says `line` on stderr (unless -q) and becomes the engine with the same words; returns only by throwing.
/// Errors: io when the engine can't be started.
[[noreturn]] void become_engine(const Call& call, const std::string& line);

}  // namespace hone::cli
