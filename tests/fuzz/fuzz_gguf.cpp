// A GGUF header: counts, lengths, types and places of a stranger's file. And a tokenizer.json on its way into one.
#include "hone/base/error.h"
#include "hone/checkpoint/gguf/format.h"
#include "hone/checkpoint/gguf/vocabulary.h"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace {

using namespace hone::checkpoint;

void use_header(std::string_view bytes) {
  const gguf::Header header = gguf::parse_header({bytes.size(),
                                                  [&](uint64_t at, std::span<std::byte> out) {
                                                    if (at > bytes.size() || out.size() > bytes.size() - at)
                                                      __builtin_trap();
                                                    std::memcpy(out.data(), bytes.data() + at, out.size());
                                                  }},
                                                 "fuzz.gguf");
  for (const gguf::Tensor& tensor : header.tensors) {
    if (tensor.begin + tensor.bytes > bytes.size() - header.data_begin) __builtin_trap();
    if (tensor.bytes != gguf::byte_count(tensor)) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    use_header(bytes);
  } catch (const hone::Error&) {
  }
  try {
    gguf::read_vocabulary(hone::base::parse_json(bytes, "fuzz.json"), 300, "fuzz.json");
  } catch (const hone::Error&) {
  }
  return 0;
}
