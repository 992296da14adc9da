#include "cli/console.h"

#include "hone/base/json.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>

namespace hone::cli {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool wants_colour(int fd) {
  const std::string_view forced = environment("CLICOLOR_FORCE");
  if (!forced.empty() && forced != "0") return true;
  return ::isatty(fd) == 1 && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
}

int columns_of(int fd) {
  const std::string_view given = environment("COLUMNS");
  int columns = 0;
  const auto [end, code] = std::from_chars(given.data(), given.data() + given.size(), columns);
  if (code == std::errc() && end == given.data() + given.size() && columns >= 20) return std::min(columns, 1000);
  winsize size{};
  if (::isatty(fd) == 1 && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
  return 0;
}

const char* code_of(Tone tone) {
  switch (tone) {
    case Tone::bold:
      return "1";
    case Tone::dim:
      return "2";
    case Tone::good:
      return "32";
    case Tone::bad:
      return "31";
    case Tone::warn:
      return "33";
    case Tone::accent:
      return "36";
    case Tone::plain:
      break;
  }
  return "0";
}

// One thing that takes columns, or an escape sequence that takes none.
struct Piece {
  std::size_t bytes;
  int columns;
};

bool is_wide(uint32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

bool is_combining(uint32_t c) { return (c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || c == 0xfe0f; }

Piece next_piece(std::string_view text) {
  if (text[0] == '\x1b') {
    const auto end = text.find('m');
    return {end == std::string_view::npos ? text.size() : end + 1, 0};
  }
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const std::size_t bytes = std::min(length, text.size());
  uint32_t c = length == 1 ? lead : lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < bytes; ++i) c = (c << 6) | (static_cast<unsigned char>(text[i]) & 0x3fu);
  return {bytes, is_combining(c) ? 0 : is_wide(c) ? 2 : 1};
}

// What helps with most errors of a kind.
const char* usual_remedy(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "see: hone --help, hone ls, hone show <recipe>";
    case ErrorKind::data:
      return "mend the file; see: hone help formats, hone data preview FILE";
    case ErrorKind::format:
      return "make or download the file again; see: hone help formats";
    case ErrorKind::numeric:
      return "lower the learning rate, or look at the data; the last checkpoint is whole";
    case ErrorKind::io:
      return "check the path, its permissions and the free space";
    case ErrorKind::internal:
      break;
  }
  return "this is a bug in hone: please report it with the command and the output of hone doctor";
}

}  // namespace

Console Console::of(std::FILE* stream) {
  const int fd = ::fileno(stream);
  return Console(columns_of(fd), wants_colour(fd) ? Tone::bold : Tone::plain);
}

std::string Console::paint(Tone tone, std::string_view text) const {
  if (!colour_ || tone == Tone::plain || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code_of(tone), text);
}

int width_of(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const Piece piece = next_piece(text);
    columns += piece.columns;
    text.remove_prefix(piece.bytes);
  }
  return columns;
}

std::string cut(std::string_view text, int columns) {
  if (width_of(text) <= columns) return std::string(text);
  std::string kept;
  bool painted = false;
  for (int used = 0; !text.empty();) {
    const Piece piece = next_piece(text);
    used += piece.columns;
    if (used > columns - 1) break;
    painted = painted || text[0] == '\x1b';
    kept += text.substr(0, piece.bytes);
    text.remove_prefix(piece.bytes);
  }
  return kept + (painted ? "…\x1b[0m" : "…");
}

std::string wrap(std::string_view text, int columns, int indent) {
  const std::string lead(static_cast<std::size_t>(indent), ' ');
  std::string lines = lead;
  int used = indent;
  while (!text.empty()) {
    const auto space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    const int width = width_of(word);
    if (used > indent && columns > 0 && used + 1 + width > columns) {
      lines += '\n' + lead;
      used = indent;
    } else if (used > indent) {
      lines += ' ';
      ++used;
    }
    lines += word;
    used += width;
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return lines;
}

std::string Table::text(const Console& console) const {
  std::vector<int> widths(header_.size(), 0);
  const auto measure = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(cells[i]));
    }
  };
  measure(header_);
  for (const auto& cells : rows_) measure(cells);

  std::string out;
  const auto print = [&](const std::vector<std::string>& cells, Tone tone) {
    std::string line;
    for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
      line += console.paint(tone, cells[i]);
      if (i + 1 < cells.size()) line.append(static_cast<std::size_t>(widths[i] - width_of(cells[i]) + 2), ' ');
    }
    while (line.ends_with(' ')) line.pop_back();
    out += (console.columns() > 0 ? cut(line, console.columns()) : line) + '\n';
  };
  print(header_, Tone::dim);
  for (const auto& cells : rows_) print(cells, Tone::plain);
  return out;
}

std::string size_text(uint64_t bytes) {
  constexpr std::array<const char*, 5> units = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) value /= 1000, ++unit;
  return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 99.5 ? 0 : 1, units[unit]);
}

std::string count_text(int64_t count) {
  std::string digits = fmt::format("{}", count);
  const std::ptrdiff_t first = digits.starts_with('-') ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string error_text(const Error& error, const Console& console, ErrorForm form) {
  if (form == ErrorForm::json) {
    const Json fields = {{"kind", name_of(error.kind())},
                         {"message", error.what()},
                         {"fix", error.remedy()},
                         {"exit_code", error.exit_code()}};
    return base::dump(Json{{"error", fields}}) + '\n';
  }
  std::string text = fmt::format("{} {}\n", console.paint(Tone::bad, "error:"), error.what());
  if (!error.remedy().empty()) text += fmt::format("{}   {}\n", console.paint(Tone::good, "fix:"), error.remedy());
  return text + console.paint(Tone::dim, fmt::format("(exit code {})", error.exit_code())) + '\n';
}

int report_error(const Error& error, ErrorForm form) {
  std::fflush(stdout);
  const bool says_what_to_do = !error.remedy().empty();
  const Error whole(error.kind(), error.what(), says_what_to_do ? error.remedy() : usual_remedy(error.kind()));
  say("{}", error_text(whole, Console::of(stderr), form));
  return error.exit_code();
}

Error internal_error(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return Error(ErrorKind::internal, "out of memory", "use a smaller model or micro-batch, or fewer threads");
  }
  const std::string_view text = error.what();
  return Error(ErrorKind::internal, std::string(text.substr(0, text.find('\n'))));
}

void write_text(std::FILE* stream, const std::string& text) {
  // The stream remembers a failure; finish_output() asks it.
  [[maybe_unused]] const std::size_t written = std::fwrite(text.data(), 1, text.size(), stream);
}

void finish_output() {
  const bool failed_before = std::ferror(stdout) != 0;
  const int flushed = std::fflush(stdout);
  const int code = errno;
  if (!failed_before && flushed == 0) return;
  throw Error(ErrorKind::io,
              failed_before ? "cannot write to stdout" : fmt::format("cannot write to stdout: {}", std::strerror(code)),
              "check where the output goes, and the free space there");
}

}  // namespace hone::cli
