#include "hone/text/jinja/strings.h"

#include "hone/text/jinja/builtins.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <cstring>

namespace hone::text::jinja {
namespace {

bool pairs_even_first(char32_t c) {
  return (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14A && c <= 0x177) ||
         (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F);
}
bool pairs_odd_first(char32_t c) { return (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E); }

char32_t lower(char32_t c) {
  if (c >= 'A' && c <= 'Z') return c + 32;
  if (c < 0xC0) return c;
  if (c <= 0xDE && c != 0xD7) return c + 32;
  if (pairs_even_first(c)) return c | 1;
  if (pairs_odd_first(c)) return c % 2 == 1 ? c + 1 : c;
  if (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  return c;
}

char32_t upper(char32_t c) {
  if (c >= 'a' && c <= 'z') return c - 32;
  if (c < 0xE0) return c;
  if (c <= 0xFE && c != 0xF7) return c - 32;
  if (pairs_even_first(c)) return c & ~char32_t{1};
  if (pairs_odd_first(c)) return c % 2 == 0 ? c - 1 : c;
  if (c == 0x3C2) return 0x3A3;
  if (c >= 0x3B1 && c <= 0x3C9) return c - 32;
  if (c >= 0x430 && c <= 0x44F) return c - 32;
  if (c >= 0x450 && c <= 0x45F) return c - 80;
  return c;
}

CodePoint point_at(const MarkedText& text, std::size_t at) {
  return first_code_point(std::string_view(text.bytes).substr(at));
}

// Where the last character before `end` begins.
std::size_t previous(const MarkedText& text, std::size_t end) {
  std::size_t at = end - 1;
  while (at > 0 && (static_cast<unsigned char>(text.bytes[at]) & 0xC0) == 0x80) --at;
  return at;
}

class Stripper {
 public:
  Stripper(const MarkedText& text, const MarkedText* chars) : text_(text), chars_(chars) {}
  bool goes(std::size_t at) const {
    const CodePoint point = point_at(text_, at);
    if (chars_ == nullptr) return point.valid && is_space(point.value);
    const std::string_view one = std::string_view(text_.bytes).substr(at, static_cast<std::size_t>(point.bytes));
    return chars_->bytes.find(one) != std::string::npos;
  }

 private:
  const MarkedText& text_;
  const MarkedText* chars_;
};

void check_separator(const Context& context, const MarkedText* separator) {
  if (separator != nullptr && separator->empty()) context.fail("an empty separator");
}

std::vector<MarkedText> split_at_space(const MarkedText& text, int64_t most) {
  std::vector<MarkedText> parts;
  std::size_t at = 0;
  const auto skip = [&](bool spaces) {
    while (at < text.size()) {
      const CodePoint point = point_at(text, at);
      if ((point.valid && is_space(point.value)) != spaces) return;
      at += static_cast<std::size_t>(point.bytes);
    }
  };
  for (skip(true); at < text.size(); skip(true)) {
    const std::size_t begin = at;
    if (most >= 0 && static_cast<int64_t>(parts.size()) == most) {
      parts.push_back(text.slice(begin, text.size()));
      break;
    }
    skip(false);
    parts.push_back(text.slice(begin, at));
  }
  return parts;
}

}  // namespace

bool is_space(char32_t code) { return is_white_space(code) || (code >= 0x1C && code <= 0x1F); }
bool is_upper(char32_t code) { return lower(code) != code; }
bool is_lower(char32_t code) { return upper(code) != code || code == 0xDF || code == 0xFF; }
bool is_letter(char32_t code) {
  return is_upper(code) || is_lower(code) ||
         (code >= 0xAA && code != 0xAB && code != 0xD7 && code != 0xF7 && !is_space(code) && code != 0xBB &&
          (code >= 0xC0 || code == 0xAA || code == 0xB5 || code == 0xBA) && !(code >= 0x2000 && code <= 0x2BFF) &&
          !(code >= 0x3000 && code <= 0x303F) && !(code >= 0xFE00 && code <= 0xFFEF) && code < 0x1F000);
}

MarkedText change_case(const MarkedText& text, Case wanted) {
  MarkedText out;
  bool start = true;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = point_at(text, at);
    const auto bytes = static_cast<std::size_t>(point.bytes);
    const bool up = wanted == Case::upper || (wanted != Case::lower && start);
    const char32_t changed = up ? upper(point.value) : lower(point.value);
    if (!point.valid || changed == point.value) {
      out.append(text, at, at + bytes);
    } else {
      out.append(to_utf8(changed), text.mark(at));
    }
    start = wanted == Case::title && !is_letter(point.value);
    at += bytes;
  }
  return out;
}

MarkedText strip(const MarkedText& text, Ends ends, const MarkedText* chars) {
  const Stripper stripper(text, chars);
  std::size_t begin = 0, end = text.size();
  if (ends != Ends::right) {
    while (begin < end && stripper.goes(begin)) begin += static_cast<std::size_t>(point_at(text, begin).bytes);
  }
  if (ends != Ends::left) {
    while (end > begin && stripper.goes(previous(text, end))) end = previous(text, end);
  }
  return text.slice(begin, end);
}

std::vector<MarkedText> split(Context& context, const MarkedText& text, const MarkedText* separator, int64_t most) {
  check_separator(context, separator);
  context.allocate_text(text.size());
  if (separator == nullptr) return split_at_space(text, most);
  std::vector<MarkedText> parts;
  std::size_t begin = 0;
  while (most < 0 || static_cast<int64_t>(parts.size()) < most) {
    const std::size_t found = find_text(context, text, separator->bytes, begin);
    if (found == std::string::npos) break;
    context.step();
    context.allocate(sizeof(MarkedText));
    parts.push_back(text.slice(begin, found));
    begin = found + separator->size();
  }
  parts.push_back(text.slice(begin, text.size()));
  return parts;
}

std::vector<MarkedText> split_right(Context& context, const MarkedText& text, const MarkedText* separator,
                                    int64_t most) {
  std::vector<MarkedText> all = split(context, text, separator, -1);
  const auto parts = static_cast<int64_t>(all.size());
  if (most < 0 || parts - 1 <= most) return all;
  if (separator == nullptr) context.fail("rsplit with a limit needs a separator");
  // The first parts stay together: all that is longer than the last `most` parts.
  std::size_t tail = 0;
  for (int64_t i = parts - most; i < parts; ++i) tail += all[static_cast<std::size_t>(i)].size() + separator->size();
  std::vector<MarkedText> kept = {text.slice(0, text.size() - tail)};
  for (int64_t i = parts - most; i < parts; ++i) kept.push_back(std::move(all[static_cast<std::size_t>(i)]));
  return kept;
}

std::vector<MarkedText> split_lines(Context& context, const MarkedText& text) {
  context.allocate_text(text.size());
  std::vector<MarkedText> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = point_at(text, at);
    const char32_t c = point.value;
    auto bytes = static_cast<std::size_t>(point.bytes);
    const bool ends = point.valid &&
                      ((c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029);
    if (ends) {
      context.step();
      context.allocate(sizeof(MarkedText));
      lines.push_back(text.slice(begin, at));
      if (c == '\r' && at + 1 < text.size() && text.bytes[at + 1] == '\n') ++bytes;
      begin = at + bytes;
    }
    at += bytes;
  }
  if (begin < text.size()) lines.push_back(text.slice(begin, text.size()));
  return lines;
}

MarkedText replace(Context& context, const MarkedText& text, const Replacement& replacement) {
  const auto& [from, to, most] = replacement;
  MarkedText out;
  std::size_t begin = 0;
  for (int64_t done = 0; most < 0 || done < most; ++done) {
    std::size_t found = 0, next = 0;
    if (from.empty()) {
      // Python puts the new text before every character and at the end.
      if (done > 0 && begin >= text.size()) break;
      found = done == 0 ? 0 : begin + static_cast<std::size_t>(point_at(text, begin).bytes);
      next = found;
    } else {
      found = find_text(context, text, from.bytes, begin);
      if (found == std::string::npos) break;
      next = found + from.size();
    }
    out.append(text, begin, found);
    context.step();
    if (out.size() + to.size() > context.limits().output_bytes) context.allocate_text(out.size() + to.size());
    out.append(to);
    begin = next;
  }
  out.append(text, begin, text.size());
  return out;
}

MarkedText reversed(const MarkedText& text) {
  MarkedText out;
  for (std::size_t end = text.size(); end > 0;) {
    const std::size_t at = previous(text, end);
    out.append(text, at, end);
    end = at;
  }
  return out;
}

MarkedText indent(Context& context, const MarkedText& text, const Indent& how) {
  MarkedText with_end = text;
  with_end.append("\n");
  MarkedText out;
  if (how.first == Indent::First::indented) out.append(how.with);
  bool first = true;
  for (const MarkedText& line : split_lines(context, with_end)) {
    if (!first) out.append("\n");
    if (!first && (how.blank == Indent::Blank::indented || !line.empty())) out.append(how.with);
    out.append(line);
    first = false;
    if (out.size() > context.limits().output_bytes) context.allocate_text(out.size());
  }
  return out;
}

}  // namespace hone::text::jinja
