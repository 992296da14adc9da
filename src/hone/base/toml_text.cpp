#include "hone/base/toml_text.h"

#include <algorithm>
#include <utility>

namespace hone::base {
namespace {

constexpr std::size_t kShownColumns = 110;

// The code points of one line, with any broken ones byte by byte.
std::vector<std::string_view> code_points(std::string_view text) {
  std::vector<std::string_view> points;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    points.push_back(text.substr(i, end - i));
    i = end;
  }
  return points;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

}  // namespace

std::string toml_spelling(const TomlScalar& value) {
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* integer = std::get_if<int64_t>(&value)) return fmt::format("{}", *integer);
  if (const auto* string = std::get_if<std::string>(&value)) return quoted(*string);
  std::string digits = fmt::format("{}", std::get<double>(value));
  // A number without point or exponent would read back as an int ("inf" and "nan" have an n).
  if (digits.find_first_of(".en") == std::string::npos) digits += ".0";
  return digits;
}

std::size_t find_bad_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4) return i;
    const std::size_t more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if (i + more >= text.size()) return i;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return i;
    }
    const auto second = more > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    if (overlong || (lead == 0xED && second >= 0xA0) || (lead == 0xF4 && second >= 0x90)) return i;
    i += more + 1;
  }
  return std::string_view::npos;
}

std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return out;
}

void fail_at(std::string_view text, std::string_view file_name, const TomlPlace& place, std::string_view message,
             std::string remedy) {
  const std::size_t begin = std::min(place.begin, text.size());
  const std::size_t before = begin == 0 ? std::string_view::npos : text.rfind('\n', begin - 1);
  const std::size_t line_start = before == std::string_view::npos ? 0 : before + 1;
  const std::size_t line_end = std::min(text.find('\n', begin), text.size());
  const std::size_t end = std::clamp(place.end, begin, line_end);
  std::string line = printable(text.substr(line_start, line_end - line_start));
  if (text.substr(line_start, line_end - line_start).ends_with('\r')) line.pop_back();
  const auto points = code_points(line);
  const std::size_t column = code_points(text.substr(line_start, begin - line_start)).size();
  const std::size_t width = code_points(text.substr(begin, end - begin)).size();

  // Of a long line the part around the column is shown.
  const std::size_t first = column > kShownColumns * 2 / 3 ? column - kShownColumns / 3 : 0;
  const std::size_t last = std::min(points.size(), first + kShownColumns);
  std::string shown = first > 0 ? "…" : "";
  for (std::size_t i = first; i < last; ++i) shown += points[i];
  if (last < points.size()) shown += "…";
  const std::size_t indent = column - first + (first > 0 ? 1 : 0);
  const std::size_t room = last > column ? last - column : 1;
  throw Error(ErrorKind::usage,
              fmt::format("{}:{}:{}: {}\n{:>5} | {}\n{:>5} | {}{}", printable(file_name), place.line, column + 1,
                          printable(message), place.line, shown, "", std::string(indent, ' '),
                          std::string(std::clamp<std::size_t>(width, 1, room), '^')),
              std::move(remedy));
}

}  // namespace hone::base
