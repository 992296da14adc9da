// Scalars for TensorBoard: event files in TFRecord framing, protobuf written by hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace hone::report {

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) of `bytes`.
uint32_t crc32c(std::string_view bytes);

/// The masked form that TFRecord stores: rotated right by 15 bits plus 0xa282ead8, so that a checksum of data that
/// holds checksums keeps its strength.
uint32_t masked_crc32c(std::string_view bytes);

/// Appends one events file. The file is flushed every two seconds and by flush(); a kill loses the rest.
class TensorBoardWriter {
 public:
  /// Creates `dir` and in it a new `events.out.tfevents.<unix time>.<host>.<pid>.<n>`. Errors: io.
  explicit TensorBoardWriter(const std::filesystem::path& dir);
  ~TensorBoardWriter();
  TensorBoardWriter(const TensorBoardWriter&) = delete;
  TensorBoardWriter& operator=(const TensorBoardWriter&) = delete;

  /// One point of the curve `tag`; `value` may be non-finite and is stored as a float32. Errors: io.
  void scalar(std::string_view tag, int64_t step, double value);
  void flush();
  const std::filesystem::path& path() const { return path_; }

 private:
  void record(const std::string& event);
  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
  std::chrono::steady_clock::time_point flushed_;
};

}  // namespace hone::report
