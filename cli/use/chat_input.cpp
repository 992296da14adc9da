#include "cli/use/chat_input.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"
#include "hone/text/utf8.h"

#include <utility>

namespace hone::cli {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";

ChatEntry message(std::string text) {
  if (text::trim(text).empty()) return {};
  return {ChatEntry::Kind::message, std::move(text), ""};
}

ChatEntry command(std::string_view line) {
  const std::size_t space = line.find_first_of(" \t");
  const std::string_view argument = space == std::string_view::npos ? "" : text::trim(line.substr(space));
  return {ChatEntry::Kind::command, std::string(line.substr(1, space == std::string_view::npos ? space : space - 1)),
          std::string(argument)};
}

}  // namespace

ChatEntry ChatInput::push(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!quoted_ && text_.empty() && line.starts_with('/')) return command(line);
  if (!quoted_ && text_.empty() && line.starts_with(kQuotes)) {
    quoted_ = true;
    line.remove_prefix(kQuotes.size());
    if (line.empty()) return {ChatEntry::Kind::unfinished, "", ""};
  }
  if (quoted_) {
    const bool ends = line.ends_with(kQuotes);
    if (ends) line.remove_suffix(kQuotes.size());
    text_ += line;
    if (ends) return finish();
    text_ += '\n';
    return {ChatEntry::Kind::unfinished, "", ""};
  }
  if (line.ends_with('\\')) {
    text_ += line.substr(0, line.size() - 1);
    text_ += '\n';
    return {ChatEntry::Kind::unfinished, "", ""};
  }
  text_ += line;
  return finish();
}

ChatEntry ChatInput::finish() {
  quoted_ = false;
  std::string text = std::exchange(text_, "");
  while (text.ends_with('\n')) text.pop_back();
  return message(std::move(text));
}

void ChatInput::drop() {
  quoted_ = false;
  text_.clear();
}

const std::vector<ChatCommand>& chat_commands() {
  static const std::vector<ChatCommand> kCommands = {
      {"temp", "X", "temperature; 0 = the most likely token"},
      {"seed", "N", "seed of the answers that follow"},
      {"save", "FILE", "the conversation as a JSONL row, to train on"},
      {"reset", "", "forget the conversation"},
      {"help", "", "this text"},
      {"quit", "", "end (so does Ctrl-D)"},
  };
  return kCommands;
}

std::string chat_help() {
  std::string text;
  for (const ChatCommand& command : chat_commands())
    text += fmt::format("  {:<12} {}\n", fmt::format("/{} {}", command.name, command.argument), command.help);
  return text +
         "  \"\"\"          begins a message of several lines, and ends it\n"
         "  \\ at the end of a line: the message goes on with the next\n"
         "  Ctrl-C stops an answer\n";
}

const ChatCommand& find_chat_command(const ChatEntry& entry) {
  std::vector<std::string> names;
  for (const ChatCommand& command : chat_commands()) {
    names.push_back(std::string("/") + command.name);
    if (entry.text != command.name) continue;
    const bool wants = command.argument[0] != '\0';
    require(wants || entry.argument.empty(), ErrorKind::usage, "/{} takes no argument", command.name);
    require(!wants || !entry.argument.empty(), ErrorKind::usage, "/{} needs an argument: /{} {}", command.name,
            command.name, command.argument);
    return command;
  }
  fail(ErrorKind::usage, "no command /{}{}", entry.text, base::suggestion("/" + entry.text, names));
}

}  // namespace hone::cli
