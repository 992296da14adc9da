// safetensors files, read as hostile input and written so that transformers reads them. Torch-free: tensors are bytes.
#pragma once

#include "hone/base/sha256.h"
#include "hone/checkpoint/io.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::checkpoint {

/// What hone reads and writes; a file with another dtype (F8_E4M3, F4, C64, …) is refused with the tensor's name.
enum class Dtype { f32, f16, bf16, f64, i64, i32, i16, i8, u8, boolean, u16, u32, u64 };
/// "F32", "BF16", … and its size in bytes.
const char* name_of(Dtype dtype);
int64_t size_of(Dtype dtype);

/// Where a tensor lies: checked against the file's size, its shape and its dtype.
struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;   ///< at most 64 dimensions; zero sizes are legal
  uint64_t begin = 0, end = 0;  ///< bytes, relative to the data section
  int64_t elements() const;     ///< product of the shape; 1 for a scalar
};

/// A parsed header.
struct Header {
  std::vector<TensorInfo> tensors;  ///< in order of their data
  std::map<std::string, std::string> metadata;
  uint64_t data_begin = 0;        ///< offset of the data section in the file
  std::vector<uint32_t> by_name;  ///< indices into `tensors`, in order of the names

  /// nullptr when there is none of that name; O(log n).
  const TensorInfo* find(std::string_view name) const;
};

/// Bytes of the JSON header that follows the first 8, as those 8 say. Errors: format if it does not fit `file_size`
/// or is over 100,000,000 (the limit of the format).
uint64_t header_length(std::string_view head, uint64_t file_size, std::string_view where);

/// Parses and checks the start of a safetensors file: header length, JSON, dtypes, shapes, overflow, contiguity from 0
/// without gap or overlap, exact file size. Stricter than the reference reader in that a name twice, an unknown member
/// and more than 64 dimensions are errors. Memory: a small multiple of the header.
///   head       the first bytes of the file, at least 8 + the header's length if the file has them
///   file_size  bytes of the whole file
///   where      the file's name, for errors
/// Errors: format, naming the tensor and the numbers that disagree.
Header parse_header(std::string_view head, uint64_t file_size, std::string_view where);

/// What reading as float32 does with infinities and NaNs.
enum class NonFinite { refuse, keep };

/// An open file. Tensors are read by pread into memory of the caller's: a file that shrinks meanwhile gives an error,
/// not a SIGBUS. Threads may read at the same time.
class SafetensorsFile {
 public:
  /// Errors: io if it is missing, unreadable or not a regular file; format as parse_header.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const Header& header() const { return header_; }
  const std::filesystem::path& path() const { return file_.path(); }
  /// nullptr when there is none of that name.
  const TensorInfo* find(std::string_view name) const { return header_.find(name); }
  /// Bytes of a tensor; `out` must have end - begin bytes. Errors: io.
  void read(const TensorInfo& tensor, std::span<std::byte> out) const;
  /// Whether a tensor's bytes are those of another, here or in another file. Memory: half a megabyte. Errors: io.
  bool same_bytes(const TensorInfo& tensor, const SafetensorsFile& other, const TensorInfo& of_other) const;
  /// A tensor's numbers as float32; `out` must have elements() floats. f16, bf16 and integers up to 2^24 are exact,
  /// other integers and f64 are rounded, booleans become 0 or 1.
  /// Errors: io; numeric, naming tensor and element, if a value is not finite as float32 and those are refused.
  void read_floats(const TensorInfo& tensor, std::span<float> out, NonFinite policy = NonFinite::refuse) const;

 private:
  InFile file_;
  Header header_;
};

/// One tensor to be written; `data` stays the caller's.
struct TensorData {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  const void* data = nullptr;  ///< row-major; may be nullptr when the tensor has no elements
};

/// Bytes of a tensor. Errors: internal for a negative size or overflow.
uint64_t byte_count(const TensorData& tensor);

/// Writes a file (not atomically: call it inside base::publish_folder). Tensors are ordered by dtype size, then name;
/// the header is padded with spaces to a multiple of 8, so every tensor is aligned. A file that could not be written
/// in full is removed.
///   hash    when given, takes every byte of the file
/// Errors: io (disk full, …); internal for a name twice, a name that is not UTF-8 or is "__metadata__".
void write_safetensors(const std::filesystem::path& path, std::vector<TensorData> tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}},
                       base::Sha256* hash = nullptr);

}  // namespace hone::checkpoint
