// The symbolic solvers of Stream of Search (arXiv:2404.03683): depth-first and breadth-first with beams 1 to 5,
// each with two heuristics, 12 in all. A solver writes what it does as a trace.
#pragma once

#include "hone/tasks/countdown.h"
#include "hone/tasks/search/trace.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::tasks::search {

enum class Heuristic { sum, mult };

/// mean |n − target| over the numbers left ("sum"), or Σ_n min over factors f ≥ 2 of the target of |n − f| ("mult").
double heuristic_value(Heuristic heuristic, const Numbers& numbers, int64_t target);

/// One of the 12.
struct Solver {
  Heuristic heuristic = Heuristic::sum;
  int64_t beam = 0;  ///< 0: depth-first; 1..5: breadth-first
  bool operator==(const Solver&) const = default;
};

inline constexpr std::size_t kSolvers = 12;
/// dfs-sum, dfs-mult, bfs-sum-1 … bfs-sum-5, bfs-mult-1 … bfs-mult-5.
std::span<const Solver, kSolvers> all_solvers();
/// "dfs-sum" or "bfs-mult-3".
std::string name_of(const Solver& solver);
/// "dfs" or "bfs_3", and "sum_heuristic" or "mult_heuristic": the names in the interchange files.
std::string search_type(const Solver& solver);
std::string heuristic_name(const Solver& solver);
/// The solver of these two names; empty for others.
std::optional<Solver> find_solver(std::string_view search_type, std::string_view heuristic);

/// The mixture that data are made with: heuristic uniform, depth-first or breadth-first uniform, beam uniform; so each
/// depth-first solver has weight 1/4 and each breadth-first one 1/20.
Solver draw_solver(Rng rng);

/// An operation and the numbers it leaves: those not used in their order, then the result.
struct Successor {
  Operation operation;
  Numbers numbers;
};
/// The successors of a state in the official order: pairs i < j of places; for each +, *, then larger − smaller,
/// larger / smaller, where the world's rules allow the result. + and * are written in the order of the places.
std::vector<Successor> expand(const CountdownWorld& world, const Numbers& numbers);

/// What `solver` does on a problem.
///
///   depth-first    children with heuristic ≤ target, best first, each followed to its end; back to the parent between
///                  them. Ends at the goal, or when all is seen
///   breadth-first  of every node the best `beam` children, written in random order; the best `beam` nodes of the
///                  frontier at a time; equal ones in the order in which they came. Ends at the goal or gives up
///   shuffle        of the written order; which problems are solved does not depend on it
///   errors         usage: no numbers or more than 6, a target below 1, a world with fractions
///
/// Unlike the official code, finished leaves are not put on the frontier of the breadth-first search (there they are
/// visited again as states without moves).
Trace run_solver(const CountdownWorld& world, const Solver& solver, const Numbers& numbers, int64_t target,
                 Rng shuffle);

/// Whether the trace of a solver reached the goal.
bool is_solved(const Trace& trace);

/// The first solution that an exhaustive depth-first walk in the order of expand() meets; empty when there is none.
std::vector<Operation> first_solution(const CountdownWorld& world, const Numbers& numbers, int64_t target);

/// The trace of a solution alone, without search: state, explore, advance (a plain counter that begins at 2), ….
/// Errors: usage if the operations don't lead from the numbers to the target.
Trace optimal_path(const Numbers& numbers, int64_t target, const std::vector<Operation>& solution);

}  // namespace hone::tasks::search
