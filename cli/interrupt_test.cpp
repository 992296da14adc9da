#include "cli/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

namespace hone::cli {
namespace {

// In a process of its own: handlers outlive a test.
int exit_code_of(void (*body)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(2);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Interrupt, TheFirstSignalOnlySetsTheFlag) {
  const auto body = [] {
    const std::atomic<bool>& stop = stop_on_signals();
    if (stop) ::_exit(1);
    ::raise(SIGINT);
    ::_exit(stop ? 42 : 2);
  };
  EXPECT_EQ(exit_code_of(body), 42);
}

TEST(Interrupt, TheSecondSignalStopsAtOnce) {
  const auto body = [] {
    stop_on_signals();
    ::raise(SIGTERM);
    ::raise(SIGINT);
    ::_exit(3);
  };
  EXPECT_EQ(exit_code_of(body), 130);
}

TEST(Interrupt, AVerbThatAnswersClearsTheFlag) {
  const auto body = [] {
    std::atomic<bool>& interrupted = note_interrupts();
    for (int i = 0; i < 3; ++i) {
      ::raise(SIGINT);
      if (!interrupted.exchange(false)) ::_exit(1);
    }
    ::raise(SIGINT);
    ::raise(SIGINT);
    ::_exit(3);
  };
  EXPECT_EQ(exit_code_of(body), 130);
}

TEST(Interrupt, AClosedPipeDoesNotKill) {
  const auto body = [] {
    stop_on_signals();
    ::raise(SIGPIPE);
    ::_exit(7);
  };
  EXPECT_EQ(exit_code_of(body), 7);
}

}  // namespace
}  // namespace hone::cli
