#include "hone/base/toml_text.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <utility>

namespace hone::base {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxKeys = 4096;
constexpr std::size_t kMaxKeyParts = 16;
constexpr std::size_t kMaxNameBytes = 128;
constexpr int kMaxInlineDepth = 16;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_bare(char c) { return is_digit(c) || is_letter(c) || c == '_' || c == '-'; }

std::optional<int64_t> whole_int(std::string_view digits, int base) {
  int64_t value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (code != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// A float as TOML spells it, without its sign: a digit on both sides of the point.
std::optional<double> whole_float(std::string_view text) {
  const auto point = text.find('.');
  if (point != std::string_view::npos && (point + 1 == text.size() || !is_digit(text[point + 1]))) return std::nullopt;
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// true, false, an integer or a float.
std::optional<TomlScalar> read_bare(std::string_view token) {
  if (token == "true") return true;
  if (token == "false") return false;
  const auto is_numeral = [hex = token.starts_with("0x")](char c) {
    return is_digit(c) || (hex && is_letter(c) && c != 'x');
  };
  std::string text;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '_') {
      text += token[i];
    } else if (i == 0 || i + 1 == token.size() || !is_numeral(token[i - 1]) || !is_numeral(token[i + 1])) {
      return std::nullopt;  // an underscore stands between digits
    }
  }
  const bool negative = text.starts_with('-');
  std::string_view digits = text;
  if (negative || text.starts_with('+')) digits.remove_prefix(1);
  if (digits == "inf" || digits == "nan") {
    const double value = digits == "inf" ? std::numeric_limits<double>::infinity()
                                         : std::numeric_limits<double>::quiet_NaN();
    return negative ? -value : value;
  }
  if (digits.empty() || !is_digit(digits[0])) return std::nullopt;
  if (digits.size() > 2 && digits[0] == '0' && is_letter(digits[1]) && digits[1] != 'e' && digits[1] != 'E') {
    const int base = digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : digits[1] == 'b' ? 2 : 0;
    if (base == 0 || digits.size() != text.size() || digits[2] == '-') return std::nullopt;
    return whole_int(digits.substr(2), base);
  }
  if (digits.size() > 1 && digits[0] == '0' && is_digit(digits[1])) return std::nullopt;
  if (std::all_of(digits.begin(), digits.end(), is_digit)) return whole_int(text.starts_with('+') ? digits : text, 10);
  const auto value = whole_float(digits);
  if (!value) return std::nullopt;
  return negative ? -*value : *value;
}

bool looks_like_date(std::string_view token) {
  const auto digits = static_cast<std::size_t>(std::find_if_not(token.begin(), token.end(), is_digit) - token.begin());
  return digits < token.size() && ((digits == 4 && token[4] == '-') || (digits == 2 && token[2] == ':'));
}

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr uint32_t leads[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(leads[more] | code >> (6 * more));
  for (int k = more - 1; k >= 0; --k) out += static_cast<char>(0x80 | (code >> (6 * k) & 0x3F));
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view file_name) : text_(text), file_name_(file_name) {}

  std::vector<TomlNode> read_all() {
    check_bytes();
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    std::string group;
    for (;;) {
      skip_blank();
      if (at_ == text_.size()) return std::move(nodes_);
      if (peek() == '[') {
        group = read_header();
      } else if (peek() != '#' && !at_newline()) {
        read_assignment(group, 0);
      }
      end_line();
    }
  }

  // The whole text as one quoted string.
  std::string read_only_string() {
    check_bytes();
    std::string value = read_string();
    if (at_ != text_.size()) fail_here("more text after the string");
    return value;
  }

 private:
  struct Part {
    std::string name;
    TomlPlace place;
  };
  struct Known {
    bool is_table = false;
    bool has_header = false;
    int line = 0;
  };

  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool at_newline() const { return peek() == '\n' || (peek() == '\r' && peek(1) == '\n'); }
  void next() { line_ += text_[at_++] == '\n'; }
  void skip_blank() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  TomlPlace place_from(std::size_t begin) const { return {line_, begin, at_}; }

  [[noreturn]] void fail_here(std::string_view message) const {
    fail_at(text_, file_name_, {line_, at_, at_ + 1}, message);
  }

  void check_bytes() {
    const std::size_t bad = std::min(find_bad_utf8(text_), text_.size());
    for (; at_ < bad; next()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if ((c < 0x20 && c != '\t' && !at_newline()) || c == 0x7f) fail_here("a control character");
    }
    if (bad < text_.size()) fail_here("this is not valid UTF-8");
    at_ = 0, line_ = 1;
  }

  void skip_comment() {
    if (peek() == '#') at_ = std::min(text_.find('\n', at_), text_.size());
  }

  void end_line() {
    skip_blank();
    skip_comment();
    if (at_ == text_.size()) return;
    if (!at_newline()) fail_here("expected the end of the line");
    while (text_[at_] != '\n') ++at_;
    next();
  }

  Part read_part() {
    const std::size_t begin = at_;
    std::string name;
    if (peek() == '"' || peek() == '\'') {
      const char quote = peek();
      if (peek(1) == quote && peek(2) == quote) fail_here("a key can't go over several lines");
      const std::string raw = read_string();
      name = !raw.empty() && std::all_of(raw.begin(), raw.end(), is_bare) ? raw : toml_spelling(raw);
    } else {
      while (is_bare(peek())) name += text_[at_++];
      if (name.empty()) fail_here("expected a key (letters outside ASCII need quotes)");
    }
    if (name.size() > kMaxNameBytes) {
      fail_at(text_, file_name_, place_from(begin), fmt::format("a name over {} bytes", kMaxNameBytes));
    }
    return {std::move(name), place_from(begin)};
  }

  std::vector<Part> read_key() {
    std::vector<Part> parts = {read_part()};
    for (skip_blank(); peek() == '.'; skip_blank()) {
      if (parts.size() == kMaxKeyParts) fail_here(fmt::format("a key has more than {} parts", kMaxKeyParts));
      ++at_;
      skip_blank();
      parts.push_back(read_part());
    }
    return parts;
  }

  // Adds the key `name` of `group`, which must be new unless it is a table met before; returns its index or -1.
  int64_t add(const std::string& group, const Part& part, Known known) {
    const std::string path = group.empty() ? part.name : group + "." + part.name;
    TomlNode node{group, part.name, path, {}, "", part.place, part.place};
    known.line = part.place.line;
    const auto [it, is_new] = known_.try_emplace(node.path, known);
    if (!is_new) {
      Known& old = it->second;
      if (!known.is_table || !old.is_table || (known.has_header && old.has_header)) {
        fail_at(text_, file_name_, part.place, fmt::format("{} is given twice, first in line {}", node.path, old.line));
      }
      old.has_header |= known.has_header;
      return -1;
    }
    if (nodes_.size() == kMaxKeys) {
      fail_at(text_, file_name_, part.place, fmt::format("more than {} keys", kMaxKeys));
    }
    if (known.is_table) node.kind = "a table";
    nodes_.push_back(std::move(node));
    return static_cast<int64_t>(nodes_.size()) - 1;
  }

  // Adds all but the last part of a key as tables; returns the group that the last one belongs to.
  std::string add_groups(std::string group, const std::vector<Part>& parts) {
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      add(group, parts[i], {.is_table = true});
      group = group.empty() ? parts[i].name : group + "." + parts[i].name;
    }
    return group;
  }

  // [a.b] or [[a.b]]; returns "a.b".
  std::string read_header() {
    const std::size_t brackets = peek(1) == '[' ? 2 : 1;
    at_ += brackets;
    skip_blank();
    const std::vector<Part> parts = read_key();
    for (std::size_t i = 0; i < brackets; ++i, ++at_) {
      if (peek() != ']') fail_here("expected ]");
    }
    const std::string group = add_groups("", parts);
    const int64_t index = add(group, parts.back(), {.is_table = true, .has_header = true});
    if (brackets == 2 && index >= 0) nodes_[static_cast<std::size_t>(index)].kind = "an array";
    return group.empty() ? parts.back().name : group + "." + parts.back().name;
  }

  void read_assignment(const std::string& outer, int depth) {
    const std::vector<Part> parts = read_key();
    if (peek() != '=') fail_here("expected = after the key");
    ++at_;
    skip_blank();
    const std::string group = add_groups(outer, parts);
    const bool is_table = peek() == '{';
    const Known known = {.is_table = is_table, .has_header = is_table};
    const auto index = static_cast<std::size_t>(add(group, parts.back(), known));
    if (is_table) {
      if (index >= nodes_.size()) fail_here(fmt::format("{} is given twice", parts.back().name));
      nodes_[index].value_place = {line_, at_, at_ + 1};
      return read_inline_table(nodes_[index].path, depth + 1);
    }
    const int line = line_;
    const std::size_t begin = at_;
    read_value(nodes_[index]);
    nodes_[index].value_place = {line, begin, at_};
  }

  // `group` is a copy: nodes_ grows and moves its strings.
  void read_inline_table(const std::string group, int depth) {
    if (depth > kMaxInlineDepth) fail_here("tables nested too deeply");
    ++at_;
    skip_blank();
    if (peek() == '}') return next();
    for (;;) {
      read_assignment(group, depth);
      skip_blank();
      if (peek() == '}') return next();
      if (peek() != ',') fail_here("expected , or } in the table");
      ++at_;
      skip_blank();
    }
  }

  void read_value(TomlNode& node) {
    if (peek() == '"' || peek() == '\'') {
      node.value = read_string();
    } else if (peek() == '[') {
      node.kind = "an array";
      skip_array();
    } else {
      const std::size_t begin = at_;
      while (at_ < text_.size() && std::string_view(" \t\r\n,]}#=").find(peek()) == std::string_view::npos) ++at_;
      const std::string_view token = text_.substr(begin, at_ - begin);
      if (looks_like_date(token)) {
        node.kind = "a date or time";
        while (at_ < text_.size() && std::string_view("\r\n,}#").find(peek()) == std::string_view::npos) ++at_;
        return;
      }
      node.value = read_bare(token);
      if (node.value) return;
      if (token.empty()) fail_here("expected a value");
      fail_at(text_, file_name_, place_from(begin),
              "expected true, false, a number of at most 64 bits or a text in quotes");
    }
  }

  // Counts brackets, so that depth costs nothing.
  void skip_array() {
    for (std::size_t depth = 0; at_ < text_.size();) {
      const char c = peek();
      if (c == '"' || c == '\'') {
        read_string();
        continue;
      }
      if (c == '#') {
        skip_comment();
        continue;
      }
      depth += c == '[';
      depth -= c == ']';
      next();
      if (depth == 0) return;
    }
    fail_here("the array is not closed");
  }

  std::string read_string() {
    const char quote = peek();
    const std::size_t begin = at_;
    const TomlPlace start = {line_, begin, begin + 1};
    const bool multi_line = peek(1) == quote && peek(2) == quote;
    at_ += multi_line ? 3 : 1;
    if (multi_line && at_newline()) {  // the newline after the opening quotes is no part of the string
      if (peek() == '\r') ++at_;
      next();
    }
    std::string value;
    while (at_ < text_.size() && (multi_line || !at_newline())) {
      if (peek() == quote) {
        if (!multi_line) return ++at_, value;
        std::size_t run = 1;
        while (run < 5 && peek(run) == quote) ++run;  // the closing three may follow two of the content
        value.append(run < 3 ? run : run - 3, quote);
        at_ += run;
        if (run >= 3) return value;
      } else if (quote == '"' && peek() == '\\') {
        read_escape(value, multi_line ? Lines::many : Lines::one);
      } else {
        value += peek();
        next();
      }
    }
    fail_at(text_, file_name_, start, "the string is not closed");
  }

  enum class Lines { one, many };

  void read_escape(std::string& out, Lines lines) {
    constexpr std::string_view names = "btnfr\"\\", values = "\b\t\n\f\r\"\\";
    const char c = peek(1);
    if (const auto index = names.find(c); index != std::string_view::npos) {
      out += values[index];
      at_ += 2;
    } else if (c == 'u' || c == 'U') {
      const std::string_view digits = text_.substr(std::min(at_ + 2, text_.size()), c == 'u' ? 4 : 8);
      const auto code = digits.starts_with('-') ? std::nullopt : whole_int(digits, 16);
      const bool complete = digits.size() == (c == 'u' ? 4u : 8u);
      if (!complete || !code || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000)) fail_here("a bad \\u escape");
      append_utf8(out, static_cast<uint32_t>(*code));
      at_ += 2 + digits.size();
    } else {
      // A backslash at the end of a line joins it to the next text.
      const std::size_t backslash = at_++;
      skip_blank();
      if (lines == Lines::one || !at_newline()) {
        at_ = backslash;
        fail_here("an unknown escape; write \\\\ for a backslash, or use single quotes");
      }
      while (peek() == ' ' || peek() == '\t' || at_newline() || peek() == '\n') next();
    }
  }

  std::string_view text_, file_name_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<TomlNode> nodes_;
  std::map<std::string, Known> known_;
};

}  // namespace

std::vector<TomlNode> read_toml(std::string_view text, std::string_view file_name) {
  require(text.size() <= kMaxBytes, ErrorKind::usage, "{}: {} bytes are more than a file of options may hold ({})",
          printable(file_name), text.size(), kMaxBytes);
  return Reader(text, file_name).read_all();
}

std::optional<TomlScalar> read_toml_scalar(std::string_view text) {
  if (!text.starts_with('"') && !text.starts_with('\'')) return read_bare(text);
  try {
    return Reader(text, "").read_only_string();
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace hone::base
