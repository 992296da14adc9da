// A string that remembers where its bytes come from: template text is trusted, message text is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hone::text::jinja {

/// What is known of one byte; the bits add up.
enum Mark : uint8_t {
  kTrusted = 0,    ///< written in the template, or a top-level variable such as bos_token
  kUser = 1,       ///< out of a message, tool or document: must never be read as a special token
  kGenerated = 2,  ///< inside {% generation %}: what the assistant says
};

/// UTF-8 text with one mark a byte.
struct MarkedText {
  std::string bytes;
  std::string marks;  ///< empty when every byte is trusted, else one Mark a byte

  MarkedText() = default;
  explicit MarkedText(std::string text) : bytes(std::move(text)) {}
  /// All of `text` marked alike.
  MarkedText(std::string text, uint8_t mark);

  std::size_t size() const { return bytes.size(); }
  bool empty() const { return bytes.empty(); }
  uint8_t mark(std::size_t at) const { return marks.empty() ? uint8_t{kTrusted} : static_cast<uint8_t>(marks[at]); }
  /// Every mark of the text together.
  uint8_t all_marks() const;

  void append(std::string_view text, uint8_t mark = kTrusted);
  void append(const MarkedText& other) { append(other, 0, other.size()); }
  /// Bytes [begin, end) of `other`, marks included.
  void append(const MarkedText& other, std::size_t begin, std::size_t end);
  MarkedText slice(std::size_t begin, std::size_t end) const;
  /// Adds `mark` to every byte.
  void add_mark(uint8_t mark);
};

}  // namespace hone::text::jinja
