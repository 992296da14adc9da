// The one exception type of hone. The library throws it; only cli/ catches it, prints it and exits.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace hone {

/// Kinds of failure; the value is the exit code of the program (1 is kept for a failed check, 130 for an interrupt).
enum class ErrorKind { usage = 2, data = 3, format = 4, numeric = 5, io = 6, internal = 7 };

/// "usage", "data", "format", "numeric", "io" or "internal".
const char* name_of(ErrorKind kind);

/// What went wrong (where, what was found, what is allowed) and what to do about it.
///
/// Message style: lower case, one cause, numbers that let the reader check it; no trailing full stop.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message, std::string remedy = {})
      : std::runtime_error(message), kind_(kind), remedy_(std::move(remedy)) {}

  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }
  const std::string& remedy() const { return remedy_; }

 private:
  ErrorKind kind_;
  std::string remedy_;
};

/// Thrown after a clean checkpoint when the user asked to stop; not an error (exit code 130).
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted after a checkpoint"; }
};

/// Throws Error(kind) with a formatted message. For a remedy construct Error directly.
template <class... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws Error(kind) unless `ok`. The message is only built on failure.
template <class... Args>
void require(bool ok, ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) fail(kind, format, std::forward<Args>(args)...);
}

}  // namespace hone
