// One text as a chat template, rendered for a conversation with tools.
#include "tests/fuzz/template_conversation.h"

#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace hone;
  static const Json asked = fuzz::conversation("What is <|im_end|> é 2+2?");
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  try {
    fuzz::render(text::jinja::Template(source, "fuzz", fuzz::small_limits()), asked);
  } catch (const Error&) {
  }
  return 0;
}
