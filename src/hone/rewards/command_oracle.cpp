// The oracle that is a program of the user's: lines out, lines in, and every way in which that can go wrong.
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/json.h"
#include "hone/rewards/oracle.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>

namespace hone::rewards {
namespace {

constexpr std::size_t kShown = 80;  // bytes of an answer that a message repeats

std::string shown(const std::string& line) {
  std::string text = line.substr(0, kShown);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text + (line.size() > kShown ? "…" : "");
}

// One conversation with the program: the questions of one call.
class Session {
 public:
  Session(base::Child& child, const CommandOptions& options, std::span<const Question> questions, int64_t first_id)
      : child_(child), options_(options), questions_(questions), first_id_(first_id) {}

  void run(const Answered& answered) {
    while (answers_ < questions_.size()) {
      while (sent_ < questions_.size() && waiting_.size() < static_cast<std::size_t>(options_.in_flight)) send_next();
      const auto heard = child_.next(options_.seconds);
      if (heard.got != base::Child::Got::line) refuse(heard.got);
      take(heard.line, answered);
    }
    // An answer too many that is there already belongs to this call; a later one is refused by the next.
    const auto extra = child_.next(0);
    if (extra.got == base::Child::Got::line) take(extra.line, answered);
  }

 private:
  void send_next() {
    Json line = {{"id", id_of(sent_)}};
    const Json question = question_json(questions_[sent_]);
    line.update(question);
    child_.send(base::dump(line));
    waiting_[id_of(sent_)] = sent_;
    ++sent_;
  }

  std::string id_of(std::size_t question) const { return std::to_string(first_id_ + static_cast<int64_t>(question)); }

  std::string where() const { return fmt::format("oracle command \"{}\"", options_.command); }

  std::string progress() const { return fmt::format("after {} of {} answers", answers_, questions_.size()); }

  [[noreturn]] void refuse(base::Child::Got got) {
    const std::string asked = waiting_.empty() ? "" : fmt::format(" (question {} is open)", waiting_.begin()->first);
    if (got == base::Child::Got::silence)
      throw Error(ErrorKind::data,
                  fmt::format("{}: no answer for {} s {}{}{}", where(), options_.seconds, progress(), asked, said()),
                  "raise the oracle's time limit, or mend the command; answers so far are kept");
    if (got == base::Child::Got::too_long)
      throw Error(
          ErrorKind::data,
          fmt::format("{}: said a line of more than {} bytes {}", where(), options_.limits.line_bytes, progress()),
          "write one short JSON object a line to standard output, and everything else to standard error");
    const std::string how = child_.ended_how();
    throw Error(
        ErrorKind::data, fmt::format("{}: {} {}{}{}", where(), how, progress(), asked, said()),
        "try it alone: echo '{\"id\":\"1\",\"prompt\":\"…\",\"candidates\":[\"a\",\"b\"]}' | the command; the memory "
        "limit may be too small; answers so far are kept");
  }

  std::string said() const {
    const std::string words = child_.last_words();
    return words.empty() ? "" : "; its last words: " + words;
  }

  void take(const std::string& line, const Answered& answered) {
    constexpr const char* kRemedy = "answer every line once, with its \"id\" and \"scores\" or \"wins\"";
    const auto bad = [&](const std::string& what) {
      throw Error(ErrorKind::data, fmt::format("{}: {} {}: {}", where(), what, progress(), shown(line)), kRemedy);
    };
    Json answer;
    try {
      answer = base::parse_json(line, "answer");
    } catch (const Error& error) {
      bad(error.what());
    }
    if (!answer.is_object() || !answer.contains("id")) bad("an answer without an \"id\"");
    // A judge that parses JSON may well give the number back as a number.
    const Json& given = answer.at("id");
    if (!given.is_string() && !given.is_number_integer()) bad("an \"id\" that is neither text nor a whole number");
    const std::string id = given.is_string() ? given.get<std::string>() : base::dump(given);
    const auto found = waiting_.find(id);
    if (found == waiting_.end())
      bad(fmt::format("an answer to question {}, which is not open (unknown, or answered before)", id));
    const std::size_t question = found->second;
    Judgement judgement;
    try {
      judgement = judgement_from_json(answer, questions_[question].candidates.size(), "question " + id);
    } catch (const Error& error) {
      throw Error(ErrorKind::data, fmt::format("{}: {}", where(), error.what()), kRemedy);
    }
    waiting_.erase(found);
    ++answers_;
    answered(question, judgement);
  }

  base::Child& child_;
  const CommandOptions& options_;
  std::span<const Question> questions_;
  int64_t first_id_;
  std::size_t sent_ = 0, answers_ = 0;
  std::map<std::string, std::size_t> waiting_;  ///< open questions by id
};

// The command line, and what is in the files that it names: another judge under the same name has another identity.
std::string identity_of(const std::string& command) {
  std::string text = "command " + command;
  std::istringstream words(command);
  for (std::string word; words >> word;) {
    std::error_code code;
    if (std::filesystem::is_regular_file(word, code)) text += "\n" + word + " " + base::sha256_hex_of_file(word);
  }
  return "command " + base::sha256_hex(text);
}

}  // namespace

Oracle command_oracle(const CommandOptions& options) {
  require(!options.command.empty(), ErrorKind::usage, "the oracle's command is empty");
  require(options.seconds > 0 && options.in_flight >= 1, ErrorKind::usage,
          "an oracle command needs a time limit above 0 and at least one question in flight");
  struct State {
    CommandOptions options;
    std::unique_ptr<base::Child> child;
    int64_t next_id = 1;
  };
  const auto state = std::make_shared<State>();
  state->options = options;
  const auto judge = [state](std::span<const Question> questions, const Answered& answered) {
    if (questions.empty()) return;
    if (!state->child) state->child = std::make_unique<base::Child>(state->options.command, state->options.limits);
    const int64_t first_id = state->next_id;
    state->next_id += static_cast<int64_t>(questions.size());
    try {
      Session(*state->child, state->options, questions, first_id).run(answered);
    } catch (...) {
      state->child.reset();  // what it says next could not be trusted to belong to a question
      throw;
    }
  };
  return {identity_of(options.command), judge};
}

}  // namespace hone::rewards
