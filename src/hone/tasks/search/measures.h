// What Stream of Search measures of traces (arXiv:2404.03683): solved or not, mistakes, states visited, and how
// far they are like each of the 12 symbolic solvers.
#pragma once

#include "hone/base/json.h"
#include "hone/tasks/problem.h"
#include "hone/tasks/search/solvers.h"
#include "hone/tasks/search/tree.h"

#include <array>
#include <optional>

namespace hone::tasks::search {

/// A trace beside the solvers, in the order of all_solvers().
struct Likeness {
  std::array<double, kSolvers> states{};  ///< alignment of states visited, 0 to 1
  std::array<bool, kSolvers> solved{};    ///< whether the solver solves the problem
};

/// One trace.
struct Measured {
  Verdict strict, lax;
  std::array<int64_t, kFaults> faults{};
  int64_t explored = 0;  ///< operations tried
  int64_t states = 0;    ///< distinct states visited without a fault
  bool says_goal = false;
  bool denied_goal = false;          ///< SearchTree::denied_goal
  std::optional<Likeness> likeness;  ///< absent where it was not asked for, or can't be had
};

enum class Compare { alone, with_solvers };

/// Measures a trace of a problem under the rules of `world` (its cap; the rest of it does not matter). Total: solvers
/// are compared where the problem has 1 to 5 numbers, a target from 1 to 10^6 and the world no fractions.
/// Deterministic. Cost with solvers: 12 searches, 0.1 ms for 3 numbers, seconds for 5.
Measured measure(const CountdownWorld& world, const Numbers& numbers, int64_t target, const Trace& trace,
                 Compare compare);

/// Sums over traces, for a table.
class SearchTable {
 public:
  /// `solver`: the one whose trace of this problem was learned from, where it is known.
  void add(const Measured& one, const std::optional<Solver>& solver);

  /// {"traces", "accuracy": {"strict", "lax"}, "says_goal", "denied_goal", "faults": {kind: per trace},
  ///  "explored": {"all", "solved"}, "states", "solvers": {name: {"solves", "same_verdict", "states"}},
  ///  "unsolved": {"problems", "solved"}, "difficult": {"problems", "solved"}}. Shares and means; null where there is
  /// nothing to divide by. "unsolved": the trace's own solver fails; "difficult": every solver does.
  Json to_json() const;

 private:
  struct Among {
    int64_t problems = 0, solved = 0;
  };
  int64_t traces_ = 0, strict_ = 0, lax_ = 0, says_goal_ = 0, denied_goal_ = 0, explored_ = 0, explored_solved_ = 0,
          states_ = 0;
  std::array<int64_t, kFaults> faults_{};
  int64_t compared_ = 0;
  std::array<double, kSolvers> likeness_{};
  std::array<int64_t, kSolvers> solves_{}, same_{};
  Among unsolved_, difficult_;
};

/// A tree for a page: {"numbers", "target", "nodes": [{"parent", "text", "by", "end", "faulty", "on_path"}],
/// "left_out"}, the first `most` nodes and those on the way to the goal.
Json tree_json(const SearchTree& tree, std::size_t most);

}  // namespace hone::tasks::search
