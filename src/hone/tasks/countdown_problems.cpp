// Problems of the Countdown worlds: prompts, the split, and drawing.
#include "hone/base/error.h"
#include "hone/tasks/countdown.h"
#include "hone/tasks/countdown_walk.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace hone::tasks {
namespace {

using Numbers = std::vector<int64_t>;
using Pair = std::pair<Numbers, int64_t>;  ///< sorted numbers and a target they reach

Numbers sorted(Numbers numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// Targets of the world that `numbers` reach, ascending.
std::vector<int64_t> reachable(const CountdownWorld& world, const Numbers& numbers) {
  std::vector<uint8_t> hit(static_cast<std::size_t>(world.target_high - world.target_low + 1), 0);
  walk_all(world, numbers, [&](const Derivation&, Rational end) {
    if (end.den == 1 && end.num >= world.target_low && end.num <= world.target_high) {
      hit[static_cast<std::size_t>(end.num - world.target_low)] = 1;
    }
    return Walk::go_on;
  });
  std::vector<int64_t> targets;
  for (std::size_t i = 0; i < hit.size(); ++i) {
    if (hit[i] != 0) targets.push_back(world.target_low + static_cast<int64_t>(i));
  }
  return targets;
}

const std::vector<Numbers>& game24_table() {
  static const std::vector<Numbers> kTable = [] {
    const CountdownWorld& world = countdown_world("game24");
    std::vector<Numbers> solvable;
    for_each_multiset(world, [&](const Numbers& numbers) {
      const Walk outcome = walk_all(world, numbers, [](const Derivation&, Rational end) {
        return end == Rational{24, 1} ? Walk::stop : Walk::go_on;
      });
      if (outcome == Walk::stop) solvable.push_back(numbers);
    });
    return solvable;
  }();
  return kTable;
}

bool is_game24(const CountdownWorld& world) { return world.name == "game24"; }

template <class Use>
void for_each_pair(const CountdownWorld& world, Use use) {
  if (is_game24(world)) {
    for (const Numbers& numbers : game24_table()) use(numbers, int64_t{24});
    return;
  }
  for_each_multiset(world, [&](const Numbers& numbers) {
    for (const int64_t target : reachable(world, numbers)) use(numbers, target);
  });
}

// Adds up to count - taken.size() pairs that are not in `taken`, drawn from all that are left.
void finish_off(const CountdownWorld& world, Split split, int64_t count, Rng rng, std::set<Pair>& taken,
                std::vector<Problem>& problems) {
  std::vector<Pair> rest;
  for_each_pair(world, [&](const Numbers& numbers, int64_t target) {
    if (split_of(world, numbers, target) == split && !taken.contains({numbers, target})) {
      rest.emplace_back(numbers, target);
    }
  });
  const std::size_t missing = static_cast<std::size_t>(count) - problems.size();
  require(rest.size() >= missing, ErrorKind::usage, "{} {} problems of {} asked, but the world holds {}", count,
          split == Split::train ? "training" : "held-out", world.name, problems.size() + rest.size());
  rng.shuffle(rest);
  for (std::size_t i = 0; i < missing; ++i) {
    Numbers numbers = rest[i].first;
    rng.shuffle(numbers);
    problems.push_back(make_problem(world, numbers, rest[i].second));
  }
}

}  // namespace

std::string countdown_prompt(const Numbers& numbers, int64_t target) {
  return fmt::format("{} -> {} :", fmt::join(numbers, " "), target);
}

Problem make_problem(const CountdownWorld& world, const Numbers& numbers, int64_t target) {
  require(static_cast<int64_t>(numbers.size()) == world.count, ErrorKind::usage,
          "{} problems have {} numbers, found {}", world.name, world.count, numbers.size());
  Problem problem;
  problem.id = fmt::format("countdown:{}->{}", fmt::join(sorted(numbers), ","), target);
  problem.prompt = countdown_prompt(numbers, target);
  problem.numbers = numbers;
  problem.target = target;
  return problem;
}

Split split_of(const Numbers& numbers, int64_t target) {
  uint64_t hash = 0x9e3779b97f4a7c15ULL;
  const auto mix = [&hash](int64_t value) {
    hash ^= static_cast<uint64_t>(value);
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
    hash ^= hash >> 31;
  };
  for (const int64_t number : sorted(numbers)) mix(number);
  mix(target);
  return hash % 5 == 2 ? Split::held_out : Split::train;
}

Split split_of(const CountdownWorld& world, const Numbers& numbers, int64_t target) {
  if (!is_game24(world)) return split_of(numbers, target);
  const Numbers key = sorted(numbers);
  const std::vector<Numbers>& table = game24_table();
  const auto found = std::lower_bound(table.begin(), table.end(), key);
  require(target == 24 && found != table.end() && *found == key, ErrorKind::data,
          "{} -> {} is not a solvable problem of game24", fmt::join(numbers, " "), target);
  return std::distance(table.begin(), found) % 2 == 1 ? Split::held_out : Split::train;
}

int64_t solvable_pairs(const CountdownWorld& world) {
  int64_t count = 0;
  for_each_pair(world, [&](const Numbers&, int64_t) { ++count; });
  return count;
}

int64_t solvable_pairs(const CountdownWorld& world, Split split) {
  int64_t count = 0;
  for_each_pair(world, [&](const Numbers& numbers, int64_t target) {
    if (split_of(world, numbers, target) == split) ++count;
  });
  return count;
}

std::vector<Problem> draw_problems(const CountdownWorld& world, Split split, int64_t count, Rng rng) {
  require(count >= 0, ErrorKind::usage, "{} problems asked; allowed: 0 or more", count);
  // So many draws in a row without a new problem: the world is nearly used up.
  constexpr int kMostMisses = 200;
  std::vector<Problem> problems;
  std::set<Pair> taken;
  int misses = is_game24(world) ? kMostMisses : 0;
  const auto range = static_cast<uint64_t>(world.high - world.low + 1);
  while (static_cast<int64_t>(problems.size()) < count && misses < kMostMisses) {
    Numbers numbers;
    for (int i = 0; i < world.count; ++i) numbers.push_back(world.low + static_cast<int64_t>(rng.below(range)));
    const Numbers key = sorted(numbers);
    std::vector<int64_t> targets = reachable(world, key);
    std::erase_if(targets, [&](int64_t target) {
      return split_of(key, target) != split || taken.contains({key, target});
    });
    if (targets.empty()) {
      ++misses;
      continue;
    }
    misses = 0;
    const int64_t target = targets[rng.below(targets.size())];
    taken.insert({key, target});
    problems.push_back(make_problem(world, numbers, target));
  }
  if (static_cast<int64_t>(problems.size()) < count) {
    finish_off(world, split, count, rng.fork("finish off"), taken, problems);
  }
  return problems;
}

std::vector<std::vector<int64_t>> all_game24() { return game24_table(); }

}  // namespace hone::tasks
