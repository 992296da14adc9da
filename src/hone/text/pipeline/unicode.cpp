#include "hone/text/pipeline/unicode.h"

#include "hone/text/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

namespace hone::text::pipeline {
namespace {

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool is_letter(utf8proc_category_t cat) { return cat >= UTF8PROC_CATEGORY_LU && cat <= UTF8PROC_CATEGORY_LO; }
bool is_number(utf8proc_category_t cat) { return cat >= UTF8PROC_CATEGORY_ND && cat <= UTF8PROC_CATEGORY_NO; }

Class classify(char32_t c) {
  const auto cat = category(c);
  if (is_letter(cat)) return Class::letter;
  if (is_number(cat)) return Class::number;
  return is_white_space(c) ? Class::space : Class::other;
}

constexpr std::array<Class, 128> kAscii = [] {
  std::array<Class, 128> table{};
  for (std::size_t c = 0; c < table.size(); ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= 9 && c <= 13);
    table[c] = letter ? Class::letter : c >= '0' && c <= '9' ? Class::number : space ? Class::space : Class::other;
  }
  return table;
}();

// Below this code point a text is already in its form: the first one that anything composes or decomposes with.
char32_t first_affected(NormalForm form) {
  switch (form) {
    case NormalForm::nfc:
      return 0x300;
    case NormalForm::nfd:
      return 0xC0;
    default:
      return 0xA0;
  }
}

bool is_in_form(std::string_view text, NormalForm form) {
  const char32_t limit = first_affected(form);
  while (!text.empty()) {
    const Step at = step(text);
    if (at.value >= limit) return false;
    text.remove_prefix(static_cast<std::size_t>(at.bytes));
  }
  return true;
}

int combining_class(utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; }

// Puts runs of marks in canonical order.
void order_marks(std::vector<utf8proc_int32_t>& points) {
  auto at = points.begin();
  while (at != points.end()) {
    at = std::find_if(at, points.end(), [](auto c) { return combining_class(c) != 0; });
    const auto end = std::find_if(at, points.end(), [](auto c) { return combining_class(c) == 0; });
    std::stable_sort(at, end, [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    at = end;
  }
}

}  // namespace

Step step(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const CodePoint point = first_code_point(text);
  return {point.valid ? point.value : 0xFFFD, point.bytes};
}

Class class_of(char32_t c) { return c < kAscii.size() ? kAscii[c] : classify(c); }

bool is_numeric(char32_t c) { return is_number(category(c)); }

bool is_punctuation(char32_t c) {
  if (c < 0x80) return c > ' ' && c < 0x7F && class_of(c) == Class::other;
  const auto cat = category(c);
  return cat >= UTF8PROC_CATEGORY_PC && cat <= UTF8PROC_CATEGORY_PO;
}

bool is_word(char32_t c) {
  const auto cat = category(c);
  if (is_letter(cat) || is_mark(c)) return true;
  if (cat == UTF8PROC_CATEGORY_ND || cat == UTF8PROC_CATEGORY_NL || cat == UTF8PROC_CATEGORY_PC) return true;
  const bool joiner = c == 0x200C || c == 0x200D;
  const bool circled = (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
                       (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
  return joiner || circled;
}

bool is_other(char32_t c) { return category(c) >= UTF8PROC_CATEGORY_CC; }
bool is_nonspacing_mark(char32_t c) { return category(c) == UTF8PROC_CATEGORY_MN; }
bool is_mark(char32_t c) { return category(c) >= UTF8PROC_CATEGORY_MN && category(c) <= UTF8PROC_CATEGORY_ME; }

bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::string normalize(std::string_view text, NormalForm form) {
  if (is_in_form(text, form)) return std::string(text);
  const bool compatible = form == NormalForm::nfkc || form == NormalForm::nfkd;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  std::vector<utf8proc_int32_t> points;
  points.reserve(text.size());
  while (!text.empty()) {
    const Step at = step(text);
    // No code point decomposes into more than 18 others.
    std::array<utf8proc_int32_t, 32> parts{};
    int boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(at.value), parts.data(), parts.size(),
                                               options, &boundary);
    for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(count, parts.size()); ++i) {
      points.push_back(parts[static_cast<std::size_t>(i)]);
    }
    text.remove_prefix(static_cast<std::size_t>(at.bytes));
  }
  order_marks(points);
  if (form == NormalForm::nfc || form == NormalForm::nfkc) {
    const auto count = utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                                                static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (count >= 0) points.resize(static_cast<std::size_t>(count));
  }
  std::string out;
  out.reserve(points.size());
  for (const auto c : points) out += to_utf8(static_cast<char32_t>(c));
  return out;
}

void append_lower(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  } else if (c == 0x130) {
    out += "i\u0307";
  } else {
    out += to_utf8(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

std::size_t cluster_bytes(std::string_view text) {
  Step at = step(text);
  std::size_t end = static_cast<std::size_t>(at.bytes);
  utf8proc_int32_t state = 0;
  while (end < text.size()) {
    const Step next = step(text.substr(end));
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(at.value),
                                         static_cast<utf8proc_int32_t>(next.value), &state)) {
      break;
    }
    at = next;
    end += static_cast<std::size_t>(next.bytes);
  }
  return end;
}

}  // namespace hone::text::pipeline
