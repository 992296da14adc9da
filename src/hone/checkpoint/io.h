// What the readers and writers of this folder share: checked file access, and numbers and names as errors show them.
#pragma once

#include "hone/base/sha256.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace hone::checkpoint {

/// 7077888 → "7,077,888".
std::string grouped(uint64_t number);
/// A name out of a file, in quotes: control characters escaped, cut at 120 bytes.
std::string quote_name(std::string_view name);
/// {2, 3} → "[2, 3]".
std::string shape_text(std::span<const int64_t> shape);
/// One component of a path that stays in its folder: not empty, no slash, no NUL, not "." or "..".
bool is_plain_name(std::string_view name);

/// Errors: io with a remedy unless the file system of `where` has 1.2 × `bytes` free.
void require_space(const std::filesystem::path& where, uint64_t bytes);

/// Errors: io "cannot <action> <path>: <reason of errno code>", with a remedy where there is one.
[[noreturn]] void fail_io(std::string_view action, const std::filesystem::path& path, int code);

/// A file open for reading at any offset. Threads may read at the same time.
class InFile {
 public:
  /// Errors: io if it is missing, unreadable or not a regular file (a FIFO does not block).
  explicit InFile(const std::filesystem::path& path);
  ~InFile();
  InFile(InFile&& other) noexcept;
  InFile& operator=(InFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const { return size_; }
  /// Fills `out` from `offset`. Errors: io, also when the file ends first.
  void read(uint64_t offset, std::span<std::byte> out) const;

 private:
  std::filesystem::path path_;
  uint64_t size_ = 0;
  int fd_ = -1;
};

/// A new file, written from front to back; removed again unless close() succeeded.
class OutFile {
 public:
  /// `hash`, when given, takes every byte as it is written. Errors: io, also when something other than a regular file
  /// has that name.
  explicit OutFile(const std::filesystem::path& path, base::Sha256* hash = nullptr);
  ~OutFile();
  OutFile(const OutFile&) = delete;
  OutFile& operator=(const OutFile&) = delete;

  /// Errors: io (disk full, file size limit, …).
  void add(std::string_view bytes);
  void close();

 private:
  std::filesystem::path path_;
  base::Sha256* hash_;
  int fd_ = -1;
};

}  // namespace hone::checkpoint
