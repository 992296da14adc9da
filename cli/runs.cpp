#include "cli/runs.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/run_dir.h"

#include <sys/stat.h>

#include <fstream>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

// Whether somebody holds the run's lock, by the kernel's list: asking by locking could make a starting run fail.
bool is_locked(const fs::path& lock) {
  struct stat info {};
  if (::stat(lock.c_str(), &info) != 0) return false;
  const std::string inode = fmt::format(":{} ", info.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    if (line.find("FLOCK") != std::string::npos && line.find(inode) != std::string::npos) return true;
  }
  return false;
}

bool all_finished(const fs::path& dir, const Json& about) {
  std::error_code code;
  const auto seeds = about.find("seeds");
  if (seeds == about.end() || !seeds->is_array()) return fs::exists(dir / "summary.json", code);
  for (const Json& seed : *seeds) {
    if (!fs::exists(dir / fmt::format("seed-{}", base::dump(seed)) / "summary.json", code)) return false;
  }
  return true;
}

}  // namespace

const char* name_of(RunState state) {
  switch (state) {
    case RunState::running:
      return "running";
    case RunState::finished:
      return "finished";
    case RunState::stopped:
      break;
  }
  return "stopped";
}

RunInfo run_info(const fs::path& dir) {
  const std::string where = (dir / "run.json").string();
  const Json about = base::parse_json(base::read_file(where, 1 << 20), where);
  RunInfo run;
  run.dir = dir;
  run.name = fs::absolute(dir).lexically_normal().filename().string();
  run.recipe = base::get_string(about, "recipe", where);
  run.preset = base::get_string_or(about, "preset", "", where);
  run.started_at = base::get_string_or(about, "started_at", "", where);
  run.command = base::get_string_or(about, "command", "", where);
  if (const auto seeds = about.find("seeds"); seeds != about.end() && seeds->is_array()) {
    run.seeds = static_cast<int64_t>(seeds->size());
  }
  run.state = is_locked(dir / "run.lock") ? RunState::running
              : all_finished(dir, about)  ? RunState::finished
                                          : RunState::stopped;
  return run;
}

std::vector<RunInfo> known_runs(const fs::path& root, std::size_t most) {
  std::vector<RunInfo> runs;
  for (const fs::path& dir : base::list_runs(root)) {
    if (runs.size() == most) break;
    try {
      runs.push_back(run_info(dir));
    } catch (const Error&) {
      continue;  // one spoiled folder must not hide the others
    }
  }
  return runs;
}

Json to_json(const RunInfo& run) {
  return {
      {"name", run.name},   {"path", run.dir.string()},    {"recipe", run.recipe},         {"preset", run.preset},
      {"seeds", run.seeds}, {"state", name_of(run.state)}, {"started_at", run.started_at}, {"command", run.command}};
}

std::string shown_path(const fs::path& path) {
  std::error_code code;
  const fs::path relative = fs::proximate(path, code);
  return code || relative.empty() || relative.string().starts_with("..") ? path.string() : relative.string();
}

void refuse_existing(const fs::path& out) {
  std::error_code code;
  if (!fs::exists(fs::symlink_status(out, code))) return;
  throw Error(ErrorKind::usage, fmt::format("{} exists already; nothing was written", out.string()),
              "name another place with --out, or remove that one");
}

}  // namespace hone::cli
