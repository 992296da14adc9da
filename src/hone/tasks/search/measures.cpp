#include "hone/tasks/search/measures.h"

#include "hone/tasks/search/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace hone::tasks::search {
namespace {

constexpr std::size_t kMostCompared = 5;
constexpr int64_t kHighestTarget = 1'000'000;

bool can_compare(const CountdownWorld& world, const Numbers& numbers, int64_t target) {
  return !world.fractions && !numbers.empty() && numbers.size() <= kMostCompared && target >= 1 &&
         target <= kHighestTarget;
}

Json share(double part, int64_t whole) { return whole == 0 ? Json() : Json(part / static_cast<double>(whole)); }

const char* word_of(NodeEnd end) {
  return end == NodeEnd::goal ? "goal" : end == NodeEnd::dead_end ? "dead_end" : "open";
}

}  // namespace

Measured measure(const CountdownWorld& world, const Numbers& numbers, int64_t target, const Trace& trace,
                 Compare compare) {
  const SearchTree tree = build_tree(trace, numbers, target);
  const std::set<Numbers> states = states_visited(tree);
  Measured measured{.strict = check_strict(trace, numbers, target), .lax = check_lax(trace), .faults = tree.counts};
  measured.explored = tree.explored;
  measured.states = static_cast<int64_t>(states.size());
  measured.says_goal = tree.goal >= 0;
  measured.denied_goal = tree.denied_goal;
  if (compare == Compare::alone || !can_compare(world, numbers, target)) return measured;
  Likeness likeness;
  for (std::size_t i = 0; i < kSolvers; ++i) {
    const Trace own = run_solver(world, all_solvers()[i], numbers, target, Rng(1).fork("alignment", {i}));
    likeness.states[i] = alignment(states, states_visited(build_tree(own, numbers, target)));
    likeness.solved[i] = is_solved(own);
  }
  measured.likeness = likeness;
  return measured;
}

void SearchTable::add(const Measured& one, const std::optional<Solver>& solver) {
  const bool right = one.strict.reward > 0.5;
  ++traces_;
  strict_ += right;
  lax_ += one.lax.reward > 0.5;
  says_goal_ += one.says_goal;
  denied_goal_ += one.denied_goal;
  explored_ += one.explored;
  explored_solved_ += right ? one.explored : 0;
  states_ += one.states;
  for (std::size_t kind = 0; kind < kFaults; ++kind) faults_[kind] += one.faults[kind];
  if (!one.likeness) return;
  ++compared_;
  const Likeness& likeness = *one.likeness;
  for (std::size_t i = 0; i < kSolvers; ++i) {
    likeness_[i] += likeness.states[i];
    solves_[i] += likeness.solved[i];
    same_[i] += likeness.solved[i] == right;
    if (solver && all_solvers()[i] == *solver && !likeness.solved[i]) {
      ++unsolved_.problems;
      unsolved_.solved += right;
    }
  }
  if (std::none_of(likeness.solved.begin(), likeness.solved.end(), [](bool solved) { return solved; })) {
    ++difficult_.problems;
    difficult_.solved += right;
  }
}

Json SearchTable::to_json() const {
  const auto mean = [&](int64_t sum) { return share(static_cast<double>(sum), traces_); };
  Json faults = Json::object(), solvers = Json::object();
  for (std::size_t kind = 0; kind < kFaults; ++kind) faults[name_of(static_cast<Fault>(kind))] = mean(faults_[kind]);
  for (std::size_t i = 0; i < kSolvers && compared_ > 0; ++i) {
    solvers[name_of(all_solvers()[i])] = {{"solves", share(static_cast<double>(solves_[i]), compared_)},
                                          {"same_verdict", share(static_cast<double>(same_[i]), compared_)},
                                          {"states", share(likeness_[i], compared_)}};
  }
  const auto among = [](const Among& set) {
    return Json{{"problems", set.problems}, {"solved", share(static_cast<double>(set.solved), set.problems)}};
  };
  return {{"traces", traces_},
          {"accuracy", {{"strict", mean(strict_)}, {"lax", mean(lax_)}}},
          {"says_goal", mean(says_goal_)},
          {"denied_goal", mean(denied_goal_)},
          {"faults", faults},
          {"explored", {{"all", mean(explored_)}, {"solved", share(static_cast<double>(explored_solved_), strict_)}}},
          {"states", mean(states_)},
          {"solvers", solvers},
          {"unsolved", among(unsolved_)},
          {"difficult", among(difficult_)}};
}

Json tree_json(const SearchTree& tree, std::size_t most) {
  std::vector<bool> on_path(tree.nodes.size(), false);
  for (int64_t node = tree.goal; node >= 0; node = tree.nodes[static_cast<std::size_t>(node)].parent) {
    on_path[static_cast<std::size_t>(node)] = true;
  }
  std::vector<int64_t> place(tree.nodes.size(), -1);  // in the list; -1: left out
  Json nodes = Json::array();
  int64_t left_out = 0;
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const TreeNode& node = tree.nodes[i];
    const int64_t above = node.parent < 0 ? -1 : place[static_cast<std::size_t>(node.parent)];
    const bool orphan = node.parent >= 0 && above < 0;
    if ((i >= most && !on_path[i]) || orphan) {
      ++left_out;
      continue;
    }
    place[i] = static_cast<int64_t>(nodes.size());
    nodes.push_back({{"parent", above},
                     {"text", fmt::format("{}", fmt::join(node.numbers, " "))},
                     {"by", node.parent < 0 ? "" : to_text(node.made_by)},
                     {"end", word_of(node.end)},
                     {"faulty", node.faulty},
                     {"on_path", static_cast<bool>(on_path[i])}});
  }
  return {{"numbers", tree.numbers}, {"target", tree.target}, {"nodes", nodes}, {"left_out", left_out}};
}

}  // namespace hone::tasks::search
