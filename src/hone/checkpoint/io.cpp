#include "hone/checkpoint/io.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/json.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace hone::checkpoint {
namespace {

// One system call moves at most 2^31 - 4096 bytes on Linux; pieces also bound how long a signal waits.
constexpr std::size_t kPieceBytes = std::size_t{1} << 30;

std::string_view remedy_for(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "free some space there, or write to another disk";
    case EFBIG:
      return "raise the limit on the size of files (ulimit -f)";
    case EACCES:
    case EPERM:
    case EROFS:
      return "check the permissions, or choose another folder";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n)";
    default:
      return "";
  }
}

// Only regular files: reading a FIFO or a terminal would wait, and a device must not be removed after a failed write.
// O_NONBLOCK lets the opening itself return at once; regular files ignore it.
int open_regular(std::string_view action, const std::filesystem::path& path, int flags, uint64_t& size) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
  if (fd < 0) fail_io(action, path, errno);
  struct stat info {};
  const int code = ::fstat(fd, &info) == 0 ? 0 : errno;
  if (code == 0 && S_ISREG(info.st_mode)) {
    size = static_cast<uint64_t>(info.st_size);
    return fd;
  }
  ::close(fd);
  if (code != 0) fail_io(action, path, code);
  fail(ErrorKind::io, "cannot {} {}: not a regular file", action, path.string());
}

}  // namespace

std::string grouped(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string quote_name(std::string_view name) {
  constexpr std::size_t kShown = 120;
  std::string text = base::dump(Json(std::string(name.substr(0, kShown))));
  return name.size() > kShown ? text + "…" : text;
}

std::string shape_text(std::span<const int64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

void require_space(const std::filesystem::path& where, uint64_t bytes) {
  const uint64_t free = base::free_bytes(where);
  // A fifth is kept for the file system's own bookkeeping and for whoever else writes meanwhile.
  if (bytes <= free && bytes / 5 <= free - bytes) return;
  throw Error(ErrorKind::io,
              fmt::format("{}: writing {} bytes needs {} bytes free, the file system has {}", where.string(),
                          grouped(bytes), grouped(bytes + bytes / 5), grouped(free)),
              "free some space there, keep fewer checkpoints, or write to another disk; nothing was written");
}

void fail_io(std::string_view action, const std::filesystem::path& path, int code) {
  throw Error(ErrorKind::io,
              fmt::format("cannot {} {}: {}", action, path.string(), std::system_category().message(code)),
              std::string(remedy_for(code)));
}

InFile::InFile(const std::filesystem::path& path) : path_(path), fd_(open_regular("read", path, O_RDONLY, size_)) {}

InFile::~InFile() {
  if (fd_ >= 0) ::close(fd_);
}

InFile::InFile(InFile&& other) noexcept
    : path_(std::move(other.path_)), size_(other.size_), fd_(std::exchange(other.fd_, -1)) {}

void InFile::read(uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_, out.data(), std::min(out.size(), kPieceBytes), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io("read", path_, errno);
    if (got == 0) {
      throw Error(ErrorKind::io,
                  fmt::format("{} ends at byte {}; it held {} when it was opened", path_.string(), grouped(offset),
                              grouped(size_)),
                  "another program is changing the file; try again when it has finished");
    }
    offset += static_cast<uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

OutFile::OutFile(const std::filesystem::path& path, base::Sha256* hash) : path_(path), hash_(hash) {
  uint64_t size = 0;
  fd_ = open_regular("write", path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, size);
}

OutFile::~OutFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(path_.c_str());
}

void OutFile::add(std::string_view bytes) {
  if (hash_ != nullptr) hash_->add(bytes);
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_, bytes.data(), std::min(bytes.size(), kPieceBytes));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail_io("write", path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
}

void OutFile::close() {
  // Network file systems may report a failed write only here. After EINTR the descriptor is gone all the same.
  const int code = ::close(std::exchange(fd_, -1)) == 0 || errno == EINTR ? 0 : errno;
  if (code == 0) return;
  ::unlink(path_.c_str());
  fail_io("write", path_, code);
}

}  // namespace hone::checkpoint
