// Run folders: runs/<date>-<recipe>-<4 hex>, runs/latest, and one writer at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::base {

/// Creates a new folder `<root>/<YYYY-MM-DD>-<recipe>-<4 hex>` that did not exist before and points `<root>/latest`
/// (a relative symlink, replaced by rename) at it. Errors: io if root can't be created or written.
std::filesystem::path new_run_dir(const std::filesystem::path& root, std::string_view recipe);

/// Points `<root>/latest` at `run` (replaced by rename).
void point_latest(const std::filesystem::path& root, const std::filesystem::path& run);

/// A run named by the user: a path, a name under `root`, "latest", or an unambiguous prefix of a name under `root`.
/// Errors: usage with the nearest existing name.
std::filesystem::path find_run(const std::filesystem::path& root, std::string_view name);

/// Runs under `root`, newest first (a run is a folder that holds run.json).
std::vector<std::filesystem::path> list_runs(const std::filesystem::path& root);

/// Holds an exclusive flock on `<dir>/run.lock` for its lifetime; a lock left by a killed process is free again.
class RunLock {
 public:
  /// Errors: usage "another hone is writing to …" if it is held.
  explicit RunLock(const std::filesystem::path& dir);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace hone::base
