#include "hone/base/files.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace hone::base {
namespace {

namespace fs = std::filesystem;

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "hone-files-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }

  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder)) found.insert(entry.path().filename().string());
    return found;
  }

  fs::path folder;
};

using Names = std::set<std::string>;

template <class Call>
std::string io_error(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

testing::AssertionResult says(const std::string& message, std::string_view part) {
  if (message.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << message << "\" lacks \"" << part << '"';
}

void write_plainly(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Runs `call` in a child that may write at most `bytes` to any file; true if the child returned true.
// (A limit stands in for a full disk: writes come back short and then fail.)
template <class Call>
bool with_file_size_limit(rlim_t bytes, Call&& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    const bool good = ::setrlimit(RLIMIT_FSIZE, &limit) == 0 && call();
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

template <class Call>
bool throws_io(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind() == ErrorKind::io && !error.remedy().empty();
  }
  return false;
}

TEST_F(FilesTest, WritesAndReadsBack) {
  const fs::path path = folder / "a";
  const std::string odd("\0\n\xff", 3), big(5 << 20, 'y');
  for (const std::string& bytes : {std::string(), std::string("x"), odd, big}) {
    write_file_atomic(path, bytes);
    EXPECT_EQ(read_file(path), bytes);
    EXPECT_EQ(names(), Names{"a"});
  }
}

TEST_F(FilesTest, WritesIntoTheWorkingFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(folder);
  write_file_atomic("plain", "x");
  publish_folder("published", [](const fs::path& tmp) { write_file_atomic(tmp / "f", "y"); });
  EXPECT_EQ(read_file("plain"), "x");
  EXPECT_EQ(read_file("published/f"), "y");
  EXPECT_GT(free_bytes("not/there"), 0u);
  fs::current_path(before);
}

TEST_F(FilesTest, ReadRefusesWhatIsNoRegularFile) {
  EXPECT_TRUE(says(io_error([&] { read_file(folder / "none"); }), "none: No such file"));
  EXPECT_TRUE(says(io_error([&] { read_file(folder); }), "it is a folder, not a regular file"));
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(says(io_error([&] { read_file(folder / "fifo"); }), "it is a FIFO"));
  EXPECT_TRUE(says(io_error([] { read_file("/dev/zero"); }), "it is a device"));
}

TEST_F(FilesTest, ReadRefusesMoreThanAllowed) {
  write_plainly(folder / "a", "12345");
  EXPECT_EQ(read_file(folder / "a", 5), "12345");
  const std::string message = io_error([&] { read_file(folder / "a", 4); });
  EXPECT_TRUE(says(message, (folder / "a").string()));
  EXPECT_TRUE(says(message, "holds 5 bytes, more than the allowed 4"));
  EXPECT_TRUE(says(io_error([] { read_file("/proc/self/status", 10); }), "more than the allowed 10"));
}

TEST_F(FilesTest, ReadsFilesThatSayTheyAreEmpty) { EXPECT_TRUE(says(read_file("/proc/self/status"), "VmRSS")); }

TEST_F(FilesTest, FailedWriteLeavesTheOldFileAndNoTemporary) {
  const fs::path path = folder / "a";
  write_file_atomic(path, "old");
  const std::string big(1 << 20, 'n');
  EXPECT_TRUE(with_file_size_limit(1000, [&] { return throws_io([&] { write_file_atomic(path, big); }); }));
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(names(), Names{"a"});
}

TEST_F(FilesTest, FailedWriteNamesPathAndReason) {
  EXPECT_TRUE(says(io_error([&] { write_file_atomic(folder / "no" / "a", "x"); }), "no: No such file"));
  fs::create_directory(folder / "sub");
  EXPECT_TRUE(says(io_error([&] { write_file_atomic(folder / "sub", "x"); }), (folder / "sub").string()));
  EXPECT_EQ(names(), Names{"sub"});
}

TEST_F(FilesTest, LeftoverTemporaryIsPassedOver) {
  write_plainly(folder / fmt::format("a.tmp-{}-0", ::getpid()), "half");
  write_file_atomic(folder / "a", "whole");
  EXPECT_EQ(read_file(folder / "a"), "whole");
}

TEST_F(FilesTest, ConcurrentWritersLeaveOneWholeFile) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&, i] {
      for (int k = 0; k < 20; ++k) write_file_atomic(folder / "a", std::string(10000, static_cast<char>('0' + i)));
    });
  }
  for (auto& writer : writers) writer.join();
  const std::string bytes = read_file(folder / "a");
  EXPECT_EQ(bytes, std::string(10000, bytes.at(0)));
  EXPECT_EQ(names(), Names{"a"});
}

TEST_F(FilesTest, PublishesAFolderWithSubfolders) {
  publish_folder(folder / "step-1", [&](const fs::path& tmp) {
    EXPECT_EQ(tmp, folder / fmt::format("step-1.tmp-{}", ::getpid()));
    EXPECT_FALSE(fs::exists(folder / "step-1"));
    fs::create_directories(tmp / "x" / "y");
    write_plainly(tmp / "x" / "y" / "f", "1");
    write_plainly(tmp / "g", "2");
  });
  EXPECT_EQ(read_file(folder / "step-1/x/y/f"), "1");
  EXPECT_EQ(read_file(folder / "step-1/g"), "2");
  EXPECT_EQ(names(), Names{"step-1"});
}

TEST_F(FilesTest, PublishLeavesNothingAfterAnException) {
  EXPECT_THROW(publish_folder(folder / "step-1",
                              [](const fs::path& tmp) {
                                write_plainly(tmp / "f", "1");
                                throw std::runtime_error("stop");
                              }),
               std::runtime_error);
  EXPECT_EQ(names(), Names{});
  const auto fill_disk = [&] {
    return throws_io([&] {
      publish_folder(folder / "step-1",
                     [](const fs::path& tmp) { write_file_atomic(tmp / "f", std::string(9000, 'x')); });
    });
  };
  EXPECT_TRUE(with_file_size_limit(1000, fill_disk));
  EXPECT_EQ(names(), Names{});
}

TEST_F(FilesTest, PublishNeverReplaces) {
  fs::create_directory(folder / "step-1");
  int calls = 0;
  const auto write = [&](const fs::path&) { ++calls; };
  EXPECT_TRUE(says(io_error([&] { publish_folder(folder / "step-1", write); }), "File exists"));
  EXPECT_EQ(calls, 0);
  // Even when it appears in the meantime.
  io_error([&] { publish_folder(folder / "b", [&](const fs::path&) { fs::create_directory(folder / "b"); }); });
  EXPECT_EQ(names(), (Names{"b", "step-1"}));
}

TEST_F(FilesTest, PublishClearsWhatAKilledNamesakeLeft) {
  const fs::path left = folder / fmt::format("step-1.tmp-{}", ::getpid());
  fs::create_directory(left);
  write_plainly(left / "half", "x");
  publish_folder(folder / "step-1", [](const fs::path& tmp) { write_plainly(tmp / "f", "1"); });
  EXPECT_FALSE(fs::exists(folder / "step-1/half"));
}

TEST_F(FilesTest, RemovesWhatTheKilledLeftAndNothingElse) {
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const auto named = [](const char* name, pid_t pid, const char* end) {
    return fmt::format("{}.tmp-{}{}", name, pid, end);
  };
  fs::create_directories(folder / "loop" / "x");
  fs::create_directory(folder / named("model", dead, ""));
  write_plainly(folder / named("model", dead, "") / "half", "x");
  write_plainly(folder / "loop" / "x" / named("1-samples.jsonl", dead, "-0"), "x");
  Names expected = {named("alive", ::getpid(), "-0"),
                    named("a", dead, "-"),
                    named("b", dead, "-0x"),
                    "c.tmp-",
                    "d.tmp-7-7-7",
                    "e.tmp--5",
                    "plain"};
  for (const std::string& name : expected) write_plainly(folder / name, "x");
  fs::create_directory_symlink(folder / "loop", folder / "link");
  EXPECT_EQ(remove_leftovers(folder), 2);
  EXPECT_TRUE(fs::is_empty(folder / "loop" / "x"));
  expected.insert({"link", "loop"});
  EXPECT_EQ(names(), expected);
  EXPECT_EQ(remove_leftovers(folder / "missing"), 0);
}

TEST_F(FilesTest, MakeFolders) {
  make_folders(folder / "a/b/c");
  make_folders(folder / "a/b/c");
  EXPECT_TRUE(fs::is_directory(folder / "a/b/c"));
  write_plainly(folder / "f", "");
  EXPECT_TRUE(says(io_error([&] { make_folders(folder / "f"); }), "Not a directory"));
  EXPECT_TRUE(says(io_error([&] { make_folders(folder / "f/g"); }), "Not a directory"));
}

TEST_F(FilesTest, FreeBytesLooksAtTheNearestParent) {
  EXPECT_GT(free_bytes(folder), 0u);
  EXPECT_GT(free_bytes(folder / "not/yet/there"), 0u);
}

TEST_F(FilesTest, LogAppendsLinesAndCounts) {
  const fs::path path = folder / "log";
  {
    LineLog log(path);
    log.append("one");
    log.append("");
    EXPECT_EQ(log.bytes(), 5);
    log.sync();
    LineLog moved(std::move(log));
    moved.append("two");
    EXPECT_EQ(moved.bytes(), 9);
    EXPECT_THROW(moved.append("a\nb"), Error);
  }
  LineLog log(path);
  EXPECT_EQ(log.bytes(), 9);
  log.append("three");
  EXPECT_EQ(read_file(path), "one\n\ntwo\nthree\n");
}

TEST_F(FilesTest, LogIsCutToWhatTheCheckpointCounted) {
  const fs::path path = folder / "log";
  write_plainly(path, "one\ntwo\nthr");
  {
    LineLog log(path, 4);
    EXPECT_EQ(log.bytes(), 4);
    log.append("2");
  }
  EXPECT_EQ(read_file(path), "one\n2\n");
  EXPECT_TRUE(says(io_error([&] { LineLog log(path, 7); }), "holds 6 bytes, but 7 were counted on"));
  EXPECT_EQ(read_file(path), "one\n2\n");
  { LineLog log(path, 0); }
  EXPECT_EQ(read_file(path), "");
}

TEST_F(FilesTest, LogEndsATornLastLine) {
  const fs::path path = folder / "log";
  write_plainly(path, "one\ntw");
  LineLog log(path);
  EXPECT_EQ(log.bytes(), 7);
  log.append("three");
  EXPECT_EQ(read_file(path), "one\ntw\nthree\n");
}

TEST_F(FilesTest, LogTakesBackALineThatDidNotFit) {
  const fs::path path = folder / "log";
  EXPECT_TRUE(with_file_size_limit(10, [&] {
    LineLog log(path);
    log.append("12345");
    return throws_io([&] { log.append("1234567890"); }) && log.bytes() == 6 && (log.append("abc"), true);
  }));
  EXPECT_EQ(read_file(path), "12345\nabc\n");
}

TEST_F(FilesTest, LogOnAFullDisk) {
  LineLog log("/dev/full");
  const std::string message = io_error([&] { log.append("x"); });
  EXPECT_EQ(message, "cannot write /dev/full: No space left on device");
  EXPECT_TRUE(throws_io([&] { log.append("x"); }));
  EXPECT_EQ(log.bytes(), 0);
}

TEST_F(FilesTest, LogRefusesFoldersAndPipes) {
  io_error([&] { LineLog log(folder); });
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(says(io_error([&] { LineLog log(folder / "fifo"); }), "it is a FIFO"));
}

// Signals that interrupt system calls must not lose a byte.
TEST_F(FilesTest, SurvivesInterruptions) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGALRM, &action, &before), 0);  // without SA_RESTART
  const itimerval often{{0, 200}, {0, 200}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &often, nullptr), 0);
  std::string bytes(8 << 20, 'z');
  bytes[12345] = 'a';
  write_file_atomic(folder / "a", bytes);
  const bool same = read_file(folder / "a") == bytes;
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  EXPECT_TRUE(same);
}

}  // namespace
}  // namespace hone::base
