// This build and this machine, for run.json and `hone doctor`.
#pragma once

#include "hone/base/json.h"

#include <string>

namespace hone::cli {

/// "0.1.0"
std::string version();
/// Short hash of the commit built from, with "+" when files differed from it; "unknown" outside git.
std::string commit();
/// Widest vector instructions of the processor: "avx512", "avx2", "sse4", "neon" or "none".
std::string simd_level();
/// {"cpu", "cores", "memory_bytes", "kernel", "simd"}
Json machine();

}  // namespace hone::cli
