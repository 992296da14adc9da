// What every part of the interpreter shares: where it is in the template, and how much it may still do.
#pragma once

#include "hone/base/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace hone::text::jinja {

/// A place in the template, counted from 1; columns are bytes.
struct Position {
  int line = 1, column = 1;
};

/// A template is a stranger's program. Published ones stay far below each of these.
struct Limits {
  uint64_t source_bytes = uint64_t{64} << 10;
  int64_t steps = 1'000'000;                   ///< evaluated nodes, elements looked at, 64-byte pieces of text
  uint64_t output_bytes = uint64_t{16} << 20;  ///< of the result, and of any one string
  uint64_t total_bytes = uint64_t{256} << 20;  ///< everything ever allocated by one rendering
  int64_t range = 100'000;                     ///< elements of range()
  int nesting = 64;                            ///< brackets and blocks in the source, lists in lists at run time
  int depth = 300;                             ///< evaluations inside evaluations, macro calls included
};

/// The meter of one rendering.
class Context {
 public:
  Context(std::string where, const Limits& limits) : where_(std::move(where)), limits_(limits) {}

  const Limits& limits() const { return limits_; }
  /// Where the evaluation stands; what fail() names.
  Position at;

  /// Counts `count` steps. Errors: format once there are more than limits().steps.
  void step(int64_t count = 1) {
    steps_ += count;
    if (steps_ > limits_.steps) fail("more than {} steps; a chat template needs a few thousand", limits_.steps);
  }
  /// Counts the looking through `bytes` of text.
  void scan(uint64_t bytes) { step(static_cast<int64_t>(bytes / 64)); }
  /// Counts `bytes` about to be allocated.
  void allocate(uint64_t bytes) {
    if (bytes > limits_.total_bytes - used_) fail("needs more than {} bytes of memory", limits_.total_bytes);
    used_ += bytes;
  }
  /// The same for one string, which has a limit of its own.
  void allocate_text(uint64_t bytes) {
    if (bytes > limits_.output_bytes) fail("a text of more than {} bytes", limits_.output_bytes);
    scan(bytes);
    allocate(bytes);
  }

  /// Throws a format error that names the template, line and column.
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw_error(ErrorKind::format, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void throw_error(ErrorKind kind, std::string_view message) const {
    throw Error(kind, fmt::format("{}:{}:{}: {}", where_, at.line, at.column, message));
  }

  /// One level of evaluation; leaving the scope takes it back.
  class Level {
   public:
    explicit Level(Context& context) : context_(context) {
      if (++context_.depth_ > context_.limits_.depth) {
        --context_.depth_;
        context_.fail("evaluation nested deeper than {} levels (endless recursion?)", context_.limits_.depth);
      }
    }
    ~Level() { --context_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Context& context_;
  };

 private:
  std::string where_;
  Limits limits_;
  int64_t steps_ = 0;
  uint64_t used_ = 0;
  int depth_ = 0;
};

}  // namespace hone::text::jinja
