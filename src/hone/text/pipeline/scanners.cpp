#include "hone/text/pipeline/scanners.h"

#include "hone/text/pipeline/unicode.h"

#include <array>
#include <utility>

namespace hone::text::pipeline {
namespace {

constexpr std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::array<std::pair<KnownPattern, std::string_view>, 3> kTexts = {{
    {KnownPattern::gpt2, kGpt2},
    {KnownPattern::llama3, kLlama3},
    {KnownPattern::qwen2, kQwen2},
}};

// A place in the text and what stands there.
struct Cursor {
  std::string_view text;
  std::size_t at;
  char32_t value = 0;
  std::size_t bytes = 0;  // 0 at the end
  Class kind = Class::other;

  Cursor(std::string_view whole, std::size_t start) : text(whole), at(start) { look(); }
  bool done() const { return bytes == 0; }
  bool is(Class wanted) const { return bytes != 0 && kind == wanted; }
  bool is_newline() const { return bytes != 0 && (value == '\r' || value == '\n'); }
  void next() {
    at += bytes;
    look();
  }
  void look() {
    if (at >= text.size()) {
      bytes = 0;
      return;
    }
    const Step here = step(text.substr(at));
    value = here.value;
    bytes = static_cast<std::size_t>(here.bytes);
    kind = class_of(value);
  }
  void skip(Class wanted) {
    while (is(wanted)) next();
  }
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Bytes of 's 't 're 've 'm 'll 'd at the start of `text`, or 0.
std::size_t contraction(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  const char first = text[1], second = text.size() > 2 ? text[2] : '\0';
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const bool pair =
      (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
  return pair ? 3 : 0;
}

// The same in any case; U+017F is a kind of s.
std::size_t contraction_any_case(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  const std::array<char, 3> lowered = {'\'', lower(text[1]), text.size() > 2 ? lower(text[2]) : '\0'};
  if (text.substr(1).starts_with("\u017F")) return 3;
  return contraction({lowered.data(), text.size() > 2 ? 3u : 2u});
}

// White space that no alternative before \s+(?!\S) takes: all of it at the end of the text, all but the last otherwise.
std::size_t spaces(const Cursor& begin) {
  Cursor cursor = begin;
  std::size_t last = cursor.at;
  while (cursor.is(Class::space)) {
    last = cursor.at;
    cursor.next();
  }
  return cursor.done() || last == begin.at ? cursor.at - begin.at : last - begin.at;
}

std::size_t scan_gpt2(std::string_view text, std::size_t at) {
  if (const std::size_t bytes = contraction(text.substr(at))) return bytes;
  const Cursor begin(text, at);
  Cursor cursor = begin;
  if (cursor.value == ' ') cursor.next();
  if (!cursor.done() && cursor.kind != Class::space) {
    cursor.skip(cursor.kind);
    return cursor.at - at;
  }
  return spaces(begin);
}

// `\s*[\r\n]+`: up to the last newline of the run of white space, 0 without one.
std::size_t through_newlines(Cursor cursor) {
  const std::size_t begin = cursor.at;
  std::size_t end = begin;
  while (cursor.is(Class::space)) {
    const bool newline = cursor.is_newline();
    cursor.next();
    if (newline) end = cursor.at;
  }
  return end - begin;
}

std::size_t scan_llama3(std::string_view text, std::size_t at, int most_digits) {
  if (const std::size_t bytes = contraction_any_case(text.substr(at))) return bytes;
  const Cursor begin(text, at);
  Cursor cursor = begin;
  if (!cursor.is(Class::letter) && !cursor.is(Class::number) && !cursor.is_newline()) cursor.next();
  if (cursor.is(Class::letter)) {
    cursor.skip(Class::letter);
    return cursor.at - at;
  }
  cursor = begin;
  if (cursor.is(Class::number)) {
    for (int i = 0; i < most_digits && cursor.is(Class::number); ++i) cursor.next();
    return cursor.at - at;
  }
  if (cursor.value == ' ') cursor.next();
  if (cursor.is(Class::other)) {
    cursor.skip(Class::other);
    while (cursor.is_newline()) cursor.next();
    return cursor.at - at;
  }
  const std::size_t lines = through_newlines(begin);
  return lines > 0 ? lines : spaces(begin);
}

}  // namespace

std::string_view pattern_text(KnownPattern pattern) {
  for (const auto& [known, text] : kTexts) {
    if (known == pattern) return text;
  }
  return {};
}

std::optional<KnownPattern> known_pattern(std::string_view text) {
  for (const auto& [known, spelled] : kTexts) {
    if (spelled == text) return known;
  }
  return {};
}

std::size_t scan(KnownPattern pattern, std::string_view text, std::size_t at) {
  switch (pattern) {
    case KnownPattern::gpt2:
      return scan_gpt2(text, at);
    case KnownPattern::llama3:
      return scan_llama3(text, at, 3);
    case KnownPattern::qwen2:
      return scan_llama3(text, at, 1);
  }
  return text.size() - at;
}

}  // namespace hone::text::pipeline
