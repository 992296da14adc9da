#include "hone/text/pipeline/word_models.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"
#include "hone/text/pipeline/unicode.h"
#include "hone/text/utf8.h"

namespace hone::text::pipeline {
namespace {

[[noreturn]] void refuse_word(std::string_view word, const Vocab& vocab) {
  std::vector<std::string> words;
  for (int32_t id = 0; id < vocab.size(); ++id) {
    if (vocab.has(id) && vocab.find(vocab.text(id)) == id) words.push_back(vocab.text(id));
  }
  fail(ErrorKind::data, "word {} is not in the vocabulary of {} words{}", quote(word), words.size(),
       base::suggestion(word, words));
}

bool is_longer_than(std::string_view word, std::size_t most_chars) {
  if (word.size() <= most_chars) return false;
  std::size_t chars = 0;
  for (const char c : word) chars += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return chars > most_chars;
}

}  // namespace

void encode(const WordLevel& model, const Vocab& vocab, std::string_view word, std::vector<int32_t>& out) {
  const int32_t found = vocab.find(word);
  const int32_t id = found >= 0 ? found : model.unk;
  if (id < 0) refuse_word(word, vocab);
  out.push_back(id);
}

void encode(const WordPiece& model, std::string_view word, std::vector<int32_t>& out) {
  const std::size_t before = out.size();
  bool whole = !is_longer_than(word, model.most_chars);
  for (std::size_t at = 0; whole && at < word.size();) {
    std::size_t bytes = 0;
    int32_t id = -1;
    const ByteTrie& pieces = at == 0 ? model.begins : model.continues;
    pieces.for_each_prefix(word.substr(at), [&](std::size_t length, int32_t value) {
      bytes = length;
      id = value;
    });
    whole = id >= 0;
    if (whole) out.push_back(id);
    at += bytes;
  }
  if (whole) return;
  out.resize(before);
  require(model.unk >= 0, ErrorKind::data, "word {} has no pieces and the vocabulary no unk_token", quote(word));
  out.push_back(model.unk);
}

}  // namespace hone::text::pipeline
