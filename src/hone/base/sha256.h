// SHA-256 (FIPS 180-4), in one go or piece by piece.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hone::base {

/// `fastest` uses the processor's SHA instructions where it has them; `portable` exists for tests.
enum class Sha256Path { fastest, portable };

/// A running hash. hex() may be called at any time and does not end it.
class Sha256 {
 public:
  explicit Sha256(Sha256Path path = Sha256Path::fastest);
  void add(std::string_view bytes);
  /// The hash of all bytes added so far, as 64 lower-case hex digits.
  std::string hex() const;

 private:
  using Digest = std::array<uint32_t, 8>;
  Digest state_;
  std::array<uint8_t, 64> block_{};  // the last, unfinished block
  uint64_t length_ = 0;
  void (*compress_)(Digest& digest, const uint8_t* data, std::size_t blocks);
};

/// SHA-256 of `bytes` as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

/// SHA-256 of a regular file of any size, read in pieces. Errors: io, like read_file.
std::string sha256_hex_of_file(const std::filesystem::path& path);

}  // namespace hone::base
