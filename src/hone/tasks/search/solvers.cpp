#include "hone/tasks/search/solvers.h"

#include "hone/base/error.h"
#include "hone/tasks/countdown_walk.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <set>
#include <utility>

namespace hone::tasks::search {
namespace {

constexpr int64_t kBeams = 5;

constexpr std::array<Solver, kSolvers> make_solvers() {
  std::array<Solver, kSolvers> all{};
  std::size_t at = 0;
  for (const Heuristic heuristic : {Heuristic::sum, Heuristic::mult}) all[at++] = {heuristic, 0};
  for (const Heuristic heuristic : {Heuristic::sum, Heuristic::mult}) {
    for (int64_t beam = 1; beam <= kBeams; ++beam) all[at++] = {heuristic, beam};
  }
  return all;
}
constexpr std::array<Solver, kSolvers> kAllSolvers = make_solvers();

const char* word_of(Heuristic heuristic) { return heuristic == Heuristic::sum ? "sum" : "mult"; }

struct Node {
  double heuristic = 0;
  Numbers numbers;
  std::vector<Operation> path;
  NodeId id;
};

// Writes the events of one search.
class Search {
 public:
  Search(const CountdownWorld& world, const Solver& solver, int64_t target, Rng shuffle)
      : world_(world), solver_(solver), target_(target), shuffle_(shuffle) {}

  Trace run(const Numbers& numbers) {
    Node root{value_of(numbers), numbers, {}, {0}};
    if (solver_.beam == 0) {
      dive(root);
    } else {
      sweep(std::move(root));
    }
    return std::move(trace_);
  }

 private:
  double value_of(const Numbers& numbers) const { return heuristic_value(solver_.heuristic, numbers, target_); }

  // Best first; equal ones in the order of expand().
  std::vector<Node> children_of(const Node& node) const {
    std::vector<Node> children;
    for (Successor& next : expand(world_, node.numbers)) {
      Node child{value_of(next.numbers), std::move(next.numbers), node.path, {}};
      child.path.push_back(next.operation);
      children.push_back(std::move(child));
    }
    std::stable_sort(children.begin(), children.end(),
                     [](const Node& a, const Node& b) { return a.heuristic < b.heuristic; });
    return children;
  }

  void say_state(const Node& node) {
    trace_.push_back({.kind = EventKind::state, .target = target_, .numbers = node.numbers, .operations = node.path});
  }
  void say_move(const NodeId& id) { trace_.push_back({.kind = EventKind::move, .node = id}); }
  void say_explore(const Node& child) {
    trace_.push_back({.kind = EventKind::explore, .numbers = child.numbers, .operations = {child.path.back()}});
  }
  void say_generate(const Node& child) {
    trace_.push_back({.kind = EventKind::generate,
                      .target = target_,
                      .numbers = child.numbers,
                      .operations = {child.path.back()},
                      .node = child.id});
  }
  // Whether a leaf is the goal.
  bool say_leaf(const Node& child) {
    const int64_t value = child.numbers.front();
    const bool reached = value == target_;
    trace_.push_back({.kind = reached ? EventKind::goal : EventKind::dead_end, .target = target_, .value = value});
    return reached;
  }

  bool dive(const Node& node) {
    say_state(node);
    std::vector<Node> children = children_of(node);
    std::erase_if(children, [&](const Node& child) { return child.heuristic > static_cast<double>(target_); });
    for (std::size_t i = 0; i < children.size(); ++i) {
      Node& child = children[i];
      child.id = node.id;
      child.id.push_back(static_cast<int64_t>(i));
      say_explore(child);
      if (child.numbers.size() == 1) {
        if (say_leaf(child)) return true;
      } else {
        say_generate(child);
        say_move(child.id);
        if (dive(child)) return true;
      }
      if (i + 1 == children.size()) break;
      say_move(node.id);
      say_state(node);
    }
    return false;
  }

  struct Better {
    bool operator()(const Node& a, const Node& b) const { return a.heuristic < b.heuristic; }
  };
  using Frontier = std::multiset<Node, Better>;

  // Says the best children of a node and puts them on the frontier; true at the goal.
  bool sweep_node(const Node& node, Frontier& frontier) {
    say_state(node);
    std::vector<Node> children = children_of(node);
    if (children.size() > static_cast<std::size_t>(solver_.beam))
      children.resize(static_cast<std::size_t>(solver_.beam));
    std::vector<Node*> order;
    for (Node& child : children) order.push_back(&child);
    shuffle_.shuffle(order);
    int64_t index = 0;
    for (Node* child : order) {
      say_explore(*child);
      if (child->numbers.size() == 1) {
        if (say_leaf(*child)) return true;
        continue;
      }
      child->id = node.id;
      child->id.push_back(index++);
      say_generate(*child);
    }
    for (Node& child : children) {
      if (child.numbers.size() > 1) frontier.insert(std::move(child));
    }
    return false;
  }

  void sweep(Node root) {
    Frontier frontier;
    frontier.insert(std::move(root));
    while (!frontier.empty()) {
      std::vector<Node> current;
      while (!frontier.empty() && static_cast<int64_t>(current.size()) < solver_.beam) {
        current.push_back(std::move(frontier.extract(frontier.begin()).value()));
      }
      for (std::size_t i = 0; i < current.size(); ++i) {
        if (sweep_node(current[i], frontier)) return;
        if (i + 1 < current.size()) say_move(current[i + 1].id);
      }
      if (!frontier.empty()) say_move(frontier.begin()->id);
    }
    trace_.push_back({.kind = EventKind::give_up});
  }

  const CountdownWorld& world_;
  Solver solver_;
  int64_t target_;
  Rng shuffle_;
  Trace trace_;
};

// Depth-first through everything; `path` holds the solution when it says true.
bool walk(const CountdownWorld& world, const Numbers& numbers, int64_t target, std::vector<Operation>& path) {
  if (numbers.size() == 1) return numbers.front() == target;
  for (const Successor& next : expand(world, numbers)) {
    path.push_back(next.operation);
    if (walk(world, next.numbers, target, path)) return true;
    path.pop_back();
  }
  return false;
}

void check_problem(const CountdownWorld& world, const Numbers& numbers, int64_t target) {
  require(!numbers.empty() && numbers.size() <= kMostNumbers, ErrorKind::usage,
          "{} numbers to search; from 1 to {} can be", numbers.size(), kMostNumbers);
  require(target >= 1, ErrorKind::usage, "the target of a search is {}; allowed: 1 or more", target);
  require(!world.fractions, ErrorKind::usage, "{} has fractions; the search language knows whole numbers only",
          world.name);
}

}  // namespace

double heuristic_value(Heuristic heuristic, const Numbers& numbers, int64_t target) {
  const auto goal = static_cast<double>(target);
  double total = 0;
  if (heuristic == Heuristic::sum) {
    for (const int64_t number : numbers) total += std::abs(static_cast<double>(number) - goal);
    return numbers.empty() ? 0 : total / static_cast<double>(numbers.size());
  }
  for (const int64_t number : numbers) {
    // The target is a factor of itself; below 2 it is the only thing left to be near to.
    const auto value = static_cast<double>(number);
    double nearest = std::abs(value - goal);
    for (int64_t factor = 2; factor <= target / factor; ++factor) {
      if (target % factor != 0) continue;
      nearest = std::min({nearest, std::abs(value - static_cast<double>(factor)),
                          std::abs(value - static_cast<double>(target / factor))});
    }
    total += nearest;
  }
  return total;
}

std::span<const Solver, kSolvers> all_solvers() { return kAllSolvers; }

std::string name_of(const Solver& solver) {
  if (solver.beam == 0) return fmt::format("dfs-{}", word_of(solver.heuristic));
  return fmt::format("bfs-{}-{}", word_of(solver.heuristic), solver.beam);
}

std::string search_type(const Solver& solver) {
  return solver.beam == 0 ? std::string("dfs") : fmt::format("bfs_{}", solver.beam);
}

std::string heuristic_name(const Solver& solver) { return fmt::format("{}_heuristic", word_of(solver.heuristic)); }

std::optional<Solver> find_solver(std::string_view type, std::string_view heuristic) {
  for (const Solver& solver : kAllSolvers) {
    if (type == search_type(solver) && heuristic == heuristic_name(solver)) return solver;
  }
  return {};
}

Solver draw_solver(Rng rng) {
  Solver solver;
  solver.heuristic = rng.below(2) == 0 ? Heuristic::sum : Heuristic::mult;
  const bool depth_first = rng.below(2) == 0;
  if (!depth_first) solver.beam = 1 + static_cast<int64_t>(rng.below(kBeams));
  return solver;
}

std::vector<Successor> expand(const CountdownWorld& world, const Numbers& numbers) {
  std::vector<Successor> successors;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    for (std::size_t j = i + 1; j < numbers.size(); ++j) {
      const auto [smaller, larger] = std::minmax(numbers[i], numbers[j]);
      for (const char op : {'+', '*', '-', '/'}) {
        const bool in_place = op == '+' || op == '*';
        const int64_t a = in_place ? numbers[i] : larger, b = in_place ? numbers[j] : smaller;
        const std::optional<Rational> result = legal_result(world, {a, 1}, op, {b, 1});
        if (!result || result->den != 1) continue;
        Successor next{{a, op, b, result->num}, {}};
        for (std::size_t k = 0; k < numbers.size(); ++k) {
          if (k != i && k != j) next.numbers.push_back(numbers[k]);
        }
        next.numbers.push_back(result->num);
        successors.push_back(std::move(next));
      }
    }
  }
  return successors;
}

Trace run_solver(const CountdownWorld& world, const Solver& solver, const Numbers& numbers, int64_t target,
                 Rng shuffle) {
  check_problem(world, numbers, target);
  require(solver.beam >= 0, ErrorKind::usage, "beam is {}; allowed: 0 (depth-first) or more", solver.beam);
  return Search(world, solver, target, shuffle).run(numbers);
}

bool is_solved(const Trace& trace) { return !trace.empty() && trace.back().kind == EventKind::goal; }

std::vector<Operation> first_solution(const CountdownWorld& world, const Numbers& numbers, int64_t target) {
  check_problem(world, numbers, target);
  std::vector<Operation> path;
  walk(world, numbers, target, path);
  return path;
}

Trace optimal_path(const Numbers& numbers, int64_t target, const std::vector<Operation>& solution) {
  Numbers left = numbers;
  Trace trace = {{.kind = EventKind::state, .target = target, .numbers = left}};
  for (std::size_t i = 0; i < solution.size(); ++i) {
    const Operation& operation = solution[i];
    for (const int64_t used : {operation.a, operation.b}) {
      const auto found = std::find(left.begin(), left.end(), used);
      require(found != left.end(), ErrorKind::usage, "{} uses {}, which is not there", to_text(operation), used);
      left.erase(found);
    }
    left.push_back(operation.result);
    trace.push_back({.kind = EventKind::explore, .numbers = left, .operations = {operation}});
    if (left.size() == 1) break;
    trace.push_back({.kind = EventKind::advance,
                     .numbers = left,
                     .operations = {operation},
                     .node = {static_cast<int64_t>(i) + 2}});
    trace.push_back({.kind = EventKind::state,
                     .target = target,
                     .numbers = left,
                     .operations = {solution.begin(), solution.begin() + static_cast<std::ptrdiff_t>(i) + 1}});
  }
  require(left.size() == 1 && left.front() == target, ErrorKind::usage, "the solution leaves {}, not {} alone",
          fmt::join(left, " "), target);
  trace.push_back({.kind = EventKind::goal, .target = target, .value = target});
  return trace;
}

}  // namespace hone::tasks::search
