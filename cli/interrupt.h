// Ctrl-C, SIGTERM and a closed terminal: the first asks the run to checkpoint and stop, the second stops it now.
#pragma once

#include <atomic>

namespace hone::cli {

/// Installs the handlers and returns the flag that the first signal sets.
const std::atomic<bool>& stop_on_signals();

}  // namespace hone::cli
