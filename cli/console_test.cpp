#include "cli/console.h"

#include "hone/base/json.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <stdexcept>

namespace hone::cli {
namespace {

const Console kPlain(0, Tone::plain), kColour(40, Tone::bold);

TEST(Console, PaintsOnlyWithColour) {
  EXPECT_EQ(kPlain.paint(Tone::bad, "x"), "x");
  EXPECT_EQ(kColour.paint(Tone::bad, "x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(kColour.paint(Tone::plain, "x"), "x");
}

TEST(Console, EnvironmentDecidesOnColourAndWidth) {
  std::FILE* file = std::tmpfile();
  ::setenv("CLICOLOR_FORCE", "1", 1);
  ::setenv("COLUMNS", "66", 1);
  EXPECT_TRUE(Console::of(file).colour());
  EXPECT_EQ(Console::of(file).columns(), 66);
  ::unsetenv("CLICOLOR_FORCE");
  ::setenv("COLUMNS", "wide", 1);
  EXPECT_FALSE(Console::of(file).colour());
  EXPECT_EQ(Console::of(file).columns(), 0);
  ::unsetenv("COLUMNS");
  std::fclose(file);
}

TEST(Console, MeasuresColumns) {
  EXPECT_EQ(width_of("abc"), 3);
  EXPECT_EQ(width_of("Δ→…"), 3);
  EXPECT_EQ(width_of("한글"), 4);
  EXPECT_EQ(width_of(kColour.paint(Tone::good, "ab")), 2);
  EXPECT_EQ(width_of("\xff\xfe"), 1);  // invalid bytes don't crash
}

TEST(Console, CutsToColumns) {
  EXPECT_EQ(cut("abcdef", 6), "abcdef");
  EXPECT_EQ(cut("abcdef", 4), "abc…");
  EXPECT_EQ(cut("\x1b[31mabcdef\x1b[0m", 4), "\x1b[31mabc…\x1b[0m");
}

TEST(Console, WrapsAtSpaces) {
  EXPECT_EQ(wrap("aa bb cc", 5, 0), "aa bb\ncc");
  EXPECT_EQ(wrap("aa bb cc", 7, 2), "  aa bb\n  cc");
  EXPECT_EQ(wrap("aa bb cc", 0, 1), " aa bb cc");
}

TEST(Console, TablesAlign) {
  Table table({"a", "bb"});
  table.row({"Δx", "1"});
  table.row({"long", "2"});
  EXPECT_EQ(table.text(kPlain), "a     bb\nΔx    1\nlong  2\n");
}

TEST(Console, NumbersForPeople) {
  EXPECT_EQ(size_text(999), "999 B");
  EXPECT_EQ(size_text(1500), "1.5 kB");
  EXPECT_EQ(size_text(412'000'000), "412 MB");
  EXPECT_EQ(size_text(999'600), "1.0 MB");
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(1234567), "1,234,567");
  EXPECT_EQ(count_text(-1234), "-1,234");
}

TEST(Console, ErrorsSayWhatToDo) {
  const Error error(ErrorKind::data, "a.jsonl:3: no prompt", "add one");
  EXPECT_EQ(error_text(error, kPlain, ErrorForm::text), "error: a.jsonl:3: no prompt\nfix:   add one\n(exit code 3)\n");
  const Json json = base::parse_json(error_text(error, kPlain, ErrorForm::json), "test");
  EXPECT_EQ(json["error"]["kind"], "data");
  EXPECT_EQ(json["error"]["exit_code"], 3);
  EXPECT_EQ(json["error"]["fix"], "add one");
}

TEST(Console, ForeignExceptionsBecomeInternalErrors) {
  const Error error = internal_error(std::runtime_error("first\nstack frame"));
  EXPECT_EQ(error.kind(), ErrorKind::internal);
  EXPECT_STREQ(error.what(), "first");
  EXPECT_STREQ(internal_error(std::bad_alloc()).what(), "out of memory");
}

}  // namespace
}  // namespace hone::cli
