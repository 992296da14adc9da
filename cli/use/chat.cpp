// hone chat: a conversation on a terminal, or with a script.
#include "cli/console.h"
#include "cli/interrupt.h"
#include "cli/use/chat_input.h"
#include "cli/use/engine.h"
#include "cli/use/studio.h"
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/data/dialogue.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>

namespace hone::cli {
namespace {

namespace fs = std::filesystem;

// Lines of standard input. A signal interrupts the wait.
class Lines {
 public:
  enum class Got { line, end, interrupted };

  Got next(std::string& line) {
    for (;;) {
      if (const auto newline = held_.find('\n'); newline != std::string::npos) {
        line = held_.substr(0, newline);
        held_.erase(0, newline + 1);
        return Got::line;
      }
      char block[1 << 14];
      const ssize_t got = ::read(STDIN_FILENO, block, sizeof block);
      if (got < 0 && errno == EINTR) return Got::interrupted;
      if (got <= 0) {
        line = std::exchange(held_, "");
        return line.empty() ? Got::end : Got::line;
      }
      held_.append(block, static_cast<std::size_t>(got));
    }
  }

 private:
  std::string held_;
};

class Chat {
 public:
  Chat(const Call& call, ChatPlan plan, std::atomic<bool>& interrupted)
      : plan_(std::move(plan)),
        interrupted_(interrupted),
        studio_(with_member(plan_.write, drawn_member(plan_.write, 0)), Form::automatic),  // one for the whole talk
        writer_(studio_.model.decoder, studio_.pool, studio_.model.tokenizer, plan_.write.weights),
        by_hand_(::isatty(STDIN_FILENO) == 1),
        quiet_(call.has("--quiet")) {
    // A vocabulary of words was trained on puzzles, not on turns.
    const text::Tokenizer& tokenizer = studio_.model.tokenizer;
    const bool knows_turns = tokenizer.find("<user>") && tokenizer.kind() != text::TokenizerKind::symbols;
    if (studio_.manner.form == Form::raw && knows_turns) use_own_turns();
    reset();
  }

  int run();

 private:
  void use_own_turns();
  void reset();
  bool take(const ChatEntry& entry);
  bool command(const ChatEntry& entry);
  void answer(const std::string& said);
  text::Ids context_with(const std::string& said) const;
  void save(const fs::path& file);
  void set_temperature(const std::string& text);
  void set_seed(const std::string& text);
  std::string greeting() const;

  ChatPlan plan_;
  std::atomic<bool>& interrupted_;
  Studio studio_;
  generate::Writer writer_;
  bool by_hand_, quiet_;
  std::vector<tasks::Message> messages_;
  uint64_t turn_ = 0;  ///< of the answer that comes next, since the seed was set or the chat begun
  int worst_ = 0;      ///< exit code of the last line of a script that went wrong
  fs::path saved_;     ///< the file that this chat has written
};

// Folders that hone made itself know turns without a template.
void Chat::use_own_turns() {
  studio_.manner = {Form::chat, "no chat template: hone's own <user> … <end> <assistant>"};
  studio_.stops = data::stop_ids(studio_.encoder);
}

void Chat::reset() {
  messages_.clear();
  turn_ = 0;
  if (!plan_.system.empty()) messages_.push_back({"system", plan_.system});
}

std::string Chat::greeting() const {
  const std::string manner = studio_.manner.form == Form::raw
                                 ? "no chat template: the model goes on with the text as it stands"
                                 : studio_.manner.words;
  return fmt::format("{} · context {} · {}\n/help for commands, Ctrl-D ends\n", manner, count_text(studio_.context()),
                     settings_text(plan_.write));
}

// The whole conversation with `said` at its end, as the model reads it.
text::Ids Chat::context_with(const std::string& said) const {
  tasks::Problem problem;
  problem.id = "the conversation";
  if (studio_.manner.form == Form::chat) {
    problem.messages = messages_;
    problem.messages.push_back({"user", said});
  } else {
    for (const tasks::Message& message : messages_) problem.prompt += message.content + "\n";
    problem.prompt += said;
  }
  return data::prompt_ids(problem, studio_.encoder);
}

void Chat::answer(const std::string& said) {
  const text::Ids context = context_with(said);
  const int64_t room = studio_.room_after(context, plan_.write.max_tokens);
  if (room < 1) {
    throw Error(ErrorKind::data,
                fmt::format("the conversation has {} tokens; the context of this model is {}", context.size(),
                            studio_.context()),
                "/save it, and /reset to begin again");
  }
  const Rng rng = Rng(plan_.write.seed).fork("answer", {turn_});
  const auto listener = [](const std::string& piece) {
    put("{}", shown(piece));
    finish_output();
  };
  const Spoken spoken =
      speak(studio_, writer_, {context, {studio_.stops, {}, room}, plan_.write.sampling, rng}, listener, interrupted_);
  put("\n");
  finish_output();
  ++turn_;
  messages_.push_back({"user", said});
  messages_.push_back({"assistant", spoken.text});
  if (spoken.finish == text::Finish::length) {
    say("{}\n", room < plan_.write.max_tokens ? "(the context is full: /reset begins again)"
                                              : fmt::format("(cut at --max-tokens {})", room));
  }
  if (spoken.finish == text::Finish::running) say("(stopped)\n");
}

void Chat::save(const fs::path& file) {
  std::error_code code;
  require(!messages_.empty(), ErrorKind::usage, "there is nothing to save yet");
  require(file == saved_ || !fs::exists(fs::symlink_status(file, code)), ErrorKind::usage,
          "{} exists already; name another file", file.string());
  base::write_file_atomic(file, base::dump(Json{{"messages", data::messages_json(messages_)}}) + "\n");
  saved_ = file;
  say("{} messages in {}\n", messages_.size(), file.string());
}

void Chat::set_temperature(const std::string& text) {
  double number = -1;
  const auto [end, parsed] = std::from_chars(text.data(), text.data() + text.size(), number);
  require(parsed == std::errc() && end == text.data() + text.size() && number >= 0 && number <= 100, ErrorKind::usage,
          "/temp: \"{}\" is not a number from 0 to 100", text);
  generate::Sampling& sampling = plan_.write.sampling;
  sampling.choice = number > 0 ? generate::Choice::sample : generate::Choice::greedy;
  if (number > 0) sampling.temperature = number;
  say("{}\n", settings_text(plan_.write));
}

void Chat::set_seed(const std::string& text) {
  uint64_t number = 0;
  const auto [end, parsed] = std::from_chars(text.data(), text.data() + text.size(), number);
  require(parsed == std::errc() && end == text.data() + text.size(), ErrorKind::usage,
          "/seed: \"{}\" is not a whole number from 0 on", text);
  plan_.write.seed = number;
  turn_ = 0;
  say("{}\n", settings_text(plan_.write));
}

// Whether the chat goes on.
bool Chat::command(const ChatEntry& entry) {
  const std::string name = find_chat_command(entry).name;
  if (name == "quit") return false;
  if (name == "help") say("{}", chat_help());
  if (name == "temp") set_temperature(entry.argument);
  if (name == "seed") set_seed(entry.argument);
  if (name == "save") save(entry.argument);
  if (name == "reset") reset();
  return true;
}

// What goes wrong in one line doesn't end a chat; a script learns of it in the exit code.
bool Chat::take(const ChatEntry& entry) {
  try {
    if (entry.kind == ChatEntry::Kind::command) return command(entry);
    if (entry.kind == ChatEntry::Kind::message) answer(entry.text);
  } catch (const Error& error) {
    worst_ = error.exit_code();
    say("{}{}\n", error.what(), error.remedy().empty() ? "" : fmt::format("\n{}", error.remedy()));
  }
  return true;
}

int Chat::run() {
  if (!quiet_) say("{}", greeting());
  const bool prompts = by_hand_ && ::isatty(STDOUT_FILENO) == 1;
  ChatInput input;
  Lines lines;
  std::string line;
  for (;;) {
    if (prompts) put("{}", input.is_open() ? "... " : ">>> ");
    finish_output();
    const Lines::Got got = lines.next(line);
    if (got == Lines::Got::interrupted) {
      interrupted_ = false;
      if (!by_hand_) return 130;
      input.drop();
      say("\nCtrl-D or /quit ends\n");
      continue;
    }
    if (got == Lines::Got::end) break;
    if (!take(input.push(line))) return by_hand_ ? 0 : worst_;
    if (interrupted_.exchange(false) && !by_hand_) return 130;
  }
  take(input.finish());
  if (prompts) put("\n");
  return by_hand_ ? 0 : worst_;
}

}  // namespace

int run_chat(const Call& call) {
  std::atomic<bool>& interrupted = note_interrupts();
  return Chat(call, chat_plan(call), interrupted).run();
}

}  // namespace hone::cli
