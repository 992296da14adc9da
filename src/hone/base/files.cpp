#include "hone/base/files.h"

#include "hone/base/error.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <exception>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace hone::base {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 1 << 20;

// Throws an io error "cannot <action> <path>: <reason>" with what to do about it.
[[noreturn]] void fail_io(const char* action, const fs::path& path, int code) {
  const std::string message =
      fmt::format("cannot {} {}: {}", action, path.string(), std::system_category().message(code));
  std::string remedy;
  if (code == ENOSPC || code == EDQUOT) {
    remedy = fmt::format("free some space on the file system of {}, or write to another one", path.string());
  } else if (code == EFBIG) {
    remedy = "raise the limit on the size of files (ulimit -f)";
  } else if (code == EACCES || code == EPERM || code == EROFS) {
    remedy = "check the permissions, or choose another folder";
  } else if (code == EMFILE || code == ENFILE) {
    remedy = "raise the limit on open files (ulimit -n)";
  }
  throw Error(ErrorKind::io, message, remedy);
}

// Repeats a system call for as long as a signal interrupts it.
template <class Call>
auto retried(Call&& call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

int open_or_fail(const char* action, const fs::path& path, int flags) {
  const int fd = retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); });
  if (fd < 0) fail_io(action, path, errno);
  return fd;
}

const char* kind_of_file(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// Opens without waiting (a FIFO would block until somebody writes) and refuses what is not a regular file.
int open_regular(const fs::path& path, uint64_t& size) {
  const int fd = open_or_fail("read", path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    fail(ErrorKind::io, "cannot read {}: it is {}, not a regular file", path.string(), kind_of_file(info.st_mode));
  }
  size = static_cast<uint64_t>(info.st_size);
  return fd;
}

std::size_t read_some(int fd, const fs::path& path, char* to, std::size_t bytes) {
  const ssize_t got = retried([&] { return ::read(fd, to, bytes); });
  if (got < 0) fail_io("read", path, errno);
  return static_cast<std::size_t>(got);
}

// Writes everything; returns 0 or the errno of the failure.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = retried([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (done < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return 0;
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

// Some file systems can't sync a folder and say so with EINVAL; there is nothing more to do then.
void sync_folder(int fd, const fs::path& path) {
  if (retried([&] { return ::fsync(fd); }) != 0 && errno != EINVAL && errno != ENOTSUP) fail_io("sync", path, errno);
}

void sync_path(const fs::path& path, int flags) {
  const Descriptor fd(open_or_fail("sync", path, flags | O_RDONLY | O_NOFOLLOW));
  if (flags & O_DIRECTORY) return sync_folder(fd.get(), path);
  if (retried([&] { return ::fsync(fd.get()); }) != 0) fail_io("sync", path, errno);
}

// Syncs all regular files below `folder`, then the folders from the deepest up.
void sync_tree(const fs::path& folder) {
  std::vector<fs::path> folders = {folder};
  std::error_code code;
  for (fs::recursive_directory_iterator it(folder, code), end; it != end && !code; it.increment(code)) {
    const fs::file_status status = it->symlink_status(code);
    if (code) break;
    if (fs::is_directory(status)) folders.push_back(it->path());
    if (fs::is_regular_file(status)) sync_path(it->path(), O_NONBLOCK);
  }
  if (code) fail_io("sync", folder, code.value());
  std::reverse(folders.begin(), folders.end());  // parents were met before their children
  for (const fs::path& each : folders) sync_path(each, O_DIRECTORY);
}

// A new file beside `path`. A name left by a killed process that had the same number is passed over.
int open_temporary(const fs::path& path, fs::path& temporary) {
  for (int attempt = 0;; ++attempt) {
    temporary = path;
    temporary += fmt::format(".tmp-{}-{}", ::getpid(), attempt);
    const int fd = retried([&] { return ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (fd >= 0) return fd;
    if (errno != EEXIST || attempt == 1000) fail_io("write", path, errno);
  }
}

// The process in "name.tmp-<pid>" or "name.tmp-<pid>-<attempt>"; 0 for every other name.
pid_t writer_of(std::string_view name) {
  constexpr std::string_view kMark = ".tmp-";
  const std::size_t at = name.rfind(kMark);
  if (at == std::string_view::npos) return 0;
  const char* const end = name.data() + name.size();
  pid_t pid = 0;
  auto read = std::from_chars(name.data() + at + kMark.size(), end, pid);
  if (read.ec != std::errc() || pid <= 0) return 0;
  unsigned attempt = 0;
  if (read.ptr != end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, attempt);
  return read.ec == std::errc() && read.ptr == end ? pid : 0;
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  uint64_t size = 0;
  const Descriptor fd(open_regular(path, size));
  require(size <= max_bytes, ErrorKind::io, "cannot read {}: it holds {} bytes, more than the allowed {}",
          path.string(), size, max_bytes);
  std::string bytes;
  // The size is a hint (files below /proc say 0, a log may be growing): reading ends at the end of the file.
  for (std::size_t used = 0;;) {
    if (used == bytes.size()) bytes.resize(used == 0 ? static_cast<std::size_t>(size) + 1 : used + kPieceBytes);
    const std::size_t got = read_some(fd.get(), path, bytes.data() + used, bytes.size() - used);
    used += got;
    require(used <= max_bytes, ErrorKind::io, "cannot read {}: it holds more than the allowed {} bytes", path.string(),
            max_bytes);
    if (got == 0) {
      bytes.resize(used);
      return bytes;
    }
  }
}

std::string sha256_hex_of_file(const fs::path& path) {
  uint64_t size = 0;
  const Descriptor fd(open_regular(path, size));
  Sha256 hash;
  std::vector<char> piece(kPieceBytes);
  while (const std::size_t got = read_some(fd.get(), path, piece.data(), piece.size())) {
    hash.add({piece.data(), got});
  }
  return hash.hex();
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  // Opened first: once the rename has happened nothing but the sync itself may fail.
  const Descriptor folder(open_or_fail("write into", folder_of(path), O_RDONLY | O_DIRECTORY));
  fs::path temporary;
  const int fd = open_temporary(path, temporary);
  int code = write_all(fd, bytes);
  if (code == 0 && retried([&] { return ::fsync(fd); }) != 0) code = errno;
  // Network file systems may report a failed write only here; the descriptor is gone either way, even after EINTR.
  if (::close(fd) != 0 && code == 0 && errno != EINTR) code = errno;
  if (code == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) code = errno;
  if (code != 0) {
    ::unlink(temporary.c_str());
    fail_io("write", path, code);
  }
  sync_folder(folder.get(), folder_of(path));
}

void publish_folder(const fs::path& final, const std::function<void(const fs::path& tmp)>& write) {
  const Descriptor parent(open_or_fail("write into", folder_of(final), O_RDONLY | O_DIRECTORY));
  std::error_code code;
  // rename(2) would replace an empty folder silently.
  const auto refuse_existing = [&] {
    if (fs::exists(fs::symlink_status(final, code))) fail_io("create", final, EEXIST);
  };
  refuse_existing();
  fs::path temporary = final;
  temporary += fmt::format(".tmp-{}", ::getpid());
  fs::remove_all(temporary, code);  // left by a killed process that had the same number
  if (::mkdir(temporary.c_str(), 0777) != 0) fail_io("create", temporary, errno);
  try {
    write(temporary);
    sync_tree(temporary);
    refuse_existing();
    if (::rename(temporary.c_str(), final.c_str()) != 0) fail_io("create", final, errno);
  } catch (...) {
    fs::remove_all(temporary, code);
    throw;
  }
  sync_folder(parent.get(), folder_of(final));
}

int remove_leftovers(const fs::path& folder) {
  std::vector<fs::path> left;
  std::error_code code;
  for (fs::recursive_directory_iterator it(folder, code), end; it != end && !code; it.increment(code)) {
    const pid_t writer = writer_of(it->path().filename().string());
    if (writer == 0 || ::kill(writer, 0) == 0 || errno != ESRCH) continue;
    left.push_back(it->path());
    it.disable_recursion_pending();
  }
  int removed = 0;
  for (const fs::path& each : left) removed += fs::remove_all(each, code) > 0 && !code ? 1 : 0;
  return removed;
}

void make_folders(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) fail_io("create the folder", path, code.value());
}

uint64_t free_bytes(const fs::path& path) {
  std::error_code code;
  fs::path existing = fs::absolute(path, code);
  while (!fs::exists(existing, code) && existing.has_relative_path()) existing = existing.parent_path();
  struct statvfs info {};
  if (retried([&] { return ::statvfs(existing.c_str(), &info); }) != 0) {
    fail_io("ask for the free space of", path, errno);
  }
  return uint64_t{info.f_bavail} * uint64_t{info.f_frsize};
}

LineLog::LineLog(const fs::path& path, int64_t keep_bytes) : path_(path) {
  // Without O_NONBLOCK a FIFO would block until somebody reads.
  const Descriptor opening(open_or_fail("open the log", path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (::fstat(opening.get(), &info) != 0) fail_io("open the log", path, errno);
  require(S_ISREG(info.st_mode) || S_ISCHR(info.st_mode), ErrorKind::io, "cannot open the log {}: it is {}",
          path.string(), kind_of_file(info.st_mode));
  bytes_ = info.st_size;
  if (keep_bytes >= 0) {
    require(bytes_ >= keep_bytes, ErrorKind::io, "the log {} holds {} bytes, but {} were counted on", path.string(),
            bytes_, keep_bytes);
    if (bytes_ > keep_bytes && retried([&] { return ::ftruncate(opening.get(), keep_bytes); }) != 0) {
      fail_io("cut the log", path, errno);
    }
    bytes_ = keep_bytes;
  }
  fd_ = retried([&] { return ::fcntl(opening.get(), F_DUPFD_CLOEXEC, 0); });
  if (fd_ < 0) fail_io("open the log", path, errno);
  // A torn last line is ended, so that it does not swallow the next one.
  char last = '\n';
  if (bytes_ > 0 && ::pread(fd_, &last, 1, bytes_ - 1) == 1 && last != '\n') append("");
}

LineLog::~LineLog() {
  if (fd_ >= 0) ::close(fd_);
}

LineLog::LineLog(LineLog&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), bytes_(other.bytes_) {}

void LineLog::append(std::string_view line) {
  require(line.find('\n') == std::string_view::npos, ErrorKind::internal, "a log line for {} holds a newline",
          path_.string());
  std::string text(line);
  text += '\n';
  if (const int code = write_all(fd_, text); code != 0) {
    // Takes back the part that was written; a device has nothing to take back.
    if (::ftruncate(fd_, bytes_) != 0) errno = 0;
    fail_io("write", path_, code);
  }
  bytes_ += static_cast<int64_t>(text.size());
}

void LineLog::sync() {
  if (retried([&] { return ::fsync(fd_); }) != 0 && errno != EINVAL) fail_io("sync", path_, errno);
}

}  // namespace hone::base
