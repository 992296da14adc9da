// Reading of GGUF headers. Every count and length is compared with the bytes that are left before it is used.
#include "hone/base/error.h"
#include "hone/checkpoint/gguf/format.h"
#include "hone/checkpoint/io.h"
#include "hone/text/utf8.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>

namespace hone::checkpoint::gguf {
namespace {

constexpr uint64_t kMostText = uint64_t{1} << 30;
constexpr uint64_t kMostElements = uint64_t{1} << 30;
constexpr std::size_t kMostDimensions = 4;
constexpr std::size_t kMostName = 63;
constexpr std::size_t kPiece = 1 << 16;

// Reads forward through a buffer.
class Cursor {
 public:
  Cursor(const Source& source, std::string_view where) : source_(source), where_(where) {}

  uint64_t at() const { return at_; }
  uint64_t left() const { return source_.size - at_; }

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorKind::format,
                fmt::format("{}: byte {}: {}", where_, at_, fmt::format(format, std::forward<Args>(args)...)));
  }

  void need(uint64_t bytes, std::string_view what) const {
    if (bytes > left()) fail("{} needs {} bytes, the file has {} left", what, grouped(bytes), grouped(left()));
  }

  std::string take(uint64_t bytes, std::string_view what) {
    need(bytes, what);
    std::string out;
    while (bytes > 0) {
      if (at_ < begin_ || at_ >= begin_ + buffer_.size()) refill();
      const std::size_t from = static_cast<std::size_t>(at_ - begin_);
      const std::size_t count = static_cast<std::size_t>(std::min<uint64_t>(bytes, buffer_.size() - from));
      out.append(buffer_, from, count);
      at_ += count;
      bytes -= count;
    }
    return out;
  }

  uint64_t whole(std::size_t bytes, std::string_view what) {
    const std::string raw = take(bytes, what);
    uint64_t number = 0;
    for (std::size_t i = 0; i < bytes; ++i) number |= uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    return number;
  }

  std::string text(std::string_view what) {
    const uint64_t length = whole(8, what);
    if (length > kMostText) fail("{} of {} bytes", what, grouped(length));
    std::string text = take(length, what);
    if (!text::is_valid_utf8(text)) fail("{} that is not UTF-8", what);
    return text;
  }

 private:
  void refill() {
    begin_ = at_;
    buffer_.resize(static_cast<std::size_t>(std::min<uint64_t>(kPiece, left())));
    source_.read(begin_, std::as_writable_bytes(std::span(buffer_)));
  }

  const Source& source_;
  std::string_view where_;
  uint64_t at_ = 0, begin_ = 0;
  std::string buffer_;
};

std::size_t width_of(ValueType type) {
  constexpr std::array<std::size_t, 13> kWidths = {1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8};  // text: its length
  return kWidths[static_cast<std::size_t>(type)];
}

int64_t with_sign(uint64_t raw, std::size_t bytes) {
  const int unused = 64 - 8 * static_cast<int>(bytes);
  return static_cast<int64_t>(raw << unused) >> unused;
}

void read_elements(Cursor& cursor, Value& value, ValueType type, uint64_t count) {
  const std::size_t width = width_of(type);
  if (type == ValueType::text) {
    auto& texts = value.data.emplace<std::vector<std::string>>();
    for (uint64_t i = 0; i < count; ++i) texts.push_back(cursor.text("a text"));
    return;
  }
  const bool real = type == ValueType::f32 || type == ValueType::f64;
  const bool signed_type =
      type == ValueType::i8 || type == ValueType::i16 || type == ValueType::i32 || type == ValueType::i64;
  std::vector<uint64_t> wholes;
  std::vector<int64_t> signed_wholes;
  std::vector<double> reals;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t raw = cursor.whole(width, "a value");
    if (type == ValueType::boolean && raw > 1) cursor.fail("a truth value of {}", raw);
    if (real) {
      reals.push_back(width == 4 ? std::bit_cast<float>(static_cast<uint32_t>(raw)) : std::bit_cast<double>(raw));
    } else if (signed_type) {
      signed_wholes.push_back(with_sign(raw, width));
    } else {
      wholes.push_back(raw);
    }
  }
  if (real) {
    value.data = std::move(reals);
  } else if (signed_type) {
    value.data = std::move(signed_wholes);
  } else {
    value.data = std::move(wholes);
  }
}

ValueType read_type(Cursor& cursor) {
  const uint64_t type = cursor.whole(4, "a value's type");
  if (type > static_cast<uint64_t>(ValueType::f64)) cursor.fail("value type {}; known are 0 to 12", type);
  return static_cast<ValueType>(type);
}

Value read_value(Cursor& cursor) {
  Value value;
  value.type = read_type(cursor);
  if (value.type != ValueType::array) {
    read_elements(cursor, value, value.type, 1);
    return value;
  }
  value.element = read_type(cursor);
  if (value.element == ValueType::array) cursor.fail("an array of arrays");
  const uint64_t count = cursor.whole(8, "an array's length");
  if (count > kMostElements) cursor.fail("an array of {} elements", grouped(count));
  cursor.need(count * width_of(value.element), "an array");
  read_elements(cursor, value, value.element, count);
  return value;
}

void read_metadata(Cursor& cursor, Header& header, uint64_t count) {
  std::set<std::string, std::less<>> known;
  for (uint64_t i = 0; i < count; ++i) {
    std::string key = cursor.text("a key");
    if (key.empty()) cursor.fail("an empty key");
    if (!known.insert(key).second) cursor.fail("key {} is there twice", quote_name(key));
    Value value = read_value(cursor);
    header.metadata.emplace_back(std::move(key), std::move(value));
  }
  const Value* alignment = header.find("general.alignment");
  if (alignment == nullptr) return;
  if (alignment->type != ValueType::u32) cursor.fail("general.alignment is not a u32");
  header.alignment = std::get<std::vector<uint64_t>>(alignment->data)[0];
  if (!std::has_single_bit(header.alignment)) cursor.fail("an alignment of {}, not a power of 2", header.alignment);
}

// Elements of a tensor in blocks, as bytes.
uint64_t checked_bytes(const Cursor& cursor, const Tensor& tensor, BlockSize block) {
  uint64_t elements = 1;
  for (const int64_t size : tensor.shape) {
    if (__builtin_mul_overflow(elements, static_cast<uint64_t>(size), &elements) || elements > (uint64_t{1} << 62)) {
      cursor.fail("tensor {} has the shape {}, too many elements", quote_name(tensor.name), shape_text(tensor.shape));
    }
  }
  const uint64_t row = tensor.shape.empty() ? 1 : static_cast<uint64_t>(tensor.shape.back());
  if (row % block.elements != 0) {
    cursor.fail("tensor {} has rows of {}, not a multiple of {}", quote_name(tensor.name), row, block.elements);
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(elements / block.elements, uint64_t{block.bytes}, &bytes)) {
    cursor.fail("tensor {} has more than 2^64 bytes", quote_name(tensor.name));
  }
  return bytes;
}

Tensor read_tensor(Cursor& cursor) {
  Tensor tensor;
  tensor.name = cursor.text("a tensor's name");
  if (tensor.name.empty() || tensor.name.size() > kMostName) {
    cursor.fail("a tensor's name of {} bytes; allowed: 1 to {}", tensor.name.size(), kMostName);
  }
  const uint64_t dimensions = cursor.whole(4, "a tensor's dimensions");
  if (dimensions > kMostDimensions) {
    cursor.fail("tensor {} has {} dimensions, at most {} are allowed", quote_name(tensor.name), dimensions,
                kMostDimensions);
  }
  for (uint64_t i = 0; i < dimensions; ++i) {
    const uint64_t size = cursor.whole(8, "a dimension");
    if (size > static_cast<uint64_t>(INT64_MAX)) cursor.fail("tensor {}: a size of {}", quote_name(tensor.name), size);
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(size));
  }
  const auto type = static_cast<uint32_t>(cursor.whole(4, "a tensor's type"));
  const BlockSize block = block_size(type);
  if (block.elements == 0) cursor.fail("tensor {} has the type {}, which is not known", quote_name(tensor.name), type);
  tensor.type = static_cast<TensorType>(type);
  tensor.begin = cursor.whole(8, "a tensor's offset");
  tensor.bytes = checked_bytes(cursor, tensor, block);
  return tensor;
}

uint64_t padded(uint64_t at, uint64_t alignment) { return (at + alignment - 1) / alignment * alignment; }

// Offsets are the running padded sum in the order of the file, as ggml requires.
void check_places(const Cursor& cursor, Header& header, uint64_t file_size) {
  header.data_begin = padded(cursor.at(), header.alignment);
  const uint64_t room = file_size > header.data_begin ? file_size - header.data_begin : 0;
  uint64_t next = 0;
  for (const Tensor& tensor : header.tensors) {
    if (tensor.begin != next) {
      cursor.fail("tensor {} begins at {}; expected {}, right after the one before", quote_name(tensor.name),
                  grouped(tensor.begin), grouped(next));
    }
    if (tensor.bytes > room || tensor.begin > room - tensor.bytes) {
      cursor.fail("tensor {} ends outside the file of {} bytes", quote_name(tensor.name), grouped(file_size));
    }
    next = padded(tensor.begin + tensor.bytes, header.alignment);
  }
}

}  // namespace

BlockSize block_size(uint32_t type) {
  switch (type) {
    case 0:   // F32
    case 26:  // I32
      return {1, 4};
    case 1:   // F16
    case 25:  // I16
    case 30:  // BF16
      return {1, 2};
    case 24:  // I8
      return {1, 1};
    case 27:  // I64
    case 28:  // F64
      return {1, 8};
    case 2:  // Q4_0
      return {32, 18};
    case 3:  // Q4_1
      return {32, 20};
    case 6:  // Q5_0
      return {32, 22};
    case 7:  // Q5_1
      return {32, 24};
    case 8:  // Q8_0
      return {32, 34};
    case 10:  // Q2_K … Q6_K
      return {256, 84};
    case 11:
      return {256, 110};
    case 12:
      return {256, 144};
    case 13:
      return {256, 176};
    case 14:
      return {256, 210};
    default:
      return {};
  }
}

const Value* Header::find(std::string_view key) const {
  const auto found =
      std::find_if(metadata.begin(), metadata.end(), [&](const auto& entry) { return entry.first == key; });
  return found == metadata.end() ? nullptr : &found->second;
}

Header parse_header(const Source& source, std::string_view where) {
  Cursor cursor(source, where);
  const std::string magic = cursor.take(4, "the magic number");
  if (magic != "GGUF") cursor.fail("not a GGUF file: it begins with {}", text::quote(text::repair_utf8(magic)));
  const uint64_t version = cursor.whole(4, "the version");
  if (version != 3) {
    cursor.fail("version {}{}; only 3 is supported", version, (version & 0xFFFF) == 0 ? " (a big-endian file?)" : "");
  }
  const uint64_t tensors = cursor.whole(8, "the number of tensors");
  const uint64_t keys = cursor.whole(8, "the number of keys");
  // The least that one of them takes: an empty name, a type, and for tensors dimensions, type and offset.
  if (keys > cursor.left() / 13) cursor.fail("{} keys don't fit the file", grouped(keys));
  if (tensors > cursor.left() / 24) cursor.fail("{} tensors don't fit the file", grouped(tensors));
  Header header;
  read_metadata(cursor, header, keys);
  std::set<std::string, std::less<>> known;
  for (uint64_t i = 0; i < tensors; ++i) {
    header.tensors.push_back(read_tensor(cursor));
    if (!known.insert(header.tensors.back().name).second) {
      cursor.fail("tensor {} is there twice", quote_name(header.tensors.back().name));
    }
  }
  check_places(cursor, header, source.size);
  return header;
}

Header read_header(const std::filesystem::path& path) {
  const InFile file(path);
  return parse_header({file.size(), [&](uint64_t at, std::span<std::byte> out) { file.read(at, out); }}, path.string());
}

}  // namespace hone::checkpoint::gguf
