#include "hone/text/jinja/lexer.h"

#include "hone/text/utf8.h"

#include <algorithm>
#include <utility>

namespace hone::text::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

std::string unified_line_ends(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

// Python's str.isspace: Unicode's white space and the four separators of ASCII.
bool is_space(const CodePoint& point) {
  return point.valid && (is_white_space(point.value) || (point.value >= 0x1C && point.value <= 0x1F));
}

class Lexer {
 public:
  Lexer(std::string source, Context& context) : source_(std::move(source)), context_(context) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_text();
    add(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  enum class Tag { print, block, comment };

  bool has(std::string_view text) const { return std::string_view(source_).substr(at_).starts_with(text); }

  [[noreturn]] void fail(std::string_view message) {
    context_.at = where_;
    context_.fail("{}", message);
  }

  void advance(std::size_t count) {
    for (const std::size_t end = at_ + count; at_ < end; ++at_) {
      if (source_[at_] == '\n') {
        ++where_.line;
        where_.column = 1;
      } else {
        ++where_.column;
      }
    }
  }

  void skip_spaces() {
    while (at_ < source_.size()) {
      const CodePoint point = first_code_point(std::string_view(source_).substr(at_));
      if (!is_space(point)) return;
      advance(static_cast<std::size_t>(point.bytes));
    }
  }

  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), where_}); }

  // Text up to the next tag, then the tag.
  void read_text() {
    std::size_t begin = at_;
    while (begin < source_.size() &&
           !(source_[begin] == '{' && begin + 1 < source_.size() &&
             (source_[begin + 1] == '{' || source_[begin + 1] == '%' || source_[begin + 1] == '#'))) {
      ++begin;
    }
    std::string text = source_.substr(at_, begin - at_);
    if (begin == source_.size()) {
      if (!text.empty()) add(TokenKind::text, std::move(text));
      advance(begin - at_);
      return;
    }
    const char opener = source_[begin + 1];
    const Tag tag = opener == '{' ? Tag::print : opener == '%' ? Tag::block : Tag::comment;
    const char sign = begin + 2 < source_.size() ? source_[begin + 2] : ' ';
    strip_end(text, tag, sign);
    if (!text.empty()) add(TokenKind::text, std::move(text));
    advance(begin - at_);
    const Position opened = where_;
    advance(sign == '-' || sign == '+' ? 3 : 2);
    line_start_ = false;
    if (tag == Tag::comment) {
      read_comment(opened);
    } else if (tag == Tag::block && read_raw(opened)) {
      return;
    } else {
      read_tag(tag, opened);
    }
  }

  // White space before a tag: all of it goes before "-"; before a block or comment alone on its line, its indentation.
  void strip_end(std::string& text, Tag tag, char sign) const {
    if (sign == '-') {
      text.resize(stripped_size(text));
    } else if (sign != '+' && tag != Tag::print) {
      const auto newline = text.rfind('\n');
      const std::size_t line = newline == std::string::npos ? 0 : newline + 1;
      const bool whole_line = newline != std::string::npos || line_start_;
      const std::string_view indentation = std::string_view(text).substr(line);
      if (whole_line && stripped_size(indentation) == 0) text.resize(line);
    }
  }

  static std::size_t stripped_size(std::string_view text) {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint point = first_code_point(text.substr(at));
      at += static_cast<std::size_t>(point.bytes);
      if (!is_space(point)) kept = at;
    }
    return kept;
  }

  // After "%}" or "#}": with "-" all white space goes, with "+" none, else one line end.
  void after_close(char sign) {
    line_start_ = false;
    if (sign == '-') {
      const std::size_t before = at_;
      skip_spaces();
      line_start_ = at_ > before && source_[at_ - 1] == '\n';
    } else if (sign != '+' && has("\n")) {
      advance(1);
      line_start_ = true;
    }
  }

  void read_comment(Position opened) {
    const auto close = source_.find("#}", at_);
    if (close == std::string::npos) {
      where_ = opened;
      fail("a comment is never closed by #}");
    }
    const char sign = close > at_ ? source_[close - 1] : ' ';
    advance(close + 2 - at_);
    after_close(sign);
  }

  // {% raw %} … {% endraw %}; false and nothing read when the tag is another.
  bool read_raw(Position opened) {
    const std::size_t at = at_;
    const Position where = where_;
    skip_spaces();
    bool raw = has("raw");
    if (raw) {
      advance(3);
      skip_spaces();
      raw = has("%}") || has("-%}");
    }
    if (!raw) {
      at_ = at;
      where_ = where;
      return false;
    }
    const bool strips = has("-");
    advance(strips ? 3 : 2);
    if (strips) skip_spaces();
    const std::size_t begin = at_;
    for (auto open = source_.find("{%", begin); open != std::string::npos; open = source_.find("{%", open + 2)) {
      if (end_raw(begin, open)) return true;
    }
    where_ = opened;
    fail("{% raw %} is never closed by {% endraw %}");
  }

  bool end_raw(std::size_t begin, std::size_t open) {
    std::size_t next = open + 2;
    const char sign = next < source_.size() ? source_[next] : ' ';
    if (sign == '-' || sign == '+') ++next;
    const auto spaces = [&] {
      while (next < source_.size() && (source_[next] == ' ' || source_[next] == '\n' || source_[next] == '\t')) ++next;
    };
    spaces();
    if (source_.compare(next, 6, "endraw") != 0) return false;
    next += 6;
    spaces();
    const char closing = next < source_.size() ? source_[next] : ' ';
    if (closing == '-' || closing == '+') ++next;
    if (source_.compare(next, 2, "%}") != 0) return false;
    std::string text = source_.substr(begin, open - begin);
    strip_end(text, Tag::block, sign);
    if (!text.empty()) add(TokenKind::text, std::move(text));
    advance(next + 2 - at_);
    after_close(closing);
    return true;
  }

  void read_tag(Tag tag, Position opened) {
    const std::string_view close = tag == Tag::print ? "}}" : "%}";
    tokens_.push_back({tag == Tag::print ? TokenKind::print_begin : TokenKind::block_begin, "", opened});
    std::string brackets;
    for (;;) {
      skip_spaces();
      if (at_ >= source_.size()) {
        where_ = opened;
        fail(tag == Tag::print ? "{{ is never closed by }}" : "{% is never closed by %}");
      }
      if (brackets.empty()) {
        const char sign = source_[at_];
        const bool signed_close = (sign == '-' || (sign == '+' && tag == Tag::block)) &&
                                  std::string_view(source_).substr(at_ + 1).starts_with(close);
        if (signed_close || has(close)) {
          add(tag == Tag::print ? TokenKind::print_end : TokenKind::block_end, "");
          advance(signed_close ? 3 : 2);
          if (tag == Tag::block || sign == '-') after_close(signed_close ? sign : ' ');
          return;
        }
      }
      read_token(brackets);
    }
  }

  void read_token(std::string& brackets) {
    const char c = source_[at_];
    if (is_name_start(c)) {
      add_run([](char part) { return is_name_part(part); }, TokenKind::name);
    } else if (is_digit(c)) {
      read_number();
    } else if (c == '"' || c == '\'') {
      read_string(c);
    } else {
      read_sign(brackets);
    }
  }

  template <class Test>
  void add_run(Test test, TokenKind kind) {
    std::size_t end = at_;
    while (end < source_.size() && test(source_[end])) ++end;
    add(kind, source_.substr(at_, end - at_));
    advance(end - at_);
  }

  std::size_t digits_end(std::size_t from) const {
    while (from < source_.size() && (is_digit(source_[from]) || source_[from] == '_')) ++from;
    return from;
  }

  void read_number() {
    std::size_t end = digits_end(at_);
    bool real = false;
    if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      end = digits_end(end + 1);
      real = true;
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      std::size_t power = end + 1;
      if (power < source_.size() && (source_[power] == '+' || source_[power] == '-')) ++power;
      if (power < source_.size() && is_digit(source_[power])) {
        end = digits_end(power);
        real = true;
      }
    }
    std::string text = source_.substr(at_, end - at_);
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    add(real ? TokenKind::real : TokenKind::integer, std::move(text));
    advance(end - at_);
  }

  void read_string(char quote) {
    const Position opened = where_;
    std::string text;
    std::size_t at = at_ + 1;
    while (at < source_.size() && source_[at] != quote) {
      if (source_[at] == '\\' && at + 1 < source_.size()) {
        at = read_escape(at + 1, text);
      } else {
        text += source_[at++];
      }
    }
    if (at >= source_.size()) fail("a string is never closed");
    tokens_.push_back({TokenKind::string, std::move(text), opened});
    advance(at + 1 - at_);
  }

  // What follows a backslash; returns where the text goes on.
  std::size_t read_escape(std::size_t at, std::string& text) {
    constexpr std::string_view kLetters = "ntrabfv\\'\"";
    constexpr std::string_view kMeant = "\n\t\r\a\b\f\v\\'\"";
    const char c = source_[at];
    if (const auto known = kLetters.find(c); known != std::string_view::npos) {
      text += kMeant[known];
      return at + 1;
    }
    if (c == '\n') return at + 1;
    if (c >= '0' && c <= '7') {
      char32_t code = 0;
      std::size_t end = at;
      while (end < source_.size() && end < at + 3 && source_[end] >= '0' && source_[end] <= '7') {
        code = code * 8 + static_cast<char32_t>(source_[end++] - '0');
      }
      text += to_utf8(code);
      return end;
    }
    const std::size_t length = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (length == 0) {
      text += '\\';
      return at;
    }
    char32_t code = 0;
    for (std::size_t i = 1; i <= length; ++i) {
      constexpr std::string_view kHex = "0123456789abcdef";
      const char lower = at + i < source_.size() ? static_cast<char>(source_[at + i] | 0x20) : ' ';
      const auto digit = kHex.find(lower);
      if (digit == std::string_view::npos || at + i >= source_.size()) fail("a string with a broken \\x or \\u escape");
      code = code * 16 + static_cast<char32_t>(digit);
      if (code > 0x10FFFF) fail("a string with an escape beyond U+10FFFF");
    }
    if (code >= 0xD800 && code <= 0xDFFF) fail("a string with half of a surrogate pair");
    text += to_utf8(code);
    return at + 1 + length;
  }

  void read_sign(std::string& brackets) {
    constexpr std::string_view kSigns[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                           "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    const auto* sign = std::find_if(std::begin(kSigns), std::end(kSigns), [&](std::string_view s) { return has(s); });
    if (sign == std::end(kSigns)) {
      fail(fmt::format("the character {} has no meaning here", quote(source_.substr(at_, 1))));
    }
    const char c = (*sign)[0];
    if (c == '(' || c == '[' || c == '{') {
      if (brackets.size() >= static_cast<std::size_t>(context_.limits().nesting)) {
        fail(fmt::format("brackets nested deeper than {} levels", context_.limits().nesting));
      }
      brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty() || brackets.back() != c) fail(fmt::format("unexpected '{}'", c));
      brackets.pop_back();
    }
    add(TokenKind::sign, std::string(*sign));
    advance(sign->size());
  }

  std::string source_;
  Context& context_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  Position where_;
  bool line_start_ = true;  ///< what was read last ended a line (or nothing was read yet)
};

}  // namespace

std::vector<Token> cut_tokens(std::string_view source, Context& context) {
  context.at = {};
  if (source.size() > context.limits().source_bytes) {
    context.fail("a template of {} bytes; at most {} are read", source.size(), context.limits().source_bytes);
  }
  if (!is_valid_utf8(source)) context.fail("the template is not valid UTF-8");
  return Lexer(unified_line_ends(source), context).run();
}

}  // namespace hone::text::jinja
