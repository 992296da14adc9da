// One text as tokenizer.json; a tokenizer that can be read is used on texts: its ids are in range, a stream decodes to
// the same text, special tokens come from nowhere, and it comes back through its own file.
#include "hone/base/error.h"
#include "hone/text/stream_decoder.h"
#include "hone/text/tokenizer.h"
#include "hone/text/utf8.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using hone::text::Ids;
using hone::text::Tokenizer;

std::string streamed(const Tokenizer& tokenizer, const Ids& ids) {
  hone::text::StreamDecoder stream(tokenizer);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  return text + stream.finish();
}

void use_text(const Tokenizer& tokenizer, std::string_view text) {
  using namespace hone::text;
  const Ids plain = tokenizer.encode(text);
  const Ids tokens = tokenizer.encode(text, {SpecialText::as_tokens, Surroundings::add});
  tokenizer.encode_pair(text, "a b", {SpecialText::as_text, Surroundings::add});
  for (const Ids& ids : {plain, tokens}) {
    for (const int32_t id : ids) tokenizer.token(id);
    const std::string whole = tokenizer.decode(ids);
    if (!is_valid_utf8(whole) || streamed(tokenizer, ids) != whole) __builtin_trap();
    tokenizer.decode_all(ids);
  }
}

void use(std::string_view file) {
  const auto tokenizer = Tokenizer::from_json(hone::base::parse_json(file, "fuzz.json"), "fuzz.json");
  const auto again = Tokenizer::from_json(tokenizer.to_json(), "again");
  if (again.file_text() != tokenizer.file_text() || again.size() != tokenizer.size()) __builtin_trap();
  const std::string long_word(3000, 'a');
  const std::array<std::string_view, 5> texts = {
      "Hello  <s> world's 한국 你好 👩‍👩‍👧 e\u0301 1234 \n\n\t x", "\xFF\xE4\xBD a\x00b", long_word,
      " [MASK]newword<|endoftext|>abcabc </s>", file.substr(0, 300)};
  for (const std::string_view text : texts) {
    try {
      use_text(tokenizer, text);
    } catch (const hone::Error&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  try {
    use({reinterpret_cast<const char*>(data), size});
  } catch (const hone::Error&) {
  }
  return 0;
}
