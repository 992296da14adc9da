// Ctrl-C, SIGTERM and a closed terminal: the first asks the run to checkpoint and stop, the second stops it now.
#pragma once

#include <atomic>

namespace hone::cli {

/// A file that outgrows `ulimit -f` gives an error to report instead of ending the program.
void ignore_file_size_signal();

/// Installs the handlers and returns the flag that the first signal sets.
const std::atomic<bool>& stop_on_signals();

/// For a verb that answers a person: Ctrl-C sets the flag, and interrupts a read that waits for input; once more before
/// the verb has cleared it ends the program. A reader that goes away (… | head) ends it quietly.
std::atomic<bool>& note_interrupts();

}  // namespace hone::cli
