#include "hone/text/pipeline/added_tokens.h"

#include "hone/base/error.h"
#include "hone/text/pipeline/unicode.h"
#include "hone/text/utf8.h"

#include <algorithm>

namespace hone::text::pipeline {
namespace {

// Where the last code point of `text` (not empty) begins.
std::size_t last_point(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

bool ends_with_word(std::string_view text) {
  return !text.empty() && is_word(step(text.substr(last_point(text))).value);
}
bool starts_with_word(std::string_view text) { return !text.empty() && is_word(step(text).value); }

}  // namespace

void AddedMatcher::add(const AddedToken& token, std::string_view spelled, std::string_view where) {
  if (spelled.empty()) return;
  require(spelled.size() <= ByteTrie::kMostKeyBytes, ErrorKind::format, "{}: added token {} has {} bytes; at most {}",
          where, quote(spelled), spelled.size(), ByteTrie::kMostKeyBytes);
  trie_.add(spelled, static_cast<int32_t>(tokens_.size()));
  tokens_.push_back(token);
  tokens_.back().content.clear();
}

void AddedMatcher::split(std::string_view text, Specials specials,
                         const std::function<void(std::string_view part, int32_t id)>& use) const {
  std::size_t done = 0;
  for (std::size_t at = 0; !tokens_.empty() && at < text.size();) {
    std::size_t bytes = 0;
    int32_t index = -1;
    trie_.for_each_prefix(text.substr(at), [&](std::size_t length, int32_t value) {
      bytes = length;
      index = value;
    });
    if (index < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(index)];
    std::size_t begin = at, end = at + bytes;
    at = end;
    if (token.special && specials == Specials::skip) continue;
    if (token.single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) continue;
    while (token.lstrip && begin > done) {
      const std::size_t point = last_point(text.substr(0, begin));
      if (!is_white_space(step(text.substr(point)).value)) break;
      begin = point;
    }
    while (token.rstrip && end < text.size()) {
      const Step next = step(text.substr(end));
      if (!is_white_space(next.value)) break;
      end += static_cast<std::size_t>(next.bytes);
    }
    // A token that a match before it has swallowed stands nowhere.
    if (end <= done) continue;
    begin = std::max(begin, done);
    if (begin > done) use(text.substr(done, begin - done), -1);
    use(text.substr(begin, end - begin), token.id);
    done = end;
  }
  if (done < text.size()) use(text.substr(done), -1);
}

}  // namespace hone::text::pipeline
