#include "hone/text/pipeline/sentence_piece.h"

#include "hone/base/error.h"
#include "hone/text/pipeline/unicode.h"

namespace hone::text::pipeline {
namespace {

constexpr std::string_view kSpace = "▁";

// What the beginning of a text becomes, and how many bytes of it that is.
struct Taken {
  std::string_view becomes;
  std::size_t bytes = 0;
};

Taken take(const SentencePieceNormalizer& by, std::string_view text) {
  std::size_t kept = 0;
  by.kept.for_each_prefix(text, [&](std::size_t bytes, int32_t) { kept = bytes; });
  if (kept > 0) return {text.substr(0, kept), kept};
  if (by.charsmap) {
    if (const auto hit = by.charsmap->longest(text)) return {hit->replacement, hit->bytes};
  }
  const auto bytes = static_cast<std::size_t>(step(text).bytes);
  return {text.substr(0, bytes), bytes};
}

}  // namespace

std::string normalize(const SentencePieceNormalizer& by, std::string_view text, std::size_t most_bytes) {
  const std::string_view space = by.escape_whitespaces ? kSpace : " ";
  if (by.remove_extra_whitespaces) {
    while (!text.empty()) {
      const Taken next = take(by, text);
      if (next.becomes != " ") break;
      text.remove_prefix(next.bytes);
    }
  }
  if (text.empty()) return {};
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  if (by.add_dummy_prefix) out += space;
  bool after_space = by.remove_extra_whitespaces;
  while (!text.empty()) {
    Taken next = take(by, text);
    text.remove_prefix(next.bytes);
    while (after_space && next.becomes.starts_with(' ')) next.becomes.remove_prefix(1);
    if (!next.becomes.empty()) {
      for (const char c : next.becomes) c == ' ' ? out += space : out += c;
      after_space = next.becomes.ends_with(' ');
    }
    if (!by.remove_extra_whitespaces) after_space = false;
    require(out.size() <= most_bytes, ErrorKind::data, "the character map makes a text of over {} bytes", most_bytes);
  }
  while (by.remove_extra_whitespaces && out.ends_with(space)) out.resize(out.size() - space.size());
  return out;
}

}  // namespace hone::text::pipeline
