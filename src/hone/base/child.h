// A program started by hone that is spoken to in lines, and trusted with nothing: it may hang, die, flood or be killed,
// and its parent neither waits for ever nor runs out of memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace hone::base {

struct ChildLimits {
  int64_t memory_bytes = int64_t{2} << 30;  ///< address space of the program and of each of its children; 0 = no limit
  std::size_t line_bytes = std::size_t{1} << 20;  ///< longest line it may say
};

/// The program has a process group of its own, which the destructor kills. When hone itself is killed, the kernel kills
/// the shell; what the shell started in a pipeline sees the end of its input. Thread-compatible: call from one thread,
/// which must outlive the child.
class Child {
 public:
  /// Starts `command` by /bin/sh -c with pipes for its standard input, output and errors.
  /// Errors: io if the system can't start a process. A command that does not exist ends with code 127, see next().
  Child(const std::string& command, const ChildLimits& limits);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Queues a line (without its newline); it is written while next() waits.
  void send(std::string_view line);

  enum class Got {
    line,     ///< a whole line
    end,      ///< it closed its output; ended_how() says more
    silence,  ///< nothing whole within the time given
    too_long  ///< a line above the limit
  };
  struct Heard {
    Got got = Got::end;
    std::string line;  ///< without its newline
  };
  /// Waits for the next line, at most `seconds`; 0 takes only what is there. Writes what is queued meanwhile.
  Heard next(double seconds);

  /// "exited with code 3" or "was killed by signal 9 (Killed)"; kills it when it has not ended by itself.
  std::string ended_how();
  /// The end of what it wrote to its standard error, at most 500 bytes, one line; "" for nothing.
  std::string last_words() const;

 private:
  void read_output();
  void read_errors();
  void write_input();
  void kill_group();

  ChildLimits limits_;
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;  ///< our ends; -1 = closed
  std::string unsent_, unread_, errors_;
  std::size_t searched_ = 0;  ///< unread_ holds no newline before this
  int status_ = 0;
  bool reaped_ = false;
};

}  // namespace hone::base
