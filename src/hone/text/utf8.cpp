#include "hone/text/utf8.h"

#include "hone/base/json.h"

namespace hone::text {
namespace {

bool is_continuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// What a first byte promises: how many bytes follow, and the range of the second one, which is where overlong forms,
// surrogates and values above U+10FFFF show.
struct Lead {
  int following;
  unsigned char low, high;
  char32_t bits;
};

Lead read_lead(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF, char32_t{byte} & 0x1F};
  if (byte == 0xE0) return {2, 0xA0, 0xBF, 0};
  if (byte == 0xED) return {2, 0x80, 0x9F, 0xD};
  if (byte >= 0xE1 && byte <= 0xEF) return {2, 0x80, 0xBF, char32_t{byte} & 0x0F};
  if (byte == 0xF0) return {3, 0x90, 0xBF, 0};
  if (byte >= 0xF1 && byte <= 0xF3) return {3, 0x80, 0xBF, char32_t{byte} & 0x07};
  if (byte == 0xF4) return {3, 0x80, 0x8F, 4};
  return {0, 0, 0, 0};
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (at(0) < 0x80) return {at(0), 1, true};
  const Lead lead = read_lead(at(0));
  if (lead.following == 0) return {0, 1, false};
  char32_t value = lead.bits;
  for (int i = 1; i <= lead.following; ++i) {
    const auto index = static_cast<std::size_t>(i);
    if (index >= text.size()) return {0, i, false};
    const bool fits = i == 1 ? at(1) >= lead.low && at(1) <= lead.high : is_continuation(at(index));
    if (!fits) return {0, i, false};
    value = (value << 6) | (char32_t{at(index)} & 0x3F);
  }
  return {value, lead.following + 1, true};
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (!point.valid) return false;
    text.remove_prefix(static_cast<std::size_t>(point.bytes));
  }
  return true;
}

std::string repair_utf8(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const auto bytes = static_cast<std::size_t>(point.bytes);
    repaired += point.valid ? text.substr(0, bytes) : std::string_view("\xEF\xBF\xBD");
    text.remove_prefix(bytes);
  }
  return repaired;
}

std::string to_utf8(char32_t code_point) {
  const auto byte = [](char32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); };
  const auto tail = [&](int shift) { return byte(0x80 | ((code_point >> shift) & 0x3F)); };
  if (code_point < 0x80) return {byte(code_point)};
  if (code_point < 0x800) return {byte(0xC0 | (code_point >> 6)), tail(0)};
  if (code_point < 0x10000) return {byte(0xE0 | (code_point >> 12)), tail(6), tail(0)};
  return {byte(0xF0 | (code_point >> 18)), tail(12), tail(6), tail(0)};
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string quote(std::string_view text) {
  constexpr std::size_t kMostBytes = 60;
  return base::dump(Json(std::string(text.substr(0, kMostBytes))));
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\v\f\r";
  const auto first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace hone::text
