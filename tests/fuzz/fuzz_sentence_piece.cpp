// One file as a SentencePiece model; a model that can be read is used on texts.
#include "hone/base/error.h"
#include "hone/text/pipeline/read_sentence_piece.h"
#include "hone/text/utf8.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace hone::text;

void use(std::string_view file) {
  pipeline::PieceRoles roles;
  const pipeline::Pipeline model = pipeline::read_sentence_piece(file, "fuzz.model", roles);
  const std::string long_word(2000, 'a');
  const std::array<std::string_view, 4> texts = {"Hello  <s> world 한국 e\u0301 \n x ", "\xFF\xE4\xBD a", long_word,
                                                 file.substr(0, 200)};
  for (const std::string_view text : texts) {
    pipeline::DecodeRun run(model.decoders);
    std::string out;
    for (const int32_t id : pipeline::encode(model, text, pipeline::AddedMatcher::Specials::find)) {
      if (!model.vocab.has(id)) __builtin_trap();
      run.push(pipeline::decoded_token(model, id), out);
    }
    run.finish(out);
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
