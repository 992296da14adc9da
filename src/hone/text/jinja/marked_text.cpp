#include "hone/text/jinja/marked_text.h"

#include <utility>

namespace hone::text::jinja {

MarkedText::MarkedText(std::string text, uint8_t mark) : bytes(std::move(text)) {
  if (mark != kTrusted) marks.assign(bytes.size(), static_cast<char>(mark));
}

uint8_t MarkedText::all_marks() const {
  uint8_t all = kTrusted;
  for (const char mark : marks) all |= static_cast<uint8_t>(mark);
  return all;
}

void MarkedText::append(std::string_view text, uint8_t mark) {
  if (mark != kTrusted && marks.empty()) marks.assign(bytes.size(), static_cast<char>(kTrusted));
  if (mark != kTrusted || !marks.empty()) marks.append(text.size(), static_cast<char>(mark));
  bytes += text;
}

void MarkedText::append(const MarkedText& other, std::size_t begin, std::size_t end) {
  if (other.marks.empty()) {
    append(std::string_view(other.bytes).substr(begin, end - begin));
    return;
  }
  if (marks.empty()) marks.assign(bytes.size(), static_cast<char>(kTrusted));
  marks.append(other.marks, begin, end - begin);
  bytes.append(other.bytes, begin, end - begin);
}

MarkedText MarkedText::slice(std::size_t begin, std::size_t end) const {
  MarkedText part;
  part.append(*this, begin, end);
  return part;
}

void MarkedText::add_mark(uint8_t mark) {
  if (marks.empty()) marks.assign(bytes.size(), static_cast<char>(kTrusted));
  for (char& old : marks) old = static_cast<char>(static_cast<uint8_t>(old) | mark);
}

}  // namespace hone::text::jinja
