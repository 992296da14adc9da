// Every legal derivation of a Countdown problem, one after the other: the enumeration below all_solutions,
// random derivations, reachable targets and the list of game24.
#pragma once

#include "hone/tasks/countdown.h"
#include "hone/tasks/rational.h"

#include <algorithm>
#include <array>
#include <optional>

namespace hone::tasks {

/// Most numbers that can be enumerated: 6 give about 10^7 derivations, 7 would give 10^9.
inline constexpr std::size_t kMostNumbers = 6;

/// Whether the walk goes on after a derivation.
enum class Walk { go_on, stop };

/// Values still to be used, ascending.
struct Pool {
  std::array<Rational, kMostNumbers> values{};
  std::size_t size = 0;
};

/// Errors: usage unless there are 1..kMostNumbers numbers.
Pool make_pool(const std::vector<int64_t>& numbers);

/// a op b under the world's rules (results from 0 to the cap; whole numbers unless the world has fractions); empty
/// when they forbid it.
std::optional<Rational> legal_result(const CountdownWorld& world, Rational a, char op, Rational b);

/// The pool without the values at i < j, with `added`.
inline Pool replace_pair(const Pool& pool, std::size_t i, std::size_t j, Rational added) {
  Pool next;
  for (std::size_t k = 0; k < pool.size; ++k) {
    if (k == i || k == j) continue;
    next.values[next.size++] = pool.values[k];
  }
  std::size_t at = next.size++;
  while (at > 0 && added < next.values[at - 1]) {
    next.values[at] = next.values[at - 1];
    --at;
  }
  next.values[at] = added;
  return next;
}

/// Calls use(numbers) for every multiset of world.count numbers of the world's range, in lexicographic order.
template <class Use>
void for_each_multiset(const CountdownWorld& world, Use use) {
  std::vector<int64_t> numbers(static_cast<std::size_t>(world.count), world.low);
  for (bool more = true; more;) {
    use(static_cast<const std::vector<int64_t>&>(numbers));
    more = false;
    for (std::size_t i = numbers.size(); i-- > 0 && !more;) {
      if (numbers[i] == world.high) continue;
      std::fill(numbers.begin() + static_cast<std::ptrdiff_t>(i), numbers.end(), numbers[i] + 1);
      more = true;
    }
  }
}

/// A legal operation on the values at i < j of a pool.
struct Move {
  std::size_t i = 0, j = 0;
  Rational a;
  char op = '+';
  Rational b, result;
};

/// Calls use(move) for every legal operation on two values of `pool` until it says stop: + and * with the larger
/// operand first, and equal values are not told apart.
template <class Use>
Walk for_each_move(const CountdownWorld& world, const Pool& pool, Use use) {
  const auto& values = pool.values;
  const auto consider = [&](std::size_t i, std::size_t j, Rational a, char op, Rational b) {
    const std::optional<Rational> result = legal_result(world, a, op, b);
    return result ? use(Move{i, j, a, op, b, *result}) : Walk::go_on;
  };
  for (std::size_t i = 0; i < pool.size; ++i) {
    if (i > 0 && values[i] == values[i - 1]) continue;  // its pairs were those of the equal value before it
    for (std::size_t j = i + 1; j < pool.size; ++j) {
      if (j > i + 1 && values[j] == values[j - 1]) continue;
      for (const char op : {'+', '*', '-', '/'}) {
        if (consider(i, j, values[j], op, values[i]) == Walk::stop) return Walk::stop;
      }
      const bool smaller_by_larger = values[i] != values[j];
      if (smaller_by_larger && consider(i, j, values[i], '/', values[j]) == Walk::stop) return Walk::stop;
    }
  }
  return Walk::go_on;
}

/// Calls leaf(path, end) for every legal derivation from `pool` until it says stop. Derivations differ in their text:
/// + and * are written larger operand first, and equal values are not told apart.
template <class Leaf>
Walk walk(const CountdownWorld& world, const Pool& pool, Derivation& path, Leaf& leaf) {
  if (pool.size == 1) return leaf(path, pool.values[0]);
  return for_each_move(world, pool, [&](const Move& m) {
    path.push_back({m.a.num, m.op, m.b.num, m.result.num, m.a.den, m.b.den, m.result.den});
    const Walk outcome = walk(world, replace_pair(pool, m.i, m.j, m.result), path, leaf);
    path.pop_back();
    return outcome;
  });
}

/// The walk over all derivations of `numbers`.
template <class Leaf>
Walk walk_all(const CountdownWorld& world, const std::vector<int64_t>& numbers, Leaf leaf) {
  Derivation path;
  path.reserve(kMostNumbers);
  return walk(world, make_pool(numbers), path, leaf);
}

}  // namespace hone::tasks
