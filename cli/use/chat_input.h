// What a person types into `hone chat`: lines → messages and commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone::cli {

struct ChatEntry {
  enum class Kind {
    nothing,     ///< an empty line
    unfinished,  ///< more lines belong to it
    message,
    command  ///< "/seed 3": text "seed", argument "3"
  } kind = Kind::nothing;
  std::string text, argument;
};

/// Puts lines together. `"""` begins a message of several lines and ends it; a line that ends with a backslash goes on
/// with the next; a line that begins with / is a command.
class ChatInput {
 public:
  ChatEntry push(std::string_view line);
  /// What is left when the input ends.
  ChatEntry finish();
  /// Whether more lines belong to what has been typed.
  bool is_open() const { return quoted_ || !text_.empty(); }
  /// Forgets what has been typed.
  void drop();

 private:
  bool quoted_ = false;
  std::string text_;
};

/// A command of the chat, for /help and for the nearest name.
struct ChatCommand {
  const char* name;
  const char* argument;  ///< "N"; "" for none
  const char* help;
};
const std::vector<ChatCommand>& chat_commands();
/// Lines for /help.
std::string chat_help();
/// The command of an entry. Errors: usage with the nearest name; a missing or unexpected argument.
const ChatCommand& find_chat_command(const ChatEntry& entry);

}  // namespace hone::cli
