#include "cli/use/chat_input.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

using Kind = ChatEntry::Kind;

// What the lines make: messages in [brackets], commands as name(argument), . for nothing, … for unfinished.
std::string read(const std::vector<std::string>& lines) {
  ChatInput input;
  std::string shown;
  const auto show = [&](const ChatEntry& entry) {
    switch (entry.kind) {
      case Kind::nothing:
        shown += ".";
        break;
      case Kind::unfinished:
        shown += "…";
        break;
      case Kind::message:
        shown += "[" + entry.text + "]";
        break;
      case Kind::command:
        shown += entry.text + "(" + entry.argument + ")";
        break;
    }
  };
  for (const std::string& line : lines) show(input.push(line));
  if (input.is_open()) show(input.finish());
  return shown;
}

TEST(ChatInput, LinesAreMessages) {
  EXPECT_EQ(read({"hello", "", "  ", " two words \r"}), "[hello]..[ two words ]");
  EXPECT_EQ(read({"1/2", "a \\\" b"}), "[1/2][a \\\" b]");
}

TEST(ChatInput, SeveralLines) {
  EXPECT_EQ(read({"\"\"\"", "a", "/seed 3", "", "b", "\"\"\"", "c"}), "……………[a\n/seed 3\n\nb][c]");
  EXPECT_EQ(read({"\"\"\"a\"\"\""}), "[a]");
  EXPECT_EQ(read({"\"\"\"a", "b\"\"\""}), "…[a\nb]");
  EXPECT_EQ(read({"a\\", "b"}), "…[a\nb]");
  EXPECT_EQ(read({"\"\"\"", "\"\"\""}), "….");
}

TEST(ChatInput, WhatIsLeftAtTheEndCounts) {
  EXPECT_EQ(read({"\"\"\"", "a"}), "……[a]");
  EXPECT_EQ(read({"a\\"}), "…[a]");
  ChatInput input;
  input.push("\"\"\"");
  EXPECT_TRUE(input.is_open());
  input.drop();
  EXPECT_FALSE(input.is_open());
  EXPECT_EQ(input.push("a").text, "a");
}

TEST(ChatInput, Commands) {
  EXPECT_EQ(read({"/seed 3", "/reset", "/save my file.jsonl ", "/"}), "seed(3)reset()save(my file.jsonl)()");
}

TEST(ChatInput, CommandsByName) {
  const auto error = [](const char* text, const char* argument) -> std::string {
    try {
      find_chat_command({Kind::command, text, argument});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error("temp", "0.5"), "");
  EXPECT_EQ(error("quit", ""), "");
  EXPECT_EQ(error("sede", "1"), "no command /sede; did you mean \"/seed\"?");
  EXPECT_EQ(error("seed", ""), "/seed needs an argument: /seed N");
  EXPECT_EQ(error("reset", "now"), "/reset takes no argument");
  EXPECT_NE(chat_help().find("/save FILE"), std::string::npos);
}

}  // namespace
}  // namespace hone::cli
