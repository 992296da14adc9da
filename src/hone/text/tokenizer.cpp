#include "hone/text/tokenizer.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"
#include "hone/text/byte_alphabet.h"
#include "hone/text/utf8.h"

#include <array>
#include <utility>

namespace hone::text {
namespace {

bool holds_white_space(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (point.valid && is_white_space(point.value)) return true;
    text.remove_prefix(static_cast<std::size_t>(point.bytes));
  }
  return false;
}

// Calls use(word) for every maximal run without white space.
template <class Use>
void for_each_word(std::string_view text, Use use) {
  std::size_t start = 0, at = 0;
  while (at < text.size()) {
    const CodePoint point = first_code_point(text.substr(at));
    const auto bytes = static_cast<std::size_t>(point.bytes);
    if (point.valid && is_white_space(point.value)) {
      if (at > start) use(text.substr(start, at - start));
      start = at + bytes;
    }
    at += bytes;
  }
  if (at > start) use(text.substr(start));
}

}  // namespace

Tokenizer Tokenizer::symbols(std::span<const std::string> specials, std::span<const std::string> words) {
  Tokenizer made;
  made.kind_ = TokenizerKind::symbols;
  for (const std::string& special : specials) made.add(special, Part::special);
  for (const std::string& word : words) made.add(word, Part::plain);
  return made;
}

Tokenizer Tokenizer::bytes(std::span<const std::string> specials) {
  Tokenizer made;
  made.kind_ = TokenizerKind::bytes;
  for (const std::string& special : specials) made.add(special, Part::special);
  for (int byte = 0; byte < 256; ++byte) {
    made.add(std::string(1, static_cast<char>(static_cast<unsigned char>(byte))), Part::plain);
  }
  return made;
}

void Tokenizer::add(std::string token, Part part) {
  const bool raw_byte = kind_ == TokenizerKind::bytes && part == Part::plain;
  const auto refuse = [&](const char* why) { fail(ErrorKind::data, "token {} {}", quote(token), why); };
  if (token.empty()) refuse("is empty");
  if (!raw_byte && !is_valid_utf8(token)) refuse("is not valid UTF-8");
  if (kind_ == TokenizerKind::symbols && part == Part::plain && holds_white_space(token)) {
    refuse("of a symbol vocabulary holds white space");
  }
  if (kind_ == TokenizerKind::bytes && part == Part::special && byte_of_symbol(token)) {
    refuse("is special, but its text is the character that stands for a byte in the file");
  }
  if (!index_.emplace(token, size()).second) refuse("is in the vocabulary twice");
  tokens_.push_back(std::move(token));
  special_.push_back(part == Part::special ? 1 : 0);
}

Ids Tokenizer::encode(std::string_view text) const {
  if (kind_ == TokenizerKind::symbols) return encode_words(text);
  Ids ids;
  ids.reserve(text.size());
  for (const char byte : text) ids.push_back(index_.at(std::string(1, byte)));
  return ids;
}

Ids Tokenizer::encode_words(std::string_view text) const {
  Ids ids;
  for_each_word(text, [&](std::string_view word) {
    std::optional<int32_t> id = find(word);
    if (id && is_special(*id)) id.reset();
    if (!id) id = find(unk_token_);
    if (!id) {
      std::vector<std::string> words;
      for (int32_t i = 0; i < size(); ++i) {
        if (!is_special(i)) words.push_back(token(i));
      }
      fail(ErrorKind::data, "word {} is not in the vocabulary of {} words{}", quote(word), words.size(),
           base::suggestion(word, words));
    }
    ids.push_back(*id);
  });
  return ids;
}

std::string Tokenizer::render(std::span<const int32_t> ids, Specials specials) const {
  std::string text;
  for (const int32_t id : ids) {
    const std::string& piece = token(id);
    if (specials == Specials::skip && is_special(id)) continue;
    if (kind_ == TokenizerKind::symbols && !text.empty()) text += ' ';
    text += piece;
  }
  return kind_ == TokenizerKind::bytes ? repair_utf8(text) : text;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const { return render(ids, Specials::skip); }
std::string Tokenizer::decode_all(std::span<const int32_t> ids) const { return render(ids, Specials::write); }

std::optional<int32_t> Tokenizer::find(std::string_view token) const {
  const auto found = index_.find(std::string(token));
  if (found == index_.end()) return {};
  return found->second;
}

int32_t Tokenizer::id(std::string_view token) const {
  const std::optional<int32_t> found = find(token);
  if (!found) {
    fail(ErrorKind::data, "token {} is not in the vocabulary{}", quote(token), base::suggestion(token, tokens_));
  }
  return *found;
}

const std::string& Tokenizer::token(int32_t id) const {
  require(id >= 0 && id < size(), ErrorKind::data, "id {} is outside the vocabulary of {} tokens", id, size());
  return tokens_[static_cast<std::size_t>(id)];
}

std::span<const std::string> standard_specials() {
  static const std::array<std::string, 7> kSpecials = {"<pad>",  "<bos>",       "<end>",   "<retry>",
                                                       "<user>", "<assistant>", "<system>"};
  return kSpecials;
}

}  // namespace hone::text
