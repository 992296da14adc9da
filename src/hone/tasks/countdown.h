// Countdown: reach a target from a few numbers with + - * /, each number used once. The world of Stream of Search
// (arXiv:2404.03683) and TinyZero, at several sizes. A made-up solution reads
//   visible:  "3 * 12 = 36 ; 36 + 7 = 43"      (every intermediate result is in the text)
//   hidden:   "( 3 * 12 ) + 7"                  (the reader must evaluate it)
// and a prompt reads "3 7 12 -> 43 :".
#pragma once

#include "hone/base/rng.h"
#include "hone/tasks/problem.h"

#include <string>
#include <string_view>
#include <vector>

namespace hone::tasks {

/// A family of Countdown problems.
struct CountdownWorld {
  std::string name;            ///< "cd3", "cd3-wide", "cd4-mini", "game24", "cd3-demo", "cd3-smoke", "cd2-smoke"
  int count = 3;               ///< how many numbers
  int64_t low = 1, high = 30;  ///< range of each number
  int64_t target_low = 10, target_high = 60;
  int64_t cap = 99;        ///< largest intermediate result in generated solutions; 0 = no cap
  bool symbols = true;     ///< one token per number (needs a cap); otherwise text is cut into bytes
  bool fractions = false;  ///< results need not be whole (game24)
};

/// The worlds by name. Errors: usage with the nearest name.
const CountdownWorld& countdown_world(std::string_view name);
std::vector<std::string> countdown_world_names();

/// How solutions are written.
enum class Notation { visible, hidden };

/// One step a op b = result, on values from 0 up. Operands of + and * are written larger first.
struct Step {
  int64_t a = 0;
  char op = '+';
  int64_t b = 0;
  int64_t result = 0;
  int64_t a_den = 1, b_den = 1, result_den = 1;  ///< denominators: 1 but in worlds with fractions
  bool operator==(const Step&) const = default;
};
using Derivation = std::vector<Step>;

/// Text of a derivation; for `hidden` the nested expression. A value that is not whole is written (8/3).
std::string write_derivation(const Derivation& derivation, Notation notation);

/// Every derivation that solves the problem inside the world's rules (a-b with a ≥ b, division by 0 never and exact
/// unless the world has fractions, results ≤ cap), no two with the same text. Cost: all pairings, about 10^2 for
/// 3 numbers, 10^4 for 4. Errors: usage above 6 numbers.
std::vector<Derivation> all_solutions(const CountdownWorld& world, const std::vector<int64_t>& numbers, int64_t target);
/// One of all_solutions, uniformly, without building them all; empty when there is none.
Derivation random_solution(const CountdownWorld& world, const std::vector<int64_t>& numbers, int64_t target, Rng rng);
/// A uniformly random one of all legal derivations that use every number once (right or wrong).
/// Errors: data when the rules allow none (a number above the cap).
Derivation random_derivation(const CountdownWorld& world, const std::vector<int64_t>& numbers, Rng rng);

/// "3 7 12 -> 43 :"
std::string countdown_prompt(const std::vector<int64_t>& numbers, int64_t target);

/// The problem of these numbers, in this order, with its prompt and an id that the order does not change.
/// Errors: usage unless there are world.count numbers.
Problem make_problem(const CountdownWorld& world, const std::vector<int64_t>& numbers, int64_t target);

/// Which side of the split a (multiset, target) pair falls on. Deterministic: a hash of the sorted numbers and the
/// target (about one in five is held out), so that no problem is ever on both sides, whatever the seed, and reordering
/// the numbers changes nothing. game24 has one target only: there every second multiset of all_game24() is held out,
/// beginning with the second; errors: data for numbers that are not in it.
enum class Split { train, held_out };
Split split_of(const CountdownWorld& world, const std::vector<int64_t>& numbers, int64_t target);
/// The same for every world but game24.
Split split_of(const std::vector<int64_t>& numbers, int64_t target);

/// How many (multiset, target) pairs of the world can be solved; cost up to a second.
int64_t solvable_pairs(const CountdownWorld& world);
int64_t solvable_pairs(const CountdownWorld& world, Split split);

/// `count` distinct solvable problems of one side of the split, numbers in random order. Distinct by (multiset,
/// target). Numbers are drawn independently, then a target uniformly among those they reach; a world that runs short
/// is finished off with what is left of it, uniformly. Errors: usage if the world holds fewer.
std::vector<Problem> draw_problems(const CountdownWorld& world, Split split, int64_t count, Rng rng);

/// game24: all 1,362 solvable multisets of four numbers 1..13 (rational arithmetic), in lexicographic order.
std::vector<std::vector<int64_t>> all_game24();

/// Strict verifier: the text must be a derivation (visible) or an expression (hidden) that uses each of the problem's
/// numbers exactly once, every stated step must be true in exact rational arithmetic, and the end must equal the
/// target. Both notations are accepted; anything after the derivation is refused. An attempt may begin with the
/// writer's opinion of the attempt before it, "right :" or "wrong :", which earns and costs nothing.
Verdict verify_countdown(const Problem& problem, std::string_view completion);

}  // namespace hone::tasks
