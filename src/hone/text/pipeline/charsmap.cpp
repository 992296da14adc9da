#include "hone/text/pipeline/charsmap.h"

#include "hone/base/error.h"
#include "hone/text/pipeline/unicode.h"
#include "hone/text/utf8.h"

namespace hone::text::pipeline {
namespace {

// Fields of a unit of the double array (as darts-clone packs them).
bool has_leaf(uint32_t unit) { return ((unit >> 8) & 1) != 0; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFFu; }
uint32_t label_of(uint32_t unit) { return unit & 0x800000FFu; }
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
bool is_value(uint32_t unit) { return (unit >> 31) != 0; }

uint32_t read_u32(std::string_view bytes, std::size_t at) {
  uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value |= uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return value;
}

}  // namespace

Charsmap::Charsmap(std::string_view blob, std::string_view where) {
  require(blob.size() >= 4, ErrorKind::format, "{}: a character map of {} bytes has no header", where, blob.size());
  const uint32_t bytes = read_u32(blob, 0);
  require(bytes % 4 == 0 && bytes >= 1024 && bytes <= blob.size() - 4, ErrorKind::format,
          "{}: a character map of {} bytes announces a trie of {} bytes; expected a multiple of 4, at least 1024",
          where, blob.size(), bytes);
  units_.reserve(bytes / 4);
  for (std::size_t at = 4; at < 4 + std::size_t{bytes}; at += 4) units_.push_back(read_u32(blob, at));
  replacements_ = std::string(blob.substr(4 + std::size_t{bytes}));
  replacements_ += '\0';
  // A step goes from node p over byte b to p ^ offset ^ b: staying inside for b = 255 means inside for every b.
  for (std::size_t p = 0; p < units_.size(); ++p) {
    const uint32_t unit = units_[p];
    if (is_value(unit)) continue;
    const std::size_t reach = (p ^ std::size_t{offset_of(unit)}) | 0xFF;
    require(reach < units_.size(), ErrorKind::format, "{}: unit {} of the character map points outside its {} units",
            where, p, units_.size());
  }
}

std::optional<std::string_view> Charsmap::replacement_at(std::size_t node) const {
  const std::size_t begin = value_of(units_[node]);
  if (begin >= replacements_.size()) return {};
  return std::string_view(replacements_).substr(begin, replacements_.find('\0', begin) - begin);
}

// Calls use(bytes, node of the value) for every key that is a prefix of `text`, until it returns false.
template <class Use>
void Charsmap::for_each_key(std::string_view text, Use use) const {
  std::size_t node = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0) return;
    node ^= byte;
    const uint32_t unit = units_[node];
    if (label_of(unit) != byte) return;
    node ^= offset_of(unit);
    if (has_leaf(unit) && !use(i + 1, node)) return;
  }
}

std::optional<std::string_view> Charsmap::find(std::string_view part) const {
  std::optional<std::string_view> found;
  for_each_key(part, [&](std::size_t, std::size_t node) {
    found = replacement_at(node);
    return false;
  });
  return found;
}

std::optional<Charsmap::Hit> Charsmap::longest(std::string_view text) const {
  constexpr std::size_t kMostKeyBytes = 128;
  std::optional<Hit> hit;
  for_each_key(text.substr(0, kMostKeyBytes), [&](std::size_t bytes, std::size_t node) {
    if (const auto replacement = replacement_at(node)) hit = Hit{bytes, *replacement};
    return true;
  });
  return hit;
}

std::string Charsmap::apply(std::string_view text, std::size_t most_bytes) const {
  constexpr std::size_t kWholeCluster = 6;
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    require(out.size() <= most_bytes, ErrorKind::data, "the character map makes a text of over {} bytes", most_bytes);
    std::string_view cluster = text.substr(0, cluster_bytes(text));
    text.remove_prefix(cluster.size());
    if (cluster.size() < kWholeCluster) {
      if (const auto found = find(cluster)) {
        out += *found;
        continue;
      }
    }
    while (!cluster.empty()) {
      const std::string_view point = cluster.substr(0, static_cast<std::size_t>(step(cluster).bytes));
      out += find(point).value_or(point);
      cluster.remove_prefix(point.size());
    }
  }
  return is_valid_utf8(out) ? out : repair_utf8(out);
}

std::string decode_base64(std::string_view text, std::string_view where) {
  const auto value = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  };
  require(text.size() % 4 == 0, ErrorKind::format, "{}: base64 text of {} characters; expected a multiple of 4", where,
          text.size());
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int six = value(text[i]);
    require(six >= 0, ErrorKind::format, "{}: character {} of the base64 text is not base64", where, i);
    bits = (bits << 6) | static_cast<uint32_t>(six);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xFF);
    }
  }
  return out;
}

}  // namespace hone::text::pipeline
