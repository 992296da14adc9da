// The symbolic solvers of Stream of Search on Countdown: depth-first and breadth-first (beam b) with two heuristics.
#pragma once

#include "hone/tasks/countdown.h"

namespace hone::tasks {

enum class Heuristic { sum, mult };

/// mean |n − target| over the numbers left ("sum"), or Σ_n min over factors f ≥ 2 of the target of |n − f| ("mult").
double heuristic_value(Heuristic heuristic, const std::vector<int64_t>& numbers, int64_t target);

/// Outcome of one search.
struct SearchResult {
  bool solved = false;
  Derivation solution;   ///< the path found
  int64_t explored = 0;  ///< operations tried
};

/// Children with heuristic ≤ target, best first, visited recursively.
SearchResult solve_dfs(const CountdownWorld& world, const std::vector<int64_t>& numbers, int64_t target,
                       Heuristic heuristic);
/// Per expanded node the best `beam` children are kept; the frontier is popped best `beam` at a time.
SearchResult solve_bfs(const CountdownWorld& world, const std::vector<int64_t>& numbers, int64_t target,
                       Heuristic heuristic, int beam);

}  // namespace hone::tasks
