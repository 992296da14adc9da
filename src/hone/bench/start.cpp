#include "hone/base/error.h"
#include "hone/bench/bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace hone::bench {
namespace {

namespace fs = std::filesystem;

// posix_spawn's list of what to do in the child, freed.
class SpawnActions {
 public:
  SpawnActions() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// Milliseconds from exec to exit. A program that exits with another code than `expected` was not measured.
double run_ms(const fs::path& program, const std::vector<std::string>& words, int expected) {
  std::vector<std::string> all = {program.string()};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  const SpawnActions actions;
  const auto start = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, program.c_str(), actions.get(), nullptr, argv.data(), environ);
  require(failed == 0, ErrorKind::io, "cannot start {}: {}", program.string(), std::strerror(failed));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    require(errno == EINTR, ErrorKind::io, "cannot wait for {}: {}", program.string(), std::strerror(errno));
  }
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  require(WIFEXITED(status) && WEXITSTATUS(status) == expected, ErrorKind::io, "{} {} did not exit with code {}",
          program.string(), words.empty() ? "" : words[0], expected);
  return ms;
}

Json start_row(const std::string& name, const Plan& plan, const std::function<double()>& run) {
  run();  // the files come from the disk
  std::vector<double> samples;
  for (int64_t i = 0; i < plan.pace.repeats; ++i) samples.push_back(run());
  Json row = with_samples({{"name", name}, {"bench", "start"}, {"unit", "ms"}}, samples);
  row["best"] = *std::min_element(samples.begin(), samples.end());
  return row;
}

}  // namespace

Json start_rows(const Plan& plan) {
  const fs::path hone = plan.programs / "hone", engine = plan.programs / "hone-engine";
  Json rows = Json::array();
  rows.push_back(start_row("hone --help", plan, [&] { return run_ms(hone, {"--help"}, 0); }));
  rows.push_back(start_row("hone ls", plan, [&] { return run_ms(hone, {"ls"}, 0); }));
  // Without words it loads libtorch and ends with a usage error.
  rows.push_back(
      start_row("hone-engine, loaded", plan, [&] { return run_ms(engine, {}, static_cast<int>(ErrorKind::usage)); }));
  return rows;
}

}  // namespace hone::bench
