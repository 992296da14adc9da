// Verifiers by name, and problems from JSONL files.
#pragma once

#include "hone/tasks/problem.h"

#include <filesystem>

namespace hone::tasks {

/// "exact"     completion equals the answer after trimming white space
/// "number"    the last number in the completion equals the answer as an exact decimal or fraction; signs, thousands
///             separators and a trailing full stop are read as a person would; two different boxed answers are wrong
/// "regex"     the answer is a regular expression (PCRE2, work and depth limited) that must match somewhere in the
///             completion; anchor it with ^ and $ to match all of it
/// "countdown" strict Countdown (numbers and target from the problem)
/// "game24"    the same of what follows the last "answer" of a search in text
/// Errors: usage with the nearest name.
Verifier make_verifier(std::string_view name);
std::vector<std::string> verifier_names();

/// Problems of a JSONL file, one object a line: {"prompt", "answer"}, {"prompt": [messages], "answer"},
/// {"messages", "answer"}, or Countdown's {"numbers"|"nums", "target"} (a prompt is made when it has none; game24's
/// target is 24 where the row has none).
/// `verifier` decides which fields a row must have; an answer may be a string or a number. Other columns are ignored.
/// Empty lines are skipped; a byte-order mark is refused by name.
/// Errors: data, naming file:line and the field: an answer that its verifier can't use (no number in it, a pattern that
/// does not compile), a conversation that ends with the assistant, a file without a row. Usage: unknown verifier.
std::vector<Problem> read_problems(const std::filesystem::path& jsonl, std::string_view verifier);
/// The same of a text; `name` stands for the file in ids and errors.
std::vector<Problem> parse_problems(std::string_view content, std::string_view name, std::string_view verifier);

}  // namespace hone::tasks
