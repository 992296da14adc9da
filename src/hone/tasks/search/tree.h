// The tree that a trace walks, and what is wrong with the trace: of any writer, so nothing in it is trusted.
#pragma once

#include "hone/tasks/search/trace.h"

#include <array>
#include <set>
#include <string>
#include <vector>

namespace hone::tasks::search {

/// Kinds of mistakes, as the paper counts them.
enum class Fault {
  arithmetic,   ///< an operation that is not true; a leaf's verdict that is not
  state,        ///< numbers or operations that are not those of the node; an operand that is not there
  exploration,  ///< a move to a node that was never generated; an id that is taken or not below the current node
  format        ///< a line that is not of the grammar, or not where it stands
};
inline constexpr std::size_t kFaults = 4;
const char* name_of(Fault fault);  ///< "arithmetic", "state", "exploration", "format"

struct TraceFault {
  Fault kind = Fault::format;
  int64_t event = 0;  ///< index of the event
  std::string what;   ///< one phrase
};

enum class NodeEnd { open, dead_end, goal };

/// A state that was visited, in the order of exploration.
struct TreeNode {
  int64_t parent = -1;  ///< index; -1 for the root, and for a place that the trace jumped to
  NodeId id;            ///< empty for leaves, which are never named
  Operation made_by;    ///< of its parent's numbers; meaningless where parent is -1
  Numbers numbers;      ///< as the trace states them
  NodeEnd end = NodeEnd::open;
  bool faulty = false;  ///< a mistake was made at the lines that made it
};

struct SearchTree {
  Numbers numbers;  ///< of the problem
  int64_t target = 0;
  std::vector<TreeNode> nodes;            ///< [0] is the root
  std::array<int64_t, kFaults> counts{};  ///< faults by kind; of one line at most one of each kind
  std::vector<TraceFault> faults;         ///< the first kMostFaults of them
  int64_t explored = 0;                   ///< operations tried
  int64_t goal = -1;                      ///< the node at which the goal was first said to be reached
  bool gave_up = false;
  bool denied_goal = false;  ///< a leaf that follows from the problem and is the target was called unequal
};
inline constexpr std::size_t kMostFaults = 32;

/// The tree of a trace that should be a search for `target` from `numbers`. Total. What follows the first goal is one
/// format fault and is not read. Cost: n log n in the events.
SearchTree build_tree(const Trace& trace, const Numbers& numbers, int64_t target);

/// The states without a fault, the root included: sorted numbers, each once.
std::set<Numbers> states_visited(const SearchTree& tree);

/// |a ∩ b| / max(|a|, |b|): how far two searches looked at the same states [the paper's alignment]. 0 for none.
double alignment(const std::set<Numbers>& a, const std::set<Numbers>& b);

}  // namespace hone::tasks::search
