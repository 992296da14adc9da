// safetensors headers, shard indices and configs out of arbitrary bytes. The first byte chooses the reader; a header
// that is accepted must describe its file exactly.
#include "hone/base/error.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/checkpoint/safetensors.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace hone;

void must(bool holds) {
  if (!holds) std::abort();
}

void check(const checkpoint::Header& header, uint64_t file_size) {
  uint64_t covered = 0;
  for (const checkpoint::TensorInfo& tensor : header.tensors) {
    must(tensor.begin == covered && tensor.end >= tensor.begin);
    must(tensor.elements() >= 0);
    const auto bytes = static_cast<uint64_t>(tensor.elements()) * static_cast<uint64_t>(size_of(tensor.dtype));
    must(bytes == tensor.end - tensor.begin);
    must(header.find(tensor.name) == &tensor);
    covered = tensor.end;
  }
  must(header.by_name.size() == header.tensors.size());
  must(header.data_begin + covered == file_size);
}

// `text` with the length in front that a header needs: random bytes seldom begin with their own length.
std::string with_length(std::string_view text) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(text.size() >> (8 * i));
  return bytes + std::string(text);
}

// As many data bytes as the last end in `text` asks for, so that inputs reach the checks of the layout.
uint64_t data_bytes_for(std::string_view text) {
  const auto comma = text.rfind(',');
  const uint64_t end =
      comma == std::string_view::npos ? 0 : std::strtoull(std::string(text.substr(comma + 1)).c_str(), nullptr, 10);
  return end > uint64_t{1} << 62 ? 0 : end;
}

void read(int reader, std::string_view text) {
  if (reader == 0) check(checkpoint::parse_header(text, text.size(), "f"), text.size());
  if (reader == 1) {
    const std::string bytes = with_length(text);
    const uint64_t file_size = bytes.size() + data_bytes_for(text);
    check(checkpoint::parse_header(bytes, file_size, "f"), file_size);
  }
  if (reader == 2) {
    for (const auto& [tensor, shard] : checkpoint::parse_index(text, "f")) must(checkpoint::is_plain_name(shard));
  }
  if (reader == 3) must(checkpoint::parse_config(text, "f").is_object());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  try {
    read(data[0] % 4, std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  } catch (const Error& error) {
    must(error.kind() == ErrorKind::format);
  }
  return 0;
}
