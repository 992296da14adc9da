// GGUF, version 3: what llama.cpp reads. Header parsing treats a file as hostile; writing streams, tensor by tensor.
//   "GGUF" | u32 version | u64 tensors | u64 keys | keys and values | tensor infos | padding | tensor data
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hone::checkpoint::gguf {

/// Types of metadata values, with the numbers of the format.
enum class ValueType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, text, array, u64, i64, f64 };

/// One metadata value. Integers are kept as 64 bits, floats as double.
struct Value {
  ValueType type = ValueType::u32;
  ValueType element = ValueType::u32;  ///< of an array
  /// A scalar is a list of one; booleans are unsigned 0 or 1.
  std::variant<std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>, std::vector<std::string>> data;

  bool operator==(const Value&) const = default;
};

Value of_u32(uint32_t number);
Value of_f32(float number);
Value of_bool(bool truth);
Value of_text(std::string text);
Value of_texts(std::vector<std::string> texts);
Value of_i32s(std::vector<int64_t> numbers);

using Metadata = std::vector<std::pair<std::string, Value>>;

/// Element types of tensors that hone writes; the others are read as bytes of a known size.
enum class TensorType : uint32_t { f32 = 0, f16 = 1, q4_0 = 2, q8_0 = 8, bf16 = 30 };

/// Elements and bytes of one block; {0, 0} for a type that is not known.
struct BlockSize {
  uint32_t elements = 0, bytes = 0;
};
BlockSize block_size(uint32_t type);

/// A tensor of a file, or one to be written.
struct Tensor {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<int64_t> shape;  ///< row-major, as in safetensors; the file holds it reversed. At most 4 dimensions
  uint64_t begin = 0;          ///< bytes from the start of the data section; set by reading and writing
  uint64_t bytes = 0;

  bool operator==(const Tensor&) const = default;
};

struct Header {
  Metadata metadata;
  std::vector<Tensor> tensors;
  uint64_t data_begin = 0;  ///< offset of the data section
  uint64_t alignment = 32;

  /// nullptr when there is none of that name.
  const Value* find(std::string_view key) const;
};

/// Where a header is read from; read(offset, out) fills `out` or throws.
struct Source {
  uint64_t size = 0;
  std::function<void(uint64_t offset, std::span<std::byte> out)> read;
};

/// Parses and checks everything before the tensor data. Memory: a small multiple of the header's bytes.
/// Errors: format, naming `where`, the byte and what is wrong: magic, version (1, 2, byte-swapped and future ones are
/// refused), a count or length beyond the file, a key or tensor twice or without a name, an unknown or nested type,
/// text that is not UTF-8, an alignment that is no power of two, sizes that overflow, rows that are no whole blocks,
/// tensors that overlap, leave gaps or lie outside the file.
Header parse_header(const Source& source, std::string_view where);
/// Of a file. Errors: io; format as above.
Header read_header(const std::filesystem::path& path);

/// Gives the writer one tensor: calls add(bytes) until all of tensor `index` is there.
using Produce = std::function<void(std::size_t index, const std::function<void(std::string_view)>& add)>;

/// Writes a file: temporary name in the same folder, fsync, rename, fsync of the folder; on an error nothing is left
/// behind and an existing file stays.
///   metadata  in this order; general.alignment must not be among it (32 is written implicitly)
///   tensors   names shorter than 64 bytes, no name twice
/// Errors: io (disk full, …); internal for bad arguments and for a tensor given more or fewer bytes than it has.
void write(const std::filesystem::path& path, const Metadata& metadata, std::vector<Tensor> tensors,
           const Produce& produce);

/// Bytes of a tensor. Errors: internal for negative sizes, overflow, rows that are no whole blocks.
uint64_t byte_count(const Tensor& tensor);

}  // namespace hone::checkpoint::gguf
