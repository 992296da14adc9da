#include "hone/base/run_dir.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/text_match.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

namespace hone::base {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_io(const char* action, const fs::path& path, int code) {
  const std::string reason = std::system_category().message(code);
  throw Error(ErrorKind::io, fmt::format("cannot {} {}: {}", action, path.string(), reason),
              code == ENOSPC || code == EDQUOT ? "free some space, or choose another folder for the runs"
                                               : "choose another folder for the runs");
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return fmt::format("{:04}-{:02}-{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}

std::string four_hex_digits() {
  const int fd = ::open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail_io("read", "/dev/urandom", errno);
  uint16_t value = 0;
  const ssize_t got = ::read(fd, &value, sizeof value);
  const int code = errno;
  ::close(fd);
  if (got != sizeof value) fail_io("read", "/dev/urandom", got < 0 ? code : EIO);
  return fmt::format("{:04x}", value);
}

bool is_run(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(path / "run.json", code);
}

// Where `<root>/latest` points; else the newest run (the link may be missing or dangling).
fs::path find_latest(const fs::path& root) {
  std::error_code code;
  const fs::path target = fs::read_symlink(root / "latest", code);
  if (!code) {
    const fs::path run = (root / target).lexically_normal();
    if (is_run(run)) return run;
    require(!fs::exists(run, code), ErrorKind::usage, "{} points to {}, which holds no run.json",
            (root / "latest").string(), run.string());
  }
  const std::vector<fs::path> runs = list_runs(root);
  if (runs.empty()) throw Error(ErrorKind::usage, fmt::format("no runs in {}", root.string()), "start one: hone run");
  return runs.front();
}

std::vector<std::string> names_of(const std::vector<fs::path>& runs) {
  std::vector<std::string> names;
  for (const fs::path& run : runs) names.push_back(run.filename().string());
  return names;
}

}  // namespace

fs::path new_run_dir(const fs::path& root, std::string_view recipe) {
  require(!recipe.empty() && recipe.find_first_of("/\\") == std::string_view::npos, ErrorKind::internal,
          "a run can't be named after the recipe \"{}\"", recipe);
  make_folders(root);
  for (int attempt = 0;; ++attempt) {
    const fs::path run = root / fmt::format("{}-{}-{}", today(), recipe, four_hex_digits());
    if (::mkdir(run.c_str(), 0777) == 0) {
      point_latest(root, run);
      return run;
    }
    // 65,536 names a day and recipe: a few collisions are chance, many mean that the day is nearly full.
    if (errno != EEXIST || attempt == 1000) fail_io("create", run, errno);
  }
}

void point_latest(const fs::path& root, const fs::path& run) {
  const fs::path link = root / "latest";
  const fs::path temporary = root / fmt::format(".latest-{}", ::getpid());
  std::error_code code;
  const fs::path target = fs::proximate(fs::absolute(run, code), fs::absolute(root, code), code);
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0) {
    // The file system has no symlinks: find_run("latest") falls back to the newest run.
    if (errno == EPERM || errno == ENOTSUP || errno == ENOSYS) return;
    fail_io("point", link, errno);
  }
  if (::rename(temporary.c_str(), link.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    fail_io("point", link, reason);
  }
}

fs::path find_run(const fs::path& root, std::string_view name) {
  require(!name.empty(), ErrorKind::usage, "the name of a run is empty");
  if (name == "latest") return find_latest(root);
  for (const fs::path& path : {root / name, fs::path(name)}) {
    if (is_run(path)) return path;
  }
  const std::vector<fs::path> runs = list_runs(root);
  std::vector<fs::path> matches;
  for (const fs::path& run : runs) {
    if (run.filename().string().starts_with(name)) matches.push_back(run);
  }
  if (matches.size() == 1) return matches.front();
  require(matches.empty(), ErrorKind::usage, "\"{}\" names {} runs: {}", name, matches.size(),
          fmt::join(names_of({matches.begin(), matches.begin() + std::min<std::ptrdiff_t>(matches.size(), 5)}), ", "));
  std::error_code code;
  require(!fs::is_directory(name, code), ErrorKind::usage, "{} is not a run: it holds no run.json", name);
  const std::vector<std::string> names = names_of(runs);
  fail(ErrorKind::usage, "no run \"{}\" in {}{}", name, root.string(), suggestion(name, names));
}

std::vector<fs::path> list_runs(const fs::path& root) {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code code;
  for (fs::directory_iterator it(root, code), end; !code && it != end; it.increment(code)) {
    if (it->is_symlink() || !is_run(it->path())) continue;
    std::error_code time_code;
    found.emplace_back(fs::last_write_time(it->path() / "run.json", time_code), it->path());
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  std::vector<fs::path> runs;
  for (auto& [time, path] : found) runs.push_back(std::move(path));
  return runs;
}

RunLock::RunLock(const fs::path& dir) {
  const fs::path path = dir / "run.lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (fd_ < 0) fail_io("lock", path, errno);
  int result;
  do {
    result = ::flock(fd_, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return;
  const int code = errno;
  ::close(fd_);
  if (code != EWOULDBLOCK) fail_io("lock", path, code);
  throw Error(ErrorKind::usage, fmt::format("another hone is writing to {}", dir.string()),
              "wait for it to end, or start a new run");
}

RunLock::~RunLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace hone::base
