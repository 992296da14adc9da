// The compact words of a trace.
#include "hone/base/error.h"
#include "hone/tasks/search/scan.h"
#include "hone/tasks/search/trace.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>

namespace hone::tasks::search {
namespace {

constexpr std::array<std::string_view, 7> kKeywords = {"S", "X", "G", "M", "=T", "≠", "fail"};

using Words = std::span<const std::string_view>;

bool is_keyword(std::string_view word) {
  return std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
}

std::vector<std::string_view> split(std::string_view content) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::string_view> words;
  std::size_t at = content.find_first_not_of(kSpace);
  while (at < content.size()) {
    const std::size_t end = std::min(content.find_first_of(kSpace, at), content.size());
    words.push_back(content.substr(at, end - at));
    at = content.find_first_not_of(kSpace, end);
  }
  return words;
}

// 1 to kMostMembers numbers and nothing else.
bool read_numbers(Words words, Numbers& numbers) {
  if (words.empty() || words.size() > kMostMembers) return false;
  numbers.resize(words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!read_number(words[i], numbers[i])) return false;
  }
  return true;
}

// A node's id without the 0 of the root in front.
bool read_node(Words words, NodeId& id) {
  if (words.empty()) {
    id = {0};
    return true;
  }
  if (!read_numbers(words, id)) return false;
  id.insert(id.begin(), 0);
  return true;
}

// Reads events one after the other and remembers what they imply.
class Reader {
 public:
  // The event of `words`, whose first is a keyword. False: not of the grammar.
  bool read(Words words, Event& event) {
    const std::string_view keyword = words.front();
    const Words arguments = words.subspan(1);
    if (keyword == "S") return state(arguments, event);
    if (keyword == "X") return explore(arguments, event);
    if (keyword == "G") return generate(arguments, event);
    if (keyword == "M") return move(arguments, event);
    return arguments.empty() && leaf_or_end(keyword, event);
  }
  // What is said next does not follow from an operation.
  void forget() { explored_.reset(); }

 private:
  bool state(Words words, Event& event) {
    Numbers all;
    explored_.reset();
    if (words.size() < 2 || !read_numbers(words, all)) return false;
    event.kind = EventKind::state;
    event.target = all.front();
    event.numbers.assign(all.begin() + 1, all.end());
    event.operations = path_;
    if (!target_) target_ = event.target;
    return true;
  }

  bool explore(Words words, Event& event) {
    explored_.reset();
    Operation operation;
    const bool reads = words.size() >= 4 && read_number(words[0], operation.a) && words[1].size() == 1 &&
                       std::string_view("+-*/").find(words[1].front()) != std::string_view::npos &&
                       read_number(words[2], operation.b) && read_numbers(words.subspan(3), event.numbers);
    if (!reads) return false;
    event.kind = EventKind::explore;
    operation.op = words[1].front();
    operation.result = event.numbers.back();
    event.operations = {operation};
    explored_ = event;
    return true;
  }

  bool generate(Words words, Event& event) {
    if (!explored_ || !read_node(words, event.node)) return false;
    const bool counted = words.empty();
    event.kind = counted ? EventKind::advance : EventKind::generate;
    if (counted) event.node = {++counter_};
    event.target = counted ? 0 : target_.value_or(0);
    event.numbers = explored_->numbers;
    event.operations = explored_->operations;
    std::vector<Operation> path = path_;
    if (path.size() < kDeepest) path.push_back(explored_->operations.front());
    if (counted) path_ = path;
    paths_.emplace(event.node, std::move(path));  // a node that is there already stays what it was
    explored_.reset();
    return true;
  }

  bool move(Words words, Event& event) {
    explored_.reset();
    if (!read_node(words, event.node)) return false;
    event.kind = EventKind::move;
    const auto known = paths_.find(event.node);
    path_ = known == paths_.end() ? std::vector<Operation>{} : known->second;
    return true;
  }

  bool leaf_or_end(std::string_view keyword, Event& event) {
    if (keyword == "fail") {
      explored_.reset();
      event.kind = EventKind::give_up;
      return true;
    }
    if (!explored_) return false;
    event.kind = keyword == "=T" ? EventKind::goal : EventKind::dead_end;
    event.value = explored_->numbers.back();
    event.target = target_.value_or(0);
    explored_.reset();
    return true;
  }

  std::optional<int64_t> target_;
  int64_t counter_ = 1;  // of the last node of an optimal path; the root counts as 1
  std::map<NodeId, std::vector<Operation>> paths_;
  std::vector<Operation> path_;    // to the current node
  std::optional<Event> explored_;  // the event before, if it explored an operation
};

std::string joined(Words words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

void append(std::string& words, std::string_view word) {
  if (!words.empty()) words += ' ';
  words += word;
}

void append(std::string& words, const Numbers& numbers) {
  for (const int64_t number : numbers) append(words, std::to_string(number));
}

void append(std::string& words, const Event& event) {
  switch (event.kind) {
    case EventKind::state:
      append(words, "S");
      append(words, std::to_string(event.target));
      return append(words, event.numbers);
    case EventKind::explore:
      append(words, "X");
      if (!event.operations.empty()) {
        append(words, std::to_string(event.operations[0].a));
        append(words, std::string_view(&event.operations[0].op, 1));
        append(words, std::to_string(event.operations[0].b));
      }
      return append(words, event.numbers);
    case EventKind::generate:
    case EventKind::advance:
    case EventKind::move:
      append(words, event.kind == EventKind::move ? "M" : "G");
      return event.node.empty() ? void() : append(words, Numbers(event.node.begin() + 1, event.node.end()));
    case EventKind::goal:
      return append(words, "=T");
    case EventKind::dead_end:
      return append(words, "≠");
    case EventKind::give_up:
      return append(words, "fail");
    case EventKind::junk:
      return append(words, event.text);
  }
}

}  // namespace

std::string write_compact(const Trace& trace) {
  std::string words;
  for (const Event& event : trace) append(words, event);
  const Trace back = read_compact(words);
  for (std::size_t i = 0; i < trace.size(); ++i) {
    require(
        i < back.size() && back[i] == trace[i], ErrorKind::data,
        "line {} of the trace, \"{}\", can't be told from compact words: it is not of the grammar or contradicts the "
        "lines before it",
        i + 1, write_text({trace[i]}));
  }
  require(back.size() == trace.size(), ErrorKind::data, "a trace of {} lines reads as {} from its compact words",
          trace.size(), back.size());
  return words;
}

Trace read_compact(std::string_view content) {
  const std::vector<std::string_view> words = split(content);
  Trace trace;
  Reader reader;
  for (std::size_t begin = 0, end = 0; begin < words.size(); begin = end) {
    for (end = begin + 1; end < words.size() && !is_keyword(words[end]);) ++end;
    const Words group(words.data() + begin, end - begin);
    Event event;
    if (!is_keyword(group.front()) || !reader.read(group, event)) {
      reader.forget();
      event = {.kind = EventKind::junk, .text = joined(group)};
    }
    trace.push_back(std::move(event));
  }
  return trace;
}

std::string compact_prompt(const Numbers& numbers, int64_t target) {
  std::string words;
  append(words, Event{.kind = EventKind::state, .target = target, .numbers = numbers});
  return words;
}

std::vector<std::string> compact_keywords() { return {kKeywords.begin(), kKeywords.end()}; }

}  // namespace hone::tasks::search
