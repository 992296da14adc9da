// A search written down, mistakes and dead ends included: the language of Stream of Search (arXiv:2404.03683). A
// trace is a list of events; it is kept as lines of text, the paper's own (the interchange form):
//
//   Current State: 24:[4, 9, 3], Operations: []
//   Exploring Operation: 9-4=5, Resulting Numbers: [3, 5]
//   Generated Node #0,0: 24:[3, 5] Operation: 9-4=5
//   Moving to Node #0,0
//   Current State: 24:[3, 5], Operations: ['9-4=5']
//   Exploring Operation: 3+5=8, Resulting Numbers: [8]
//   8,24 unequal: No Solution
//
// and as compact tokens, one a number, in which nothing is said twice (the training form):
//
//   S 24 4 9 3 X 9 - 4 3 5 G 0 M 0 S 24 3 5 X 3 + 5 8 ≠
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::tasks::search {

using Numbers = std::vector<int64_t>;

/// a op b = result as somebody wrote it; it need not be true.
struct Operation {
  int64_t a = 0;
  char op = '+';
  int64_t b = 0;
  int64_t result = 0;
  bool operator==(const Operation&) const = default;
};

/// A place in the tree: {0} is the root, {0, 2, 1} the child 1 of the child 2 of the root.
using NodeId = std::vector<int64_t>;

enum class EventKind {
  state,     ///< Current State: target:[numbers], Operations: ['…', …]                      S target numbers…
  explore,   ///< Exploring Operation: a+b=r, Resulting Numbers: [numbers]                   X a + b numbers…
  generate,  ///< Generated Node #node: target:[numbers] Operation: a+b=r                    G node…
  advance,   ///< Generated Node #n: [numbers] from Operation: a+b=r (optimal paths only)    G
  move,      ///< Moving to Node #node                                                       M node…, for the root M
  goal,      ///< value,target equal: Goal Reached                                           =T
  dead_end,  ///< value,target unequal: No Solution                                          ≠
  give_up,   ///< No solution found.                                                         fail
  junk       ///< anything else
};

/// One line. Which fields are filled depends on the kind, as above.
struct Event {
  EventKind kind = EventKind::junk;
  int64_t target = 0;
  int64_t value = 0;                  ///< goal, dead_end
  Numbers numbers;                    ///< state, explore, generate, advance
  std::vector<Operation> operations;  ///< state: all so far; explore, generate, advance: one
  NodeId node;                        ///< generate, move; advance: the counter alone
  std::string text;                   ///< junk: the line or the words
  bool operator==(const Event&) const = default;
};

using Trace = std::vector<Event>;

/// The lines of a trace; every one ends with a line break but the last.
std::string write_text(const Trace& trace);

/// Reads lines. Total: a line that is not of the grammar, holds a number of more than 18 digits or a list of more than
/// 64 members (16 operations) is junk; empty lines and <|endoftext|> are skipped. write_text gives a well-formed text
/// back as it was. Cost: linear.
Trace read_text(std::string_view text);

/// The words of a trace, joined by one space. What the earlier lines imply is left out: the operations of a state
/// (those that lead to its node), the numbers and operation of a generated node and the value at a leaf (those of the
/// line before), the target of a leaf (that of the first line), the result of an operation (the last of its numbers),
/// the 0 of the root in a node's id, and the counter of an optimal path (2, 3, …). Errors: data, naming the line, for a
/// trace that can't be told from its words: junk, or a line that contradicts what is left out.
std::string write_compact(const Trace& trace);

/// Reads words, and fills in what they leave out. Total: what is not of the grammar is junk, and what nothing implies
/// stays empty. read_compact(write_compact(t)) == t. Cost: linear but for node ids, which are looked up.
Trace read_compact(std::string_view words);

/// Compact when the first word is one of its keywords, otherwise text.
Trace read_any(std::string_view content);

/// "S 24 4 9 3": the words that state a problem, which a model is given.
std::string compact_prompt(const Numbers& numbers, int64_t target);

/// Words that begin an event, in the order of EventKind; G stands for two kinds.
std::vector<std::string> compact_keywords();

/// "9-4=5", and "a op b = result" read from it.
std::string to_text(const Operation& operation);

}  // namespace hone::tasks::search
