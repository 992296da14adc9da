// A problem and the judge of its answers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::tasks {

/// One turn of a conversation.
struct Message {
  std::string role;  ///< "system", "user" or "assistant"
  std::string content;
};

/// Something to be solved. Which fields are filled depends on where it comes from.
struct Problem {
  std::string id;                 ///< stable name, e.g. "countdown:3,7,12->45" or "problems.jsonl:17"
  std::string prompt;             ///< what the model reads (for conversations: empty)
  std::vector<Message> messages;  ///< the conversation so far, when the source has one
  std::string answer;             ///< reference answer, for the exact, number and regex verifiers
  std::vector<int64_t> numbers;   ///< Countdown: the numbers to use, each once
  int64_t target = 0;             ///< Countdown: the number to reach
};

/// What a verifier found.
struct Verdict {
  double reward = 0;   ///< 1 right, 0 wrong
  std::string reason;  ///< one phrase, e.g. "uses 7 twice"; empty when right
};

/// Judges a completion. Total: never throws on any completion, never runs longer than its fuel allows.
using Verifier = std::function<Verdict(const Problem&, std::string_view completion)>;

}  // namespace hone::tasks
