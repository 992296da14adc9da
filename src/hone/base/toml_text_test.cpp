#include "hone/base/toml_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <utility>

namespace hone::base {
namespace {

std::string usage_error(std::string_view toml) {
  try {
    read_toml(toml, "f.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(ReadToml, FlattensInTheOrderOfTheText) {
  const auto nodes = read_toml("b = 1\na.c = true\n[z]\nx = \"s\"\n[d]\ny = 2.5\n", "f.toml");
  std::vector<std::string> paths;
  for (const TomlNode& node : nodes) paths.push_back(node.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"b", "a", "a.c", "z", "z.x", "d", "d.y"}));
  EXPECT_EQ(nodes[0].value, TomlScalar(int64_t{1}));
  EXPECT_TRUE(nodes[1].is_table());
  EXPECT_EQ(nodes[2].group, "a");
  EXPECT_EQ(nodes[2].name, "c");
  EXPECT_EQ(nodes[4].key_place.line, 4);
  EXPECT_EQ(nodes[4].value_place.begin, 25u);
  EXPECT_TRUE(read_toml("", "f.toml").empty());
}

TomlScalar value_of(const std::string& spelled) {
  const auto nodes = read_toml("k = " + spelled + "\n", "f.toml");
  EXPECT_EQ(nodes.size(), 1u);
  EXPECT_TRUE(nodes[0].value) << spelled;
  return nodes[0].value.value_or(false);
}

TEST(ReadToml, Integers) {
  const std::pair<const char*, int64_t> table[] = {
      {"0", 0}, {"+0", 0}, {"-17", -17}, {"+99", 99}, {"1_000", 1000}, {"0xDEAD_beef", 0xdeadbeef}, {"0o755", 0755},
      {"0b1101", 13}, {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN}};
  for (const auto& [text, value] : table) EXPECT_EQ(value_of(text), TomlScalar(value)) << text;
}

TEST(ReadToml, Floats) {
  const std::pair<const char*, double> table[] = {
      {"+1.0", 1.0}, {"-0.01", -0.01}, {"5e+22", 5e22}, {"1e06", 1e6}, {"-2E-2", -0.02}, {"6.626e-34", 6.626e-34},
      {"224_617.445_991", 224617.445991}, {"0e0", 0.0}, {"-inf", -INFINITY}, {"+inf", INFINITY}};
  for (const auto& [text, value] : table) EXPECT_EQ(value_of(text), TomlScalar(value)) << text;
  EXPECT_TRUE(std::isnan(std::get<double>(value_of("nan"))));
  EXPECT_TRUE(std::signbit(std::get<double>(value_of("-0.0"))));
}

TEST(ReadToml, Strings) {
  const std::pair<const char*, std::string> table[] = {
      {R"("a\b\t\n\f\r\"\\\u00e9\U0001F600")", "a\b\t\n\f\r\"\\\xc3\xa9\xf0\x9f\x98\x80"},
      {R"('a\b"')", R"(a\b")"},
      {"\"\"", ""},
      {"''", ""},
      {"\"\"\"\nline\r\n  two\"\"\"", "line\r\n  two"},
      {"\"\"\"a \\  \n\n   b\"\"\"", "a b"},
      {"'''it's \\ ''quoted'''''", "it's \\ ''quoted''"},
      {"\"\"\"\"\"\"", ""},
      {"\"\"\"a\\\"\"\"\"\"\"", "a\"\"\""},
      {"\"\"\"a\\\n \xc3\xa9\"\"\"", "a\xc3\xa9"}};
  for (const auto& [text, value] : table) EXPECT_EQ(value_of(text), TomlScalar(value)) << text;
}

TEST(ReadToml, ArraysAndDatesAreSkipped) {
  const auto nodes = read_toml(
      "a = [1, [ \"]\", 'x' ], # ]\n 2]\nb = 1979-05-27T07:32:00Z # c\nc = 1979-05-27 07:32:00\nd = 07:32:00\n"
      "[[e]]\nf = 1\n", "f.toml");
  std::vector<std::string> kinds;
  for (const TomlNode& node : nodes) kinds.push_back(node.kind);
  EXPECT_EQ(kinds, (std::vector<std::string>{"an array", "a date or time", "a date or time", "a date or time",
                                             "an array", ""}));
  EXPECT_EQ(nodes[1].key_place.line, 3);
}

TEST(ReadToml, TablesAndKeys) {
  const auto nodes = read_toml(
      "\xef\xbb\xbf\"quoted\" = 1\r\n'a b' . c = 2\n[ t . u ]\n[t]\nx={ y = 1, z.w = {} }\n1-2_3 = 4", "f.toml");
  std::vector<std::string> paths;
  for (const TomlNode& node : nodes) paths.push_back(node.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"quoted", "\"a b\"", "\"a b\".c", "t", "t.u", "t.x", "t.x.y", "t.x.z",
                                             "t.x.z.w", "t.1-2_3"}));
}

TEST(ReadToml, ErrorsPointAtTheirPlace) {
  const std::pair<std::string, std::string> table[] = {
      {"a = 1\n[ok]\n[.b]\nc = 2\n", "f.toml:3:2: expected a key (letters outside ASCII need quotes)\n"
                                     "    3 | [.b]\n"
                                     "      |  ^"},
      {"[=]", "f.toml:1:2: expected a key"},
      {"[a", "f.toml:1:3: expected ]"},
      {"[[a]", "f.toml:1:5: expected ]"},
      {"= 1", "f.toml:1:1: expected a key"},
      {"cl\xc3\xa9 = 1", "f.toml:1:3: expected = after the key"},
      {"\xef\xb9\xbf = 1", "f.toml:1:1: expected a key"},
      {"a", "f.toml:1:2: expected = after the key"},
      {"a.", "f.toml:1:3: expected a key"},
      {"a =", "f.toml:1:4: expected "},
      {"a = # c", "f.toml:1:5: expected a value"},
      {"a = 1 2", "f.toml:1:7: expected the end of the line"},
      {"a = 1 b = 2", "f.toml:1:7: expected the end of the line"},
      {"a = {b = 1, }", "f.toml:1:13: expected a key"},
      {"a = {b = 1", "f.toml:1:11: expected , or } in the table"},
      {"a = {b = 1\n}", "f.toml:1:11: expected , or } in the table"},
      {"a = [1,\n2", "f.toml:2:2: the array is not closed"},
      {"\n a = 'x\n'", "f.toml:2:6: the string is not closed"},
      {"a = \"\"\"x\n\n", "f.toml:1:5: the string is not closed"},
      {"a = \"\xc3\xa9\\q\"", "f.toml:1:7: an unknown escape"},
      {"a = \"x\\", "f.toml:1:7: an unknown escape"},
      {"a = \"\\u12\"", "f.toml:1:6: a bad \\u escape"},
      {"a = \"\\ud800\"", "f.toml:1:6: a bad \\u escape"},
      {"a = \"\\U00110000\"", "f.toml:1:6: a bad \\u escape"},
      {"a = \"\\u-123\"", "f.toml:1:6: a bad \\u escape"},
      {"a = 1\na = 2", "f.toml:2:1: a is given twice, first in line 1"},
      {"[a]\n[a]", "f.toml:2:2: a is given twice, first in line 1"},
      {"a = 1\na.b = 2", "f.toml:2:1: a is given twice, first in line 1"},
      {"a.b = 1\na = 2", "f.toml:2:1: a is given twice, first in line 1"},
      {"a = {}\n[a]", "f.toml:2:2: a is given twice, first in line 1"},
      {"a.b = 1\na = {}", "f.toml:2:5: a is given twice"},
      {"'''a''' = 1", "f.toml:1:1: a key can't go over several lines"},
      {"a = 1\r", "f.toml:1:6: a control character"},
      {std::string("a = '\0'", 7), "f.toml:1:6: a control character"},
      {"a = 1\n# \xff", "f.toml:2:3: this is not valid UTF-8"}};
  for (const auto& [text, message] : table) {
    const std::string found = usage_error(text);
    EXPECT_TRUE(found.starts_with(message)) << found << "\ninstead of\n" << message;
  }
}

TEST(ReadToml, RefusesWhatIsNoScalar) {
  for (const char* bad : {"01", "1.", ".5", "1.e5", "1e", "+-1", "--1", "1__0", "_1", "1_", "1_e5", "0x", "0xg",
                          "+0x1", "0x-1", "1e400", "9223372036854775808", "True", "Inf", "in_f", "infinity", "nan(1)",
                          "abc", "1-2", "0b2", "0o8", "1f", "0x1p3"}) {
    const std::string found = usage_error(std::string("a = ") + bad);
    EXPECT_TRUE(found.starts_with("f.toml:1:5: expected true, false, a number")) << found;
  }
}

TEST(ReadToml, RefusesDepthAndFloods) {
  EXPECT_TRUE(usage_error(repeated("a.", 100000) + "a = 1").starts_with("f.toml:1:32: a key has more than 16 parts"));
  EXPECT_TRUE(usage_error("[" + repeated("a . ", 999) + "a]").starts_with("f.toml:1:64: a key has more than 16 parts"));
  EXPECT_TRUE(usage_error("a = " + repeated("{a=", 100000)).starts_with("f.toml:1:53: tables nested too deeply"));
  EXPECT_TRUE(usage_error("a = " + repeated("[", 100000)).starts_with("f.toml:1:100005: the array is not closed"));
  EXPECT_NO_THROW(read_toml("a = " + repeated("[", 100000) + repeated("]", 100000), "f"));
  EXPECT_TRUE(usage_error(std::string(129, 'a') + " = 1").starts_with("f.toml:1:1: a name over 128 bytes"));
  std::string many;
  for (int i = 0; i < 4097; ++i) many += fmt::format("k{} = 1\n", i);
  EXPECT_TRUE(usage_error(many).starts_with("f.toml:4097:1: more than 4096 keys"));
  EXPECT_TRUE(usage_error(std::string((1 << 20) + 1, '\n')).starts_with("f.toml: 1048577 bytes are more than"));
}

TEST(ReadToml, LongLinesAreShownInPart) {
  const std::string message = usage_error("a = \"" + std::string(5000, 'x') + "\" oops");
  EXPECT_LT(message.size(), 400u);
  const auto last = message.rfind('\n');
  const auto line = message.rfind('\n', last - 1);
  EXPECT_NE(message.substr(line, last - line).find("oops"), std::string::npos);
}

TEST(ReadToml, HostileTextsCannotReachTheTerminal) {
  const std::string message = usage_error("\x1b[2J = 1\t\"\x07\"");
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_EQ(message.find('\x07'), std::string::npos);
  EXPECT_EQ(printable("a\x1b\n\x7f é"), "a    é");
}

TEST(ReadToml, SurvivesTruncationAndChangedBytes) {
  const std::string text = "a = 1\n[b.\"c d\"]\ne = [1.5, '''x'''] # c\nf = {g = \"\\u00e9\", h = 2020-01-01}\n";
  for (std::size_t i = 0; i <= text.size(); ++i) {
    for (const int byte : {-1, 0, 1, 9, 10, 13, 34, 39, 46, 61, 91, 92, 93, 123, 125, 127, 128, 192, 255}) {
      std::string changed = text.substr(0, byte < 0 ? i : text.size());
      if (byte >= 0 && i < text.size()) changed[i] = static_cast<char>(byte);
      try {
        read_toml(changed, "f.toml");
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::usage);
      }
    }
  }
}

TEST(ReadTomlScalar, TakesExactlyOneScalar) {
  EXPECT_EQ(read_toml_scalar("3"), TomlScalar(int64_t{3}));
  EXPECT_EQ(read_toml_scalar("1e-4"), TomlScalar(1e-4));
  EXPECT_EQ(read_toml_scalar("false"), TomlScalar(false));
  EXPECT_EQ(read_toml_scalar("'é \"x\"'"), TomlScalar(std::string("é \"x\"")));
  for (const char* bad : {"", "abc", "3 4", "3 # c", "3\nw = 4", "[1]", "{}", "\"a", "2020-01-01", ".5", "1.", "01"}) {
    EXPECT_EQ(read_toml_scalar(bad), std::nullopt) << bad;
  }
}

TEST(TomlSpelling, ReadsBackTheSame) {
  EXPECT_EQ(toml_spelling(3.0), "3.0");
  EXPECT_EQ(toml_spelling(1e20), "1e+20");
  EXPECT_EQ(toml_spelling(0.1), "0.1");
  EXPECT_EQ(toml_spelling(int64_t{-3}), "-3");
  EXPECT_EQ(toml_spelling(true), "true");
  EXPECT_EQ(toml_spelling(std::string("a\"\\\n\x02")), R"("a\"\\\n\u0002")");
  for (int c = 0; c < 128; ++c) {
    const std::string text(3, static_cast<char>(c));
    EXPECT_EQ(read_toml_scalar(toml_spelling(text)), TomlScalar(text)) << c;
  }
}

}  // namespace
}  // namespace hone::base
