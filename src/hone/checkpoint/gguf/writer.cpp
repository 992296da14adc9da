// Writing of GGUF files.
#include "hone/base/error.h"
#include "hone/checkpoint/gguf/format.h"
#include "hone/checkpoint/io.h"

#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <set>

namespace hone::checkpoint::gguf {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kAlignment = 32;

void put(std::string& out, uint64_t number, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(number >> (8 * i));
}

void put_text(std::string& out, std::string_view text) {
  put(out, text.size(), 8);
  out += text;
}

void put_elements(std::string& out, const Value& value, ValueType type) {
  constexpr std::size_t kWidths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  const std::size_t width = kWidths[static_cast<std::size_t>(type)];
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value.data)) {
    for (const std::string& text : *texts) put_text(out, text);
  } else if (const auto* reals = std::get_if<std::vector<double>>(&value.data)) {
    for (const double real : *reals) {
      put(out, width == 4 ? std::bit_cast<uint32_t>(static_cast<float>(real)) : std::bit_cast<uint64_t>(real), width);
    }
  } else if (const auto* wholes = std::get_if<std::vector<int64_t>>(&value.data)) {
    for (const int64_t whole : *wholes) put(out, static_cast<uint64_t>(whole), width);
  } else {
    for (const uint64_t whole : std::get<std::vector<uint64_t>>(value.data)) put(out, whole, width);
  }
}

void put_value(std::string& out, const Value& value) {
  put(out, static_cast<uint32_t>(value.type), 4);
  if (value.type == ValueType::array) {
    put(out, static_cast<uint32_t>(value.element), 4);
    put(out, std::visit([](const auto& list) { return list.size(); }, value.data), 8);
    return put_elements(out, value, value.element);
  }
  put_elements(out, value, value.type);
}

uint64_t padded(uint64_t at) { return (at + kAlignment - 1) / kAlignment * kAlignment; }

std::string header_bytes(const Metadata& metadata, const std::vector<Tensor>& tensors) {
  std::string out = "GGUF";
  put(out, 3, 4);
  put(out, tensors.size(), 8);
  put(out, metadata.size(), 8);
  for (const auto& [key, value] : metadata) {
    put_text(out, key);
    put_value(out, value);
  }
  for (const Tensor& tensor : tensors) {
    put_text(out, tensor.name);
    put(out, tensor.shape.size(), 4);
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size)
      put(out, static_cast<uint64_t>(*size), 8);
    put(out, static_cast<uint32_t>(tensor.type), 4);
    put(out, tensor.begin, 8);
  }
  out.append(static_cast<std::size_t>(padded(out.size()) - out.size()), '\0');
  return out;
}

void sync(const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) fail_io("open", path, errno);
  const int code = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (code != 0) fail_io("sync", path, code);
}

void write_file(const fs::path& path, const std::string& header, const std::vector<Tensor>& tensors,
                const Produce& produce) {
  OutFile file(path);
  file.add(header);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    uint64_t given = 0;
    produce(i, [&](std::string_view bytes) {
      given += bytes.size();
      file.add(bytes);
    });
    require(given == tensors[i].bytes, ErrorKind::internal, "tensor {} has {} bytes, {} were given",
            quote_name(tensors[i].name), tensors[i].bytes, given);
    file.add(std::string(static_cast<std::size_t>(padded(given) - given), '\0'));
  }
  file.close();
}

Value scalar(ValueType type, auto number) {
  Value value;
  value.type = type;
  value.data = std::vector{number};
  return value;
}

}  // namespace

Value of_u32(uint32_t number) { return scalar(ValueType::u32, uint64_t{number}); }
Value of_f32(float number) { return scalar(ValueType::f32, double{number}); }
Value of_bool(bool truth) { return scalar(ValueType::boolean, uint64_t{truth ? 1u : 0u}); }
Value of_text(std::string text) { return scalar(ValueType::text, std::move(text)); }
Value of_texts(std::vector<std::string> texts) { return {ValueType::array, ValueType::text, std::move(texts)}; }
Value of_i32s(std::vector<int64_t> numbers) { return {ValueType::array, ValueType::i32, std::move(numbers)}; }

uint64_t byte_count(const Tensor& tensor) {
  const BlockSize block = block_size(static_cast<uint32_t>(tensor.type));
  uint64_t elements = 1;
  bool overflow = false;
  for (const int64_t size : tensor.shape) {
    overflow = overflow || size < 0 || __builtin_mul_overflow(elements, static_cast<uint64_t>(size), &elements);
  }
  require(!overflow && elements < (uint64_t{1} << 58), ErrorKind::internal, "tensor {} has the shape {}",
          quote_name(tensor.name), shape_text(tensor.shape));
  const uint64_t row = tensor.shape.empty() ? 1 : static_cast<uint64_t>(tensor.shape.back());
  require(block.elements > 0 && row % block.elements == 0, ErrorKind::internal,
          "tensor {} has rows of {}, which are no whole blocks", quote_name(tensor.name), row);
  return elements / block.elements * block.bytes;
}

void write(const fs::path& path, const Metadata& metadata, std::vector<Tensor> tensors, const Produce& produce) {
  std::set<std::string> names;
  uint64_t next = 0;
  for (Tensor& tensor : tensors) {
    require(!tensor.name.empty() && tensor.name.size() < 64 && tensor.shape.size() <= 4, ErrorKind::internal,
            "tensor {} can't be written: a name of 1 to 63 bytes and at most 4 dimensions", quote_name(tensor.name));
    require(names.insert(tensor.name).second, ErrorKind::internal, "tensor {} is to be written twice",
            quote_name(tensor.name));
    tensor.bytes = byte_count(tensor);
    tensor.begin = next;
    next = padded(next + tensor.bytes);
  }
  const std::string header = header_bytes(metadata, tensors);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  require_space(folder, header.size() + next);
  const fs::path temporary = path.string() + fmt::format(".tmp-{}", ::getpid());
  try {
    write_file(temporary, header, tensors, produce);
    sync(temporary, O_RDONLY);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail_io("rename to", path, errno);
  } catch (...) {
    std::error_code code;
    fs::remove(temporary, code);
    throw;
  }
  sync(folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace hone::checkpoint::gguf
