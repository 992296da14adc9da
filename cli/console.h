// How hone writes to a person: colour where it is wanted, tables that fit, errors that say what to do.
#pragma once

#include "hone/base/error.h"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace hone::cli {

enum class Tone { plain, bold, dim, good, bad, warn, accent };

/// What is known of a stream.
class Console {
 public:
  /// Colour: CLICOLOR_FORCE set and not "0", or a terminal without NO_COLOR and with TERM other than "dumb".
  /// Columns: COLUMNS, else the terminal's width, else 0 (unknown: nothing is cut).
  static Console of(std::FILE* stream);

  Console(int columns, Tone loudest) : columns_(columns), colour_(loudest != Tone::plain) {}

  /// `text` in a tone; unchanged without colour.
  std::string paint(Tone tone, std::string_view text) const;
  bool colour() const { return colour_; }
  int columns() const { return columns_; }

 private:
  int columns_;
  bool colour_;
};

/// Columns that a UTF-8 text takes on a terminal; escape sequences take none, East Asian wide characters two.
int width_of(std::string_view text);
/// The first `columns` columns, the last one replaced by … when something was cut.
std::string cut(std::string_view text, int columns);
/// `text` broken at spaces into lines of at most `columns` columns, each led by `indent` spaces.
std::string wrap(std::string_view text, int columns, int indent);

/// Rows of text in aligned columns, two spaces apart. The last column is cut at the console's width.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text(const Console& console) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

/// "1.2 GB", "640 kB"; powers of 1000.
std::string size_text(uint64_t bytes);
/// "12,345".
std::string count_text(int64_t count);

/// "error: …", "fix:   …", "(exit code N)"; with `json` one line {"error": {"kind", "message", "fix", "exit_code"}}.
enum class ErrorForm { text, json };
std::string error_text(const Error& error, const Console& console, ErrorForm form);
/// Flushes stdout, prints the error on stderr (with the usual remedy of its kind when it has none of its own) and
/// returns its exit code.
int report_error(const Error& error, ErrorForm form);
/// An exception that is not hone's own, as an internal error: its first line, and what to do.
Error internal_error(const std::exception& error);

/// Results go to stdout by put(), talk goes to stderr by say(). Neither throws: what could not be written to stdout is
/// found by finish_output(), and a stderr that is gone must not end a run.
void write_text(std::FILE* stream, const std::string& text);
template <class... Args>
void put(fmt::format_string<Args...> format, Args&&... args) {
  write_text(stdout, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  write_text(stderr, fmt::format(format, std::forward<Args>(args)...));
}

/// Flushes stdout. Errors: io when it could not be written (a full disk, a closed pipe).
void finish_output();

}  // namespace hone::cli
