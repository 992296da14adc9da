#include "hone/checkpoint/io.h"

#include "hone/checkpoint/test_files.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

namespace hone::checkpoint {
namespace {

TEST(Io, NumbersAreGroupedByThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(7077888), "7,077,888");
  EXPECT_EQ(grouped(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(Io, NamesAreShownWithoutControlCharactersAndCut) {
  EXPECT_EQ(quote_name("h.0.w"), "\"h.0.w\"");
  EXPECT_EQ(quote_name("a\x1b[2J\n"), "\"a\\u001b[2J\\n\"");
  EXPECT_EQ(quote_name(std::string_view("a\0b", 3)), "\"a\\u0000b\"");
  EXPECT_LT(quote_name(std::string(1 << 20, 'x')).size(), 200u);
  EXPECT_NO_THROW(quote_name("\xff\xfe"));
}

TEST(Io, PlainNamesStayInTheirFolder) {
  for (const char* name : {"model.safetensors", "...", "a b", "\\", "-"}) EXPECT_TRUE(is_plain_name(name)) << name;
  for (const char* name : {"", ".", "..", "/", "a/b", "../a", "/etc/passwd", "a/"}) {
    EXPECT_FALSE(is_plain_name(name)) << name;
  }
  EXPECT_FALSE(is_plain_name(std::string_view("a\0b", 3)));
}

TEST(Io, SpaceIsAskedForWithAFifthToSpare) {
  const TempFolder folder;
  EXPECT_NO_THROW(require_space(folder.path(), 0));
  EXPECT_NO_THROW(require_space(folder / "not/yet/there", 1));
  for (const uint64_t bytes : {uint64_t{1} << 60, UINT64_MAX}) {
    expect_error(ErrorKind::io, {"bytes free, the file system has"}, [&] { require_space(folder.path(), bytes); });
  }
}

TEST(InFile, RefusesWhatIsNotARegularFile) {
  const TempFolder folder;
  expect_error(ErrorKind::io, {"missing", "No such file"}, [&] { InFile(folder / "missing"); });
  expect_error(ErrorKind::io, {"not a regular file"}, [&] { InFile file(folder.path()); });
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  expect_error(ErrorKind::io, {"not a regular file"}, [&] { InFile(folder / "fifo"); });
  expect_error(ErrorKind::io, {"not a regular file"}, [&] { InFile("/dev/zero"); });
}

TEST(InFile, ReadsAnywhereAndNoticesThatTheFileShrank) {
  const TempFolder folder;
  write_bytes(folder / "f", "0123456789");
  InFile opened(folder / "f");
  const InFile file(std::move(opened));
  EXPECT_EQ(file.size(), 10u);
  std::string text(4, '\0');
  file.read(3, std::as_writable_bytes(std::span(text)));
  EXPECT_EQ(text, "3456");
  std::filesystem::resize_file(folder / "f", 5);
  expect_error(ErrorKind::io, {"ends at byte 5", "it held 10"},
               [&] { file.read(3, std::as_writable_bytes(std::span(text))); });
}

TEST(OutFile, IsRemovedUnlessClosed) {
  const TempFolder folder;
  { OutFile(folder / "f").add("half"); }
  EXPECT_FALSE(std::filesystem::exists(folder / "f"));
  base::Sha256 hash;
  OutFile file(folder / "f", &hash);
  file.add("wh");
  file.add("ole");
  file.close();
  EXPECT_EQ(read_bytes(folder / "f"), "whole");
  EXPECT_EQ(hash.hex(), base::sha256_hex("whole"));
  expect_error(ErrorKind::io, {"none/f"}, [&] { OutFile(folder / "none/f"); });
}

TEST(OutFile, NeverTouchesWhatIsNotARegularFile) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  expect_error(ErrorKind::io, {"fifo"}, [&] { OutFile(folder / "fifo"); });
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "fifo"));
  write_bytes(folder / "target", "kept");
  std::filesystem::create_symlink(folder / "target", folder / "link");
  expect_error(ErrorKind::io, {"link"}, [&] { OutFile(folder / "link"); });
  EXPECT_EQ(read_bytes(folder / "target"), "kept");
}

TEST(OutFile, AFileSizeLimitIsAnIoErrorWithARemedy) {
  const TempFolder folder;
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{100, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::optional<Error> error;
  {
    OutFile file(folder / "f");
    error = error_of([&] { file.add(std::string(200, 'x')); });
  }
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::io);
  EXPECT_NE(error->remedy().find("ulimit -f"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "f"));
}

}  // namespace
}  // namespace hone::checkpoint
