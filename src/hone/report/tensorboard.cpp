#include "hone/report/tensorboard.h"

#include "hone/base/error.h"
#include "hone/base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cctype>
#include <cerrno>
#include <cstring>

namespace hone::report {
namespace {

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0u);
    table[i] = crc;
  }
  return table;
}

template <class Unsigned>
void append_little_endian(std::string& out, Unsigned value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// Protobuf wire types.
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void append_key(std::string& out, uint32_t field, Wire wire) { append_varint(out, field << 3 | wire); }

void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  append_key(out, field, kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

// Event { 1 double wall_time, 2 int64 step, 3 string file_version, 5 Summary summary }
std::string event_begin(int64_t step) {
  const double wall = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::string event;
  append_key(event, 1, kFixed64);
  append_little_endian(event, std::bit_cast<uint64_t>(wall));
  append_key(event, 2, kVarint);
  append_varint(event, static_cast<uint64_t>(step));
  return event;
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || !name[0]) return "host";
  for (char* c = name; *c; ++c) {
    if (!std::isalnum(static_cast<unsigned char>(*c)) && *c != '-' && *c != '.') *c = '_';
  }
  return name;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = crc_table();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8u; }

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& dir) : flushed_(std::chrono::steady_clock::now()) {
  base::make_folders(dir);
  const auto unix_time =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const std::string stem = fmt::format("events.out.tfevents.{:010}.{}.{}", unix_time, host_name(), ::getpid());
  int fd = -1;
  for (int n = 0; fd < 0; ++n) {
    path_ = dir / fmt::format("{}.{}", stem, n);
    fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    require(fd >= 0 || (errno == EEXIST && n < 1000), ErrorKind::io, "cannot create {}: {}", path_.string(),
            std::strerror(errno));
  }
  file_ = ::fdopen(fd, "wb");
  require(file_ != nullptr, ErrorKind::io, "cannot open {}: {}", path_.string(), std::strerror(errno));
  std::string event = event_begin(0);
  append_bytes(event, 3, "brain.Event:2");
  record(event);
  flush();
}

TensorBoardWriter::~TensorBoardWriter() {
  if (file_) std::fclose(file_);
}

// Summary { repeated Value value = 1 }, Value { 1 string tag, 2 float simple_value }
void TensorBoardWriter::scalar(std::string_view tag, int64_t step, double value) {
  std::string point;
  append_bytes(point, 1, tag);
  append_key(point, 2, kFixed32);
  append_little_endian(point, std::bit_cast<uint32_t>(static_cast<float>(value)));
  std::string summary;
  append_bytes(summary, 1, point);
  std::string event = event_begin(step);
  append_bytes(event, 5, summary);
  record(event);
  if (std::chrono::steady_clock::now() - flushed_ > std::chrono::seconds(2)) flush();
}

// u64 length | u32 masked CRC of the length | data | u32 masked CRC of the data
void TensorBoardWriter::record(const std::string& event) {
  std::string framed;
  append_little_endian(framed, static_cast<uint64_t>(event.size()));
  append_little_endian(framed, masked_crc32c(framed));
  framed += event;
  append_little_endian(framed, masked_crc32c(event));
  require(std::fwrite(framed.data(), 1, framed.size(), file_) == framed.size(), ErrorKind::io, "cannot write {}: {}",
          path_.string(), std::strerror(errno));
}

void TensorBoardWriter::flush() {
  require(std::fflush(file_) == 0, ErrorKind::io, "cannot write {}: {}", path_.string(), std::strerror(errno));
  flushed_ = std::chrono::steady_clock::now();
}

}  // namespace hone::report
