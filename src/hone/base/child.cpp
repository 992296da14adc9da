#include "hone/base/child.h"

#include "hone/base/error.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

namespace hone::base {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPieceBytes = 1 << 16;
constexpr std::size_t kErrorBytes = 4096;  // of standard error kept

struct Pipe {
  int read = -1, write = -1;
};

[[noreturn]] void fail_start(const char* what, int code) {
  throw Error(ErrorKind::io, fmt::format("cannot start a program: {}: {}", what, std::system_category().message(code)),
              "check the limits on processes and open files (ulimit -u, ulimit -n)");
}

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_start("pipe", errno);
  return {ends[0], ends[1]};
}

void close_end(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// Between fork and exec, beside threads that may hold any lock: system calls only.
[[noreturn]] void become(const char* command, const Pipe& in, const Pipe& out, const Pipe& err, int64_t memory_bytes,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(126);  // hone died before the line above
  ::dup2(in.read, 0);
  ::dup2(out.write, 1);
  ::dup2(err.write, 2);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (memory_bytes > 0) {
    const rlimit memory{static_cast<rlim_t>(memory_bytes), static_cast<rlim_t>(memory_bytes)};
    ::setrlimit(RLIMIT_AS, &memory);
  }
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
  ::_exit(127);
}

// write(2) to a pipe whose reader may be gone: EPIPE without the signal that would end hone.
ssize_t write_quietly(int fd, const char* bytes, std::size_t count) {
  sigset_t pipe, before, pending;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::sigpending(&pending);
  const bool was_pending = ::sigismember(&pending, SIGPIPE) == 1;
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t done = ::write(fd, bytes, count);
  const int code = errno;
  if (done < 0 && code == EPIPE && !was_pending) {
    const timespec now{0, 0};
    while (::sigtimedwait(&pipe, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = code;
  return done;
}

}  // namespace

Child::Child(const std::string& command, const ChildLimits& limits) : limits_(limits) {
  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(command.c_str(), in, out, err, limits.memory_bytes, parent);
  const int code = errno;
  close_end(in.read);
  close_end(out.write);
  close_end(err.write);
  in_ = in.write;
  out_ = out.read;
  err_ = err.read;
  if (pid_ < 0) {
    for (int* fd : {&in_, &out_, &err_}) close_end(*fd);
    fail_start("fork", code);
  }
  ::setpgid(pid_, pid_);  // here too: whichever of the two comes first
  for (const int fd : {in_, out_, err_}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
}

Child::~Child() {
  for (int* fd : {&in_, &out_, &err_}) close_end(*fd);
  kill_group();
}

void Child::kill_group() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);  // what the shell started as well
  while (!reaped_ && ::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
}

void Child::send(std::string_view line) {
  unsent_ += line;
  unsent_ += '\n';
}

void Child::write_input() {
  const ssize_t done = write_quietly(in_, unsent_.data(), std::min(unsent_.size(), kPieceBytes));
  if (done > 0) unsent_.erase(0, static_cast<std::size_t>(done));
  if (done < 0 && errno != EAGAIN && errno != EINTR) close_end(in_);
}

void Child::read_output() {
  char piece[kPieceBytes];
  const ssize_t got = ::read(out_, piece, sizeof piece);
  if (got > 0) unread_.append(piece, static_cast<std::size_t>(got));
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) close_end(out_);
}

void Child::read_errors() {
  char piece[kPieceBytes];
  const ssize_t got = ::read(err_, piece, sizeof piece);
  if (got > 0) errors_.append(piece, static_cast<std::size_t>(got));
  if (errors_.size() > kErrorBytes) errors_.erase(0, errors_.size() - kErrorBytes);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) close_end(err_);
}

Child::Heard Child::next(double seconds) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
  for (bool waited = false;; waited = true) {
    if (const auto end = unread_.find('\n', searched_); end != std::string::npos) {
      Heard heard{Got::line, unread_.substr(0, end)};
      unread_.erase(0, end + 1);
      searched_ = 0;
      if (heard.line.size() > limits_.line_bytes) return {Got::too_long, {}};
      return heard;
    }
    searched_ = unread_.size();
    if (unread_.size() > limits_.line_bytes) return {Got::too_long, {}};
    if (out_ < 0) return {Got::end, {}};
    const double left = std::chrono::duration<double>(deadline - Clock::now()).count();
    if (waited && left <= 0) return {Got::silence, {}};
    pollfd watched[3] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}, {unsent_.empty() ? -1 : in_, POLLOUT, 0}};
    const auto milliseconds = static_cast<int>(std::clamp(left * 1e3 + 0.999, 0.0, 1e6));
    if (::poll(watched, 3, milliseconds) < 0 && errno != EINTR) return {Got::end, {}};
    if (watched[0].revents != 0) read_output();
    if (watched[1].revents != 0) read_errors();
    if (watched[2].revents != 0) write_input();
  }
}

std::string Child::ended_how() {
  // It may have closed its output a moment before it ends.
  for (int i = 0; i < 100 && !reaped_; ++i) {
    reaped_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
    if (!reaped_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  while (err_ >= 0) {
    pollfd watched{err_, POLLIN, 0};
    if (::poll(&watched, 1, 0) <= 0) break;
    read_errors();
  }
  if (!reaped_) {
    kill_group();
    return "closed its output and went on running";
  }
  ::kill(-pid_, SIGKILL);
  if (WIFSIGNALED(status_)) {
    const int number = WTERMSIG(status_);
    return fmt::format("was killed by signal {} ({})", number, ::strsignal(number));
  }
  const int code = WEXITSTATUS(status_);
  if (code > 128 && code < 128 + NSIG)  // how a shell reports it
    return fmt::format("exited with code {} (killed by signal {}, {})", code, code - 128, ::strsignal(code - 128));
  return fmt::format("exited with code {}", code);
}

std::string Child::last_words() const {
  constexpr std::size_t kMost = 500;
  std::string words = errors_.substr(errors_.size() - std::min(errors_.size(), kMost));
  for (char& c : words) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  words.erase(0, words.find_first_not_of(' '));
  words.erase(words.find_last_not_of(' ') + 1);
  return words;
}

}  // namespace hone::base
