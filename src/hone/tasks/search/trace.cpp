// The interchange text of a trace.
#include "hone/tasks/search/trace.h"

#include "hone/tasks/search/scan.h"
#include "hone/text/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hone::tasks::search {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";

std::string list_text(const Numbers& numbers) { return fmt::format("[{}]", fmt::join(numbers, ", ")); }

std::string operations_text(const std::vector<Operation>& operations) {
  std::string text;
  for (const Operation& operation : operations) {
    text += (text.empty() ? "'" : ", '") + to_text(operation) + "'";
  }
  return "[" + text + "]";
}

// The one operation of a line; a made-up one where the event has none.
std::string operation_text(const Event& event) {
  return event.operations.empty() ? to_text(Operation{}) : to_text(event.operations.front());
}

std::string line_of(const Event& event) {
  const std::string numbers = list_text(event.numbers);
  const std::string node = fmt::format("{}", fmt::join(event.node, ","));
  switch (event.kind) {
    case EventKind::state:
      return fmt::format("Current State: {}:{}, Operations: {}", event.target, numbers,
                         operations_text(event.operations));
    case EventKind::explore:
      return fmt::format("Exploring Operation: {}, Resulting Numbers: {}", operation_text(event), numbers);
    case EventKind::generate:
      return fmt::format("Generated Node #{}: {}:{} Operation: {}", node, event.target, numbers, operation_text(event));
    case EventKind::advance:
      return fmt::format("Generated Node #{}: {} from Operation: {}", node, numbers, operation_text(event));
    case EventKind::move:
      return "Moving to Node #" + node;
    case EventKind::goal:
      return fmt::format("{},{} equal: Goal Reached", event.value, event.target);
    case EventKind::dead_end:
      return fmt::format("{},{} unequal: No Solution", event.value, event.target);
    case EventKind::give_up:
      return "No solution found.";
    case EventKind::junk:
      break;
  }
  return event.text;
}

bool read_state(Scanner scan, Event& event) {
  if (!scan.skip("Current State: ") || !scan.number(event.target) || !scan.skip(":")) return false;
  if (!scan.list(event.numbers) || !scan.skip(", Operations: ")) return false;
  return scan.quoted_operations(event.operations) && scan.done();
}

bool read_explore(Scanner scan, Event& event) {
  event.operations.resize(1);
  return scan.skip("Exploring Operation: ") && scan.operation(event.operations[0]) &&
         scan.skip(", Resulting Numbers: ") && scan.list(event.numbers) && scan.done();
}

bool read_generate(Scanner scan, Event& event) {
  event.operations.resize(1);
  return scan.skip("Generated Node #") && scan.node(event.node) && scan.skip(": ") && scan.number(event.target) &&
         scan.skip(":") && scan.list(event.numbers) && scan.skip(" Operation: ") &&
         scan.operation(event.operations[0]) && scan.done();
}

bool read_advance(Scanner scan, Event& event) {
  event.operations.resize(1);
  return scan.skip("Generated Node #") && scan.node(event.node) && event.node.size() == 1 && scan.skip(": ") &&
         scan.list(event.numbers) && scan.skip(" from Operation: ") && scan.operation(event.operations[0]) &&
         scan.done();
}

bool read_move(Scanner scan, Event& event) {
  return scan.skip("Moving to Node #") && scan.node(event.node) && scan.done();
}

bool read_leaf(Scanner scan, Event& event, std::string_view verdict) {
  return scan.number(event.value) && scan.skip(",") && scan.number(event.target) && scan.skip(verdict) && scan.done();
}

bool read_goal(Scanner scan, Event& event) { return read_leaf(scan, event, " equal: Goal Reached"); }
bool read_dead_end(Scanner scan, Event& event) { return read_leaf(scan, event, " unequal: No Solution"); }
bool read_give_up(Scanner scan, Event&) { return scan.skip("No solution found.") && scan.done(); }

Event read_line(std::string_view line) {
  using Read = bool (*)(Scanner, Event&);
  static constexpr std::pair<EventKind, Read> kReaders[] = {
      {EventKind::state, read_state},       {EventKind::explore, read_explore}, {EventKind::generate, read_generate},
      {EventKind::advance, read_advance},   {EventKind::move, read_move},       {EventKind::goal, read_goal},
      {EventKind::dead_end, read_dead_end}, {EventKind::give_up, read_give_up}};
  for (const auto& [kind, read] : kReaders) {
    Event event{.kind = kind};
    if (read(Scanner(line), event)) return event;
  }
  return {.kind = EventKind::junk, .text = std::string(line)};
}

}  // namespace

std::string to_text(const Operation& operation) {
  return fmt::format("{}{}{}={}", operation.a, operation.op, operation.b, operation.result);
}

std::string write_text(const Trace& trace) {
  std::string text;
  for (const Event& event : trace) {
    if (&event != &trace.front()) text += '\n';
    text += line_of(event);
  }
  return text;
}

Trace read_text(std::string_view text) {
  Trace trace;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    while (line.starts_with(kEndOfText)) line = text::trim(line.substr(kEndOfText.size()));
    while (line.ends_with(kEndOfText)) line = text::trim(line.substr(0, line.size() - kEndOfText.size()));
    if (!line.empty()) trace.push_back(read_line(line));
  }
  return trace;
}

Trace read_any(std::string_view content) {
  const std::string_view trimmed = text::trim(content);
  const std::string_view first = trimmed.substr(0, std::min(trimmed.find_first_of(" \t\r\n"), trimmed.size()));
  for (const std::string& keyword : compact_keywords()) {
    if (first == keyword) return read_compact(content);
  }
  return read_text(content);
}

}  // namespace hone::tasks::search
