// Files that are never seen half-written: everything hone writes goes to a temporary name, is fsynced, renamed and
// its folder fsynced. Logs are append-only, one write(2) per line.
#pragma once

#include "hone/base/sha256.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace hone::base {

/// The whole regular file. Errors: io if it is missing, not a regular file (FIFO, folder), unreadable or larger than
/// `max_bytes`; the message names the path and the size.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 31);

/// Writes `bytes` to `path`: temporary file in the same folder → fsync → rename → fsync of the folder. On any error
/// (full disk included) the temporary file is removed, an existing file stays as it was, and an io error is thrown;
/// only if the last fsync fails the new file is already in place.
void write_file_atomic(const std::filesystem::path& path, std::string_view bytes);

/// Fills a new folder and publishes it in one rename:
///   write(tmp) fills `final.tmp-<pid>`; every regular file in it and the folder are fsynced; then rename to `final`
///   and fsync of the parent. `final` must not exist. On an exception the temporary folder is removed and nothing
///   appears under `final`.
void publish_folder(const std::filesystem::path& final,
                    const std::function<void(const std::filesystem::path& tmp)>& write);

/// Removes, everywhere below `folder` (links are not followed), what the two functions above left under a temporary
/// name when their process was killed; what a living process is still writing stays. For the one writer of a folder,
/// before it goes on. Returns how many it removed; what can't be removed stays, for it is only untidy.
int remove_leftovers(const std::filesystem::path& folder);

/// Creates `path` (and parents). Errors: io naming the path and the reason (read-only, not a folder, …).
void make_folders(const std::filesystem::path& path);

/// Bytes that this user may still write on the file system that holds `path`, or its nearest existing parent.
uint64_t free_bytes(const std::filesystem::path& path);

/// An append-only text log with one writer. One write(2) with O_APPEND per line, so that a kill leaves at most one torn
/// last line.
class LineLog {
 public:
  /// Opens (creates) `path`. `keep_bytes` < 0 keeps everything and ends a torn last line; otherwise the file is cut to
  /// that many bytes (io error if it is shorter: the log lost lines that a checkpoint counted on).
  explicit LineLog(const std::filesystem::path& path, int64_t keep_bytes = -1);
  ~LineLog();
  LineLog(LineLog&& other) noexcept;
  LineLog& operator=(LineLog&&) = delete;

  /// Appends `line` and a newline; `line` must not contain one. On an error (full disk) the part that was written is
  /// taken back, so that the log stays whole.
  void append(std::string_view line);
  /// Bytes written so far; after sync() they are on the disk.
  int64_t bytes() const { return bytes_; }
  void sync();

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  int64_t bytes_ = 0;
};

}  // namespace hone::base
