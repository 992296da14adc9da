// Writers that die: killed at random times, stopped at every byte by a file size limit, out of disk.
#include "hone/checkpoint/test_files.h"
#include "hone/checkpoint/train_state.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace hone::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr int kNotPermitted = 77;  // exit code of a child that could not set its stage

void save(const fs::path& root, int64_t sequence, std::size_t count = 2000) {
  const std::vector<float> values(count, static_cast<float>(sequence));
  save_state(root, sequence, "t", Json{{"step", sequence}},
             {{"model", {{"w", Dtype::f32, {static_cast<int64_t>(count)}, values.data()}}}});
}

// `work` in a child process.
class Child {
 public:
  explicit Child(const std::function<int()>& work) : pid_(::fork()) {
    if (pid_ != 0) return;
    int code = 99;
    try {
      code = work();
    } catch (...) {
      // Reported as 99: a child has no other way to fail a test.
    }
    ::_exit(code);
  }
  void kill_now() const { ::kill(pid_, SIGKILL); }
  pid_t pid() const { return pid_; }
  /// The exit code, or minus the signal that killed it.
  int wait() const {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

// All checkpoints are whole, and the latest is at least `least`.
void expect_sound(const fs::path& root, int64_t least) {
  const std::vector<Saved> states = list_states(root);
  int64_t latest = 0;
  for (const Saved& saved : states) {
    EXPECT_EQ(load_state(saved)["step"], saved.sequence);
    const SafetensorsFile file = open_state_tensors(saved, "model");
    std::vector<float> values(static_cast<std::size_t>(file.find("w")->elements()));
    file.read_floats(*file.find("w"), values);
    const auto wanted = static_cast<float>(saved.sequence);
    EXPECT_TRUE(std::all_of(values.begin(), values.end(), [&](float v) { return v == wanted; })) << saved.dir;
    latest = saved.sequence;
  }
  EXPECT_GE(latest, least);
  for (const auto& entry : fs::directory_iterator(root)) {
    EXPECT_EQ(entry.path().string().find(".bad"), std::string::npos)
        << "a kill made a bad checkpoint: " << entry.path();
  }
}

// Saves 1, 2, 3, … after the newest that is there, keeping two; writes one byte to `acknowledge` after each.
int save_for_ever(const fs::path& root, int acknowledge) {
  std::vector<Saved> kept = list_states(root);
  for (int64_t sequence = kept.empty() ? 1 : kept.back().sequence + 1;; ++sequence) {
    save(root, sequence);
    if (::write(acknowledge, "x", 1) != 1) return 1;
    kept = list_states(root, Verify::sizes);
    for (std::size_t i = 0; i + 2 < kept.size(); ++i) remove_state(kept[i]);
  }
}

TEST(TrainStateCrash, KilledAtRandomTimesTheLatestAlwaysVerifies) {
  const TempFolder folder;
  fs::create_directory(folder / "ckpt");
  const fs::path root = folder / "ckpt";
  int64_t acknowledged = 0;
  uint32_t random = 1;
  for (int round = 0; round < 50; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const Child child([&] { return save_for_ever(root, pipe[1]); });
    ::close(pipe[1]);
    random = random * 1664525u + 1013904223u;
    ::usleep(random >> 16);  // up to 65 ms: from before the first write to after several checkpoints
    child.kill_now();
    EXPECT_EQ(child.wait(), -SIGKILL);
    char bytes[4096];
    for (ssize_t got; (got = ::read(pipe[0], bytes, sizeof bytes)) > 0;) acknowledged += got;
    ::close(pipe[0]);
    expect_sound(root, acknowledged);
  }
  EXPECT_GT(acknowledged, 0);
  save(root, 1'000'000'000);  // clears what the killed ones left
  for (const auto& entry : fs::directory_iterator(root)) {
    EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << entry.path();
  }
}

// Lets a child run to its `count`-th entry to or exit from the kernel and kills it there. True if it ended before, with
// its exit code in `code`.
bool kill_at_stop(int count, const std::function<int()>& work, int& code) {
  const Child child([&] {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) return kNotPermitted;
    ::raise(SIGSTOP);
    return work();
  });
  int status = 0;
  ::waitpid(child.pid(), &status, 0);
  for (int stop = 0; stop < count && WIFSTOPPED(status); ++stop) {
    ::ptrace(PTRACE_SYSCALL, child.pid(), nullptr, nullptr);
    ::waitpid(child.pid(), &status, 0);
  }
  if (!WIFSTOPPED(status)) {
    code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return true;
  }
  child.kill_now();
  child.wait();
  return false;
}

TEST(TrainStateCrash, KilledBeforeAndAfterEverySystemCall) {
  const TempFolder folder;
  save(folder.path(), 1, 20);
  int code = 0, stops = 0, commits = 0;
  const auto work = [&] {
    save(folder.path(), 2, 20);
    return 0;
  };
  for (; !kill_at_stop(stops, work, code); ++stops) {
    ASSERT_LT(stops, 5000);
    expect_sound(folder.path(), 1);
    const std::vector<Saved> states = list_states(folder.path());
    if (states.size() == 1) continue;
    ++commits;  // it died after the commit; the next child finds the same folder as the first
    remove_state(states[1]);
  }
  if (code == kNotPermitted) GTEST_SKIP() << "no permission to trace a child";
  EXPECT_EQ(code, 0);
  EXPECT_GT(commits, 10);
  EXPECT_GT(stops, commits + 50);
  expect_sound(folder.path(), 2);
}

TEST(TrainStateCrash, KilledInTheMiddleOfAWrite) {
  const TempFolder folder;
  save(folder.path(), 1, 20);
  bool done = false;
  for (rlim_t limit = 0; limit < 1000 && !done; limit += 13) {
    const Child child([&] {
      const rlimit small{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &small);  // SIGXFSZ, as by default, kills once a file has `limit` bytes
      save(folder.path(), 2, 20);
      return 0;
    });
    const int code = child.wait();
    done = code == 0;
    EXPECT_TRUE(done || code == -SIGXFSZ) << code;
    expect_sound(folder.path(), done ? 2 : 1);
  }
  EXPECT_TRUE(done);
}

TEST(TrainStateCrash, AFileSizeLimitIsAnIoErrorThatLeavesNothing) {
  const TempFolder folder;
  save(folder.path(), 1, 20);
  const auto count = [&] { return std::distance(fs::directory_iterator(folder.path()), {}); };
  for (const rlim_t limit : {0, 1, 20, 100, 150, 200, 250, 300}) {
    const Child child([&] {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit small{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &small);
      try {
        save(folder.path(), 2, 2000);
      } catch (const Error& error) {
        return error.kind() == ErrorKind::io && !error.remedy().empty() ? 0 : 1;
      }
      return 2;
    });
    EXPECT_EQ(child.wait(), 0) << limit;
    EXPECT_EQ(count(), 1) << limit;
    expect_sound(folder.path(), 1);
  }
}

bool write_text(const char* path, const std::string& text) { return static_cast<bool>(std::ofstream(path) << text); }

// Mounts a small disk of memory on `where`, in namespaces of this process; false if that is not permitted.
bool mount_small_disk(const fs::path& where, const char* options) {
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  if (::unshare(CLONE_NEWNS) != 0) {
    // Without privileges: as the administrator of a user namespace of one's own.
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    if (!write_text("/proc/self/setgroups", "deny")) return false;
    if (!write_text("/proc/self/uid_map", fmt::format("0 {} 1", user))) return false;
    if (!write_text("/proc/self/gid_map", fmt::format("0 {} 1", group))) return false;
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tmpfs", where.c_str(), "tmpfs", 0, options) == 0;
}

// Saves ever larger checkpoints on a small disk until it is full; 0 if that was an io error that left all earlier
// checkpoints whole and nothing else.
int fill_disk(const fs::path& root, const char* options) {
  if (!mount_small_disk(root, options)) return kNotPermitted;
  for (int64_t sequence = 1; sequence < 100; ++sequence) {
    try {
      save(root, sequence, static_cast<std::size_t>(1000 * sequence));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::io || error.remedy().empty()) return 2;
      const auto states = list_states(root);
      const bool clean = std::distance(fs::directory_iterator(root), {}) == sequence - 1;
      expect_sound(root, sequence - 1);
      return clean && sequence > 1 && std::ssize(states) == sequence - 1 && !testing::Test::HasFailure() ? 0 : 3;
    }
  }
  return 4;
}

TEST(TrainStateCrash, AFullDiskLeavesEarlierCheckpointsUntouched) {
  // Too few bytes: noticed before writing. Too few inodes: only noticed by the write itself.
  for (const char* options : {"size=256k", "size=64m,nr_inodes=9"}) {
    const TempFolder folder;
    const Child child([&] { return fill_disk(folder.path(), options); });
    const int code = child.wait();
    if (code == kNotPermitted) GTEST_SKIP() << "no permission to mount a small disk";
    EXPECT_EQ(code, 0) << options;
  }
}

}  // namespace
}  // namespace hone::checkpoint
