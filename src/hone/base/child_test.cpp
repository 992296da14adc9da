#include "hone/base/child.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

namespace hone::base {
namespace {

using Got = Child::Got;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// An entry that nobody has collected yet ("Z") runs no more.
bool is_running(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] != 'Z';
}

// Waits for a process that is being killed to be gone from the table.
bool goes_away(int pid) {
  for (int i = 0; i < 400 && is_running(pid); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return !is_running(pid);
}

TEST(Child, AnswersLineByLine) {
  Child child("while read line; do echo \"<$line>\"; done", {});
  for (const char* line : {"one", "two", ""}) {
    child.send(line);
    const auto heard = child.next(10);
    ASSERT_EQ(heard.got, Got::line);
    EXPECT_EQ(heard.line, "<" + std::string(line) + ">");
  }
  EXPECT_EQ(child.next(0).got, Got::silence);
}

// Far more than both pipes hold, each way: neither side waits for the other.
TEST(Child, ManyLinesBothWaysDoNotBlock) {
  Child child("cat", {});
  const std::string line(4000, 'x');
  for (int i = 0; i < 500; ++i) child.send(line);
  for (int i = 0; i < 500; ++i) {
    const auto heard = child.next(10);
    ASSERT_EQ(heard.got, Got::line) << i;
    ASSERT_EQ(heard.line, line);
  }
}

TEST(Child, SilenceEndsInTime) {
  Child child("sleep 100", {});
  child.send("anyone?");
  const double took = seconds_of([&] { EXPECT_EQ(child.next(0.2).got, Got::silence); });
  EXPECT_GE(took, 0.19);
}

TEST(Child, TheEndIsReportedWithItsReason) {
  Child three("echo early >&2; exit 3", {});
  EXPECT_EQ(three.next(10).got, Got::end);
  EXPECT_EQ(three.ended_how(), "exited with code 3");
  EXPECT_EQ(three.last_words(), "early");
  Child killed("kill -TERM $$", {});
  EXPECT_EQ(killed.next(10).got, Got::end);
  EXPECT_NE(killed.ended_how().find("signal 15"), std::string::npos);
  Child missing("/no/such/judge", {});
  EXPECT_EQ(missing.next(10).got, Got::end);
  EXPECT_EQ(missing.ended_how(), "exited with code 127");
  EXPECT_FALSE(missing.last_words().empty());
  Child deaf("exec 1>&-; sleep 100", {});
  EXPECT_EQ(deaf.next(10).got, Got::end);
  EXPECT_NE(deaf.ended_how().find("went on running"), std::string::npos);
}

// A reader that is gone must not end hone by SIGPIPE.
TEST(Child, WritingToOneThatIsGoneIsNoSignal) {
  Child child("exec 0<&-; sleep 0.1; echo still here", {});
  for (int i = 0; i < 100; ++i) child.send(std::string(4000, 'x'));
  const auto heard = child.next(10);
  EXPECT_EQ(heard.line, "still here");
  EXPECT_EQ(child.next(10).got, Got::end);
}

TEST(Child, LongLinesAndFloodsAreCutOff) {
  Child child("yes | tr -d '\\n'", {.line_bytes = 1000});
  EXPECT_EQ(child.next(10).got, Got::too_long);
  Child whole("printf '%2000s\\n' x", {.line_bytes = 1000});
  EXPECT_EQ(whole.next(10).got, Got::too_long);
}

TEST(Child, ATornLastLineIsNoLine) {
  Child child("printf 'whole\\ntorn'", {});
  EXPECT_EQ(child.next(10).line, "whole");
  EXPECT_EQ(child.next(10).got, Got::end);
}

// A shell that doubles a string outgrows 64 MB within some rounds; without a limit it would go on to gigabytes.
TEST(Child, MemoryIsLimited) {
  Child child("x=aaaaaaaaaaaaaaaa; i=0; while [ $i -lt 30 ]; do x=$x$x; i=$((i+1)); done; echo done",
              {.memory_bytes = int64_t{64} << 20});
  EXPECT_EQ(child.next(60).got, Got::end);
  EXPECT_NE(child.ended_how(), "exited with code 0");
}

TEST(Child, NothingIsLeftRunning) {
  int shell = 0, below = 0;
  {
    Child child("echo $$; sleep 1000 & echo $!; wait", {});
    shell = std::atoi(child.next(10).line.c_str());
    below = std::atoi(child.next(10).line.c_str());
    ASSERT_GT(shell, 1);
    ASSERT_GT(below, 1);
    EXPECT_TRUE(is_running(below));
  }
  EXPECT_TRUE(goes_away(shell));
  EXPECT_TRUE(goes_away(below));
}

TEST(Child, LastWordsAreShortAndOneLine) {
  Child child("i=0; while [ $i -lt 2000 ]; do echo noise $i >&2; i=$((i+1)); done; echo the end >&2", {});
  EXPECT_EQ(child.next(20).got, Got::end);
  child.ended_how();
  EXPECT_LE(child.last_words().size(), 500u);
  EXPECT_TRUE(child.last_words().ends_with("the end"));
  EXPECT_EQ(child.last_words().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace hone::base
