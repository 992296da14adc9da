#include "cli/interrupt.h"

#include <csignal>
#include <cstring>

#include <unistd.h>

namespace hone::cli {
namespace {

// The one global of hone: a signal handler can reach nothing else.
std::atomic<bool> stop_requested{false};

void on_signal(int) {
  if (stop_requested.exchange(true)) ::_exit(130);
  constexpr char kText[] = "\nfinishing the step, then a checkpoint … (Ctrl-C again stops now; both are safe)\n";
  // Nothing can be done about a stderr that is gone.
  [[maybe_unused]] const auto written = ::write(2, kText, std::strlen(kText));
}

void on_interrupt(int) {
  if (stop_requested.exchange(true)) ::_exit(130);
}

}  // namespace

void ignore_file_size_signal() { ::signal(SIGXFSZ, SIG_IGN); }

const std::atomic<bool>& stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  // A reader that goes away (hone run … | head) must not kill a run.
  ::signal(SIGPIPE, SIG_IGN);
  return stop_requested;
}

std::atomic<bool>& note_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: a read returns
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  return stop_requested;
}

}  // namespace hone::cli
