#include "hone/tasks/verifiers.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/base/text_match.h"
#include "hone/tasks/countdown.h"
#include "hone/tasks/game24_search.h"
#include "hone/tasks/jsonl.h"
#include "hone/tasks/number_answer.h"
#include "hone/tasks/regex_answer.h"
#include "hone/tasks/search/check.h"
#include "hone/text/utf8.h"

#include <array>

namespace hone::tasks {
namespace {

Verdict verify_exact(const Problem& problem, std::string_view completion) {
  if (text::trim(completion) == text::trim(problem.answer)) return {1, ""};
  return {0, "differs from the answer"};
}

// What the answer of a row lacks for a verifier; "" when nothing.
std::string any_answer(const std::string&) { return ""; }
std::string number_fault(const std::string& answer) {
  std::string reason;
  return answered_number(answer, reason) ? "" : reason;
}

struct Entry {
  const char* name;
  Verdict (*verify)(const Problem&, std::string_view);
  std::string (*answer_fault)(const std::string&);  ///< nullptr for Countdown, which has numbers and a target instead
};

constexpr std::array<Entry, 6> kVerifiers = {{
    {"exact", verify_exact, any_answer},
    {"number", verify_number, number_fault},
    {"regex", verify_regex, regex_error},
    {"countdown", verify_countdown, nullptr},
    {"game24", verify_game24, nullptr},
    {"search", search::verify_search, nullptr},
}};

const Entry& find_verifier(std::string_view name) {
  for (const Entry& entry : kVerifiers) {
    if (name == entry.name) return entry;
  }
  fail(ErrorKind::usage, "no verifier \"{}\"{}", name, base::suggestion(name, verifier_names()));
}

std::string read_answer(const Json& row, const std::string& place) {
  const Json* answer = find_field(row, "answer");
  require(answer != nullptr, ErrorKind::data, "{}: \"answer\" is missing", place);
  require(answer->is_string() || answer->is_number(), ErrorKind::data,
          "{}: \"answer\" is neither a string nor a number", place);
  std::string text = answer->is_string() ? answer->get<std::string>() : base::dump(*answer);
  require(!text::trim(text).empty(), ErrorKind::data, "{}: \"answer\" is empty", place);
  return text;
}

std::vector<int64_t> read_numbers(const Json& row, const std::string& place) {
  constexpr std::size_t kMost = 16;
  constexpr int64_t kLargest = 1'000'000'000;
  const char* field = find_field(row, "numbers") != nullptr ? "numbers" : "nums";
  const Json* list = find_field(row, field);
  require(list != nullptr && list->is_array(), ErrorKind::data, "{}: \"numbers\" (or \"nums\") is not a list", place);
  require(!list->empty() && list->size() <= kMost, ErrorKind::data, "{}: \"{}\" holds {} numbers; allowed: 1 to {}",
          place, field, list->size(), kMost);
  std::vector<int64_t> numbers;
  for (const Json& item : *list) {
    const Json entry = {{field, item}};  // borrows the range check of a member
    numbers.push_back(base::get_int(entry, field, 0, kLargest, place));
  }
  return numbers;
}

void read_question(const Json& row, const std::string& place, Problem& problem) {
  const Json* prompt = find_field(row, "prompt");
  const bool conversation = prompt == nullptr ? find_field(row, "messages") != nullptr : prompt->is_array();
  if (conversation) {
    problem.messages = read_messages(row, prompt != nullptr ? "prompt" : "messages", place);
    require(problem.messages.back().role != "assistant", ErrorKind::data,
            "{}: the conversation ends with the assistant; a problem ends with the user", place);
    return;
  }
  require(prompt != nullptr, ErrorKind::data, "{}: \"prompt\" (or \"messages\") is missing", place);
  problem.prompt = base::get_string(row, "prompt", place);
  require(!problem.prompt.empty(), ErrorKind::data, "{}: \"prompt\" is empty", place);
}

Problem read_problem(const Json& row, const std::string& place, const Entry& verifier) {
  Problem problem;
  problem.id = place;
  if (verifier.answer_fault == nullptr) {
    constexpr int64_t kLargest = 1'000'000'000'000;
    const bool game24 = verifier.verify == verify_game24;
    problem.numbers = read_numbers(row, place);
    const bool given = !game24 || find_field(row, "target") != nullptr;
    problem.target = given ? base::get_int(row, "target", -kLargest, kLargest, place) : 24;
    if (find_field(row, "prompt") == nullptr && find_field(row, "messages") == nullptr) {
      const bool search = verifier.verify == search::verify_search;
      problem.prompt = search ? search::compact_prompt(problem.numbers, problem.target)
                              : countdown_prompt(problem.numbers, problem.target) + (game24 ? " search" : "");
      return problem;
    }
  } else {
    problem.answer = read_answer(row, place);
    const std::string fault = verifier.answer_fault(problem.answer);
    require(fault.empty(), ErrorKind::data, "{}: \"answer\" does not suit the verifier {}: {}", place, verifier.name,
            fault);
  }
  read_question(row, place, problem);
  return problem;
}

}  // namespace

Verifier make_verifier(std::string_view name) { return find_verifier(name).verify; }

std::vector<std::string> verifier_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kVerifiers) names.emplace_back(entry.name);
  return names;
}

std::vector<Problem> parse_problems(std::string_view content, std::string_view name, std::string_view verifier) {
  const Entry& entry = find_verifier(verifier);
  std::vector<Problem> problems;
  for_each_row(content, name,
               [&](const Json& row, const std::string& place) { problems.push_back(read_problem(row, place, entry)); });
  return problems;
}

std::vector<Problem> read_problems(const std::filesystem::path& jsonl, std::string_view verifier) {
  return parse_problems(base::read_file(jsonl), jsonl.string(), verifier);
}

}  // namespace hone::tasks
