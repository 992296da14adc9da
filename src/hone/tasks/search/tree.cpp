#include "hone/tasks/search/tree.h"

#include "hone/tasks/rational.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace hone::tasks::search {
namespace {

Numbers sorted(Numbers numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string list_text(const Numbers& numbers) { return fmt::format("[{}]", fmt::join(numbers, ", ")); }

// Numbers left when the operands of `operation` are taken out and its result is put in; empty if one is not there.
std::optional<Numbers> apply_to(Numbers numbers, const Operation& operation) {
  for (const int64_t used : {operation.a, operation.b}) {
    const auto found = std::find(numbers.begin(), numbers.end(), used);
    if (found == numbers.end()) return {};
    numbers.erase(found);
  }
  numbers.push_back(operation.result);
  return numbers;
}

bool is_true(const Operation& operation) {
  const std::optional<Rational> result = apply({operation.a, 1}, operation.op, {operation.b, 1});
  return result && *result == Rational{operation.result, 1};
}

class Builder {
 public:
  Builder(const Numbers& numbers, int64_t target) {
    tree_.numbers = numbers;
    tree_.target = target;
    tree_.nodes.push_back({.id = {0}, .numbers = numbers});
    by_id_[{0}] = 0;
  }

  SearchTree build(const Trace& trace) {
    for (const Event& event : trace) {
      said_.fill(false);
      if (event_ > 0 && tree_.goal >= 0) {
        fault(Fault::format, "goes on after the goal");
        break;
      }
      if (event_ == 0 && event.kind != EventKind::state)
        fault(Fault::format, "does not begin with the problem's state");
      read(event);
      ++event_;
    }
    if (pending_) {
      said_.fill(false);
      fault(Fault::format, "ends between an operation and what became of it");
    }
    return std::move(tree_);
  }

 private:
  void fault(Fault kind, std::string what, int64_t node = -1) {
    if (node >= 0) at(node).faulty = true;
    bool& said = said_[static_cast<std::size_t>(kind)];
    if (said) return;
    said = true;
    ++tree_.counts[static_cast<std::size_t>(kind)];
    if (tree_.faults.size() < kMostFaults) tree_.faults.push_back({kind, event_, std::move(what)});
  }

  TreeNode& at(int64_t node) { return tree_.nodes[static_cast<std::size_t>(node)]; }

  void read(const Event& event) {
    const bool answers = event.kind == EventKind::goal || event.kind == EventKind::dead_end ||
                         event.kind == EventKind::generate || event.kind == EventKind::advance;
    if (pending_ && !answers) {
      fault(Fault::format, "does not say what became of the operation before", *pending_);
      pending_.reset();
    }
    switch (event.kind) {
      case EventKind::state:
        return read_state(event);
      case EventKind::explore:
        return read_explore(event);
      case EventKind::generate:
      case EventKind::advance:
        return read_generated(event);
      case EventKind::move:
        return read_move(event);
      case EventKind::goal:
      case EventKind::dead_end:
        return read_leaf(event);
      case EventKind::give_up:
        tree_.gave_up = true;
        return;
      case EventKind::junk:
        return fault(Fault::format, "is not of the grammar: " + event.text.substr(0, 80));
    }
  }

  // Whether `operations` are those on the way from the root to `node`, first to last.
  bool lead_to(const std::vector<Operation>& operations, int64_t node) const {
    std::size_t left = operations.size();
    while (tree_.nodes[static_cast<std::size_t>(node)].parent >= 0) {
      const TreeNode& made = tree_.nodes[static_cast<std::size_t>(node)];
      if (left == 0 || operations[--left] != made.made_by) return false;
      node = made.parent;
    }
    return left == 0;
  }

  void read_state(const Event& event) {
    if (event.target != tree_.target)
      fault(Fault::state, fmt::format("names target {}, not {}", event.target, tree_.target));
    if (lost_) {  // a place of its own, whose numbers are what the trace says they are
      at(current_).numbers = event.numbers;
      lost_ = false;
      return;
    }
    if (sorted(event.numbers) != sorted(at(current_).numbers)) {
      fault(Fault::state,
            fmt::format("states {}, but the node has {}", list_text(event.numbers), list_text(at(current_).numbers)));
    }
    if (!lead_to(event.operations, current_)) fault(Fault::state, "lists operations that don't lead to the node");
  }

  void read_explore(const Event& event) {
    const Operation operation = event.operations.empty() ? Operation{} : event.operations.front();
    const auto made = static_cast<int64_t>(tree_.nodes.size());
    tree_.nodes.push_back({.parent = current_, .made_by = operation, .numbers = event.numbers});
    pending_ = made;
    ++tree_.explored;
    if (!is_true(operation)) fault(Fault::arithmetic, to_text(operation) + " is not true", made);
    const Numbers& before = at(current_).numbers;
    const std::optional<Numbers> after = apply_to(before, operation);
    if (!after) {
      fault(Fault::state, fmt::format("{} uses what is not in {}", to_text(operation), list_text(before)), made);
    } else if (sorted(*after) != sorted(event.numbers)) {
      fault(Fault::state,
            fmt::format("{} leaves {}, not {}", to_text(operation), list_text(*after), list_text(event.numbers)), made);
    }
  }

  void read_generated(const Event& event) {
    if (!pending_) return fault(Fault::format, "generates a node without an operation before it");
    const int64_t node = *pending_;
    pending_.reset();
    const bool same = sorted(event.numbers) == sorted(at(node).numbers) && event.operations.size() == 1 &&
                      event.operations.front() == at(node).made_by;
    if (!same) fault(Fault::state, "generates another node than was explored", node);
    if (at(node).numbers.size() == 1) fault(Fault::format, "generates a node from a single number", node);
    if (event.kind == EventKind::generate && event.target != tree_.target)
      fault(Fault::state, fmt::format("names target {}, not {}", event.target, tree_.target), node);
    NodeId above = event.node;
    if (!above.empty()) above.pop_back();
    if (event.kind == EventKind::generate && above != at(current_).id) {
      fault(Fault::exploration, "generates a node that is not below the current one", node);
    }
    if (!by_id_.emplace(event.node, node).second) {
      fault(Fault::exploration, "generates a node whose id is taken", node);
    } else {
      at(node).id = event.node;
    }
    if (event.kind == EventKind::advance) current_ = node;
  }

  // Whether a node was made from the problem's numbers without a mistake.
  bool follows(int64_t node) {
    while (node > 0 && !at(node).faulty) node = at(node).parent;
    return node == 0 && !at(node).faulty;
  }

  void read_leaf(const Event& event) {
    if (!pending_) return fault(Fault::format, "judges a leaf without an operation before it");
    const int64_t node = *pending_;
    pending_.reset();
    const bool says_equal = event.kind == EventKind::goal;
    if (at(node).numbers.size() != 1) {
      fault(Fault::format, "judges a node with more than one number", node);
    } else if (event.value != at(node).numbers.front() || event.target != tree_.target) {
      fault(Fault::state, fmt::format("compares {} and {}", event.value, event.target), node);
    }
    if (!says_equal && at(node).numbers == Numbers{tree_.target} && follows(node)) tree_.denied_goal = true;
    if ((event.value == event.target) != says_equal) {
      fault(Fault::arithmetic,
            fmt::format("takes {} and {} for {}", event.value, event.target, says_equal ? "equal" : "unequal"), node);
    }
    at(node).end = says_equal ? NodeEnd::goal : NodeEnd::dead_end;
    if (says_equal) tree_.goal = node;
  }

  void read_move(const Event& event) {
    const auto found = by_id_.find(event.node);
    lost_ = found == by_id_.end();
    if (!lost_) {
      current_ = found->second;
      return;
    }
    fault(Fault::exploration, fmt::format("moves to node {}, which was never generated", fmt::join(event.node, ",")));
    current_ = static_cast<int64_t>(tree_.nodes.size());
    tree_.nodes.push_back({.numbers = {}, .faulty = true});
  }

  SearchTree tree_;
  std::map<NodeId, int64_t> by_id_;
  int64_t current_ = 0;
  int64_t event_ = 0;
  bool lost_ = false;               // the current node is a place that was never generated, not yet stated
  std::optional<int64_t> pending_;  // explored, but not yet generated or judged
  std::array<bool, kFaults> said_{};
};

}  // namespace

const char* name_of(Fault fault) {
  switch (fault) {
    case Fault::arithmetic:
      return "arithmetic";
    case Fault::state:
      return "state";
    case Fault::exploration:
      return "exploration";
    case Fault::format:
      break;
  }
  return "format";
}

SearchTree build_tree(const Trace& trace, const Numbers& numbers, int64_t target) {
  return Builder(numbers, target).build(trace);
}

std::set<Numbers> states_visited(const SearchTree& tree) {
  std::set<Numbers> states;
  for (const TreeNode& node : tree.nodes) {
    if (!node.faulty) states.insert(sorted(node.numbers));
  }
  return states;
}

double alignment(const std::set<Numbers>& a, const std::set<Numbers>& b) {
  if (a.empty() || b.empty()) return 0;
  std::size_t common = 0;
  for (const Numbers& state : a) common += b.count(state);
  return static_cast<double>(common) / static_cast<double>(std::max(a.size(), b.size()));
}

}  // namespace hone::tasks::search
