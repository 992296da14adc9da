#include "hone/tasks/game24_search.h"

#include "hone/base/error.h"
#include "hone/tasks/countdown_walk.h"

#include <algorithm>

namespace hone::tasks {
namespace {

constexpr int64_t kTarget = 24;
// Largest number with a word of its own. 24 can be reached from every solvable multiset without a larger one.
constexpr int64_t kLargest = 199;

// How often a search goes through a position from a good move on. The rest teach going on from a wrong guess.
constexpr double kFromGood = 0.7;

bool can_be_written(Rational value) { return value.num <= kLargest && value.den <= kLargest; }

// A move and the position after it.
struct Try {
  Move move;
  Pool next;
};

// The moves of a position in the order that they are tried in. Of a pair's moves with one result only the first is
// there (4 * 1 and 4 / 1).
std::vector<Try> tries_of(const Pool& pool) {
  static const CountdownWorld kWorld = [] {
    CountdownWorld world = countdown_world("game24");
    world.cap = kLargest;
    return world;
  }();
  std::vector<Try> tries;
  for_each_move(kWorld, pool, [&](const Move& m) {
    const auto same = [&](const Try& t) { return t.move.i == m.i && t.move.j == m.j && t.move.result == m.result; };
    if (can_be_written(m.result) && std::none_of(tries.begin(), tries.end(), same))
      tries.push_back({m, replace_pair(pool, m.i, m.j, m.result)});
    return Walk::go_on;
  });
  return tries;
}

bool reaches(const Pool& pool) {
  if (pool.size == 1) return pool.values[0] == Rational{kTarget, 1};
  const auto tries = tries_of(pool);
  return std::any_of(tries.begin(), tries.end(), [](const Try& t) { return reaches(t.next); });
}

// `learn` is for the choice of the move; what follows from it is always learned.
void add_step(MarkedWords& text, const Move& move, uint8_t learn = 1) {
  text.add(move.a, learn);
  text.add(std::string_view(&move.op, 1), learn);
  text.add(move.b, learn);
  text.add("=");
  text.add(move.result);
}

void add_values(MarkedWords& text, const Pool& pool, uint8_t learn = 1) {
  for (std::size_t i = 0; i < pool.size; ++i) text.add(pool.values[i], learn);
}

void add_derivation(MarkedWords& text, const std::vector<Move>& path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (i > 0) text.add(";");
    add_step(text, path[i]);
  }
}

class SearchWriter {
 public:
  SearchWriter(MarkedWords& text, double doubt, Rng rng) : text_(text), doubt_(doubt), rng_(rng) {}

  // Whether the position led to 24; if so, `path` holds the moves.
  bool explore(const Pool& pool, std::vector<Move>& path) {
    if (pool.size != 3) add_position(pool);  // one of three values is there already, with its verdict
    text_.add(":");
    const auto [tries, chosen] = tries_from_somewhere(pool);
    for (std::size_t i = 0; i < tries.size(); ++i) {
      const auto& [move, next] = tries[i];
      const bool good = reaches(next), last = next.size == 1;
      add_step(text_, move, i > 0 || chosen ? 1 : 0);
      if (next.size == 3) add_position(next);
      const bool doubted = !good && !last && rng_.uniform() < doubt_;
      text_.add(good || doubted ? "yes" : "no", doubted ? 0 : 1);
      if (!good && !doubted) continue;
      path.push_back(move);
      if (last || explore(next, path)) return true;
      path.pop_back();
    }
    text_.add("back");
    return false;
  }

 private:
  // The moves in their order, round and round, from a good one if there is one (mostly; that choice is learned) or from
  // anywhere.
  std::pair<std::vector<Try>, bool> tries_from_somewhere(const Pool& pool) {
    auto tries = tries_of(pool);
    std::vector<std::size_t> good;
    for (std::size_t i = 0; i < tries.size(); ++i)
      if (reaches(tries[i].next)) good.push_back(i);
    if (tries.empty()) return {tries, false};
    const bool chosen = !good.empty() && rng_.uniform() < kFromGood;
    const std::size_t start = chosen ? good[rng_.below(good.size())] : rng_.below(tries.size());
    std::rotate(tries.begin(), tries.begin() + static_cast<std::ptrdiff_t>(start), tries.end());
    return {std::move(tries), chosen};
  }

  void add_position(const Pool& pool) {
    text_.add(":");
    add_values(text_, pool);
  }

  MarkedWords& text_;
  double doubt_;
  Rng rng_;
};

// A uniformly drawn solution among those that can be written.
bool random_path(const Pool& pool, Rng& rng, std::vector<Move>& path) {
  if (pool.size == 1) return pool.values[0] == Rational{kTarget, 1};
  auto tries = tries_of(pool);
  rng.shuffle(tries);
  for (const auto& [move, next] : tries) {
    path.push_back(move);
    if (random_path(next, rng, path)) return true;
    path.pop_back();
  }
  return false;
}

}  // namespace

void MarkedWords::add(std::string_view word, uint8_t learn) {
  words.emplace_back(word);
  learned.push_back(learn);
}

void MarkedWords::add(Rational value, uint8_t learn) {
  if (value.den == 1) return add(std::to_string(value.num), learn);
  for (const std::string& word :
       {std::string("("), std::to_string(value.num), std::string("/"), std::to_string(value.den), std::string(")")})
    add(word, learn);
}

std::vector<std::string> game24_words() {
  std::vector<std::string> words;
  for (int64_t n = 0; n <= kLargest; ++n) words.push_back(std::to_string(n));
  for (const char* word :
       {"+", "-", "*", "/", "(", ")", "=", ";", "->", ":", "yes", "no", "back", "answer", "search", "check"})
    words.emplace_back(word);
  return words;
}

std::string game24_prompt(const std::vector<int64_t>& numbers) { return countdown_prompt(numbers, kTarget); }

std::string game24_search_prompt(const std::vector<int64_t>& numbers) { return game24_prompt(numbers) + " search"; }

Problem game24_search_problem(const std::vector<int64_t>& numbers) {
  Problem problem = make_problem(countdown_world("game24"), numbers, kTarget);
  problem.prompt = game24_search_prompt(numbers);
  return problem;
}

MarkedWords game24_search(const std::vector<int64_t>& numbers, double doubt, Rng rng) {
  MarkedWords text;
  std::vector<Move> path;
  if (!SearchWriter(text, doubt, rng).explore(make_pool(numbers), path)) return text;
  text.add("answer");
  add_derivation(text, path);
  return text;
}

MarkedWords game24_checks(std::span<const std::vector<int64_t>> puzzles, int64_t count, Rng rng) {
  require(!puzzles.empty(), ErrorKind::internal, "game24_checks was given no puzzle");
  MarkedWords text;
  text.add("check", 0);
  for (int64_t i = 0; i < count; ++i) {
    auto tries = tries_of(make_pool(puzzles[rng.below(puzzles.size())]));
    rng.shuffle(tries);
    const auto good = std::find_if(tries.begin(), tries.end(), [](const Try& t) { return reaches(t.next); });
    const bool wanted = rng.uniform() < 0.5 && good != tries.end();
    add_values(text, (wanted ? *good : tries.front()).next, 0);
    text.add(wanted || good == tries.begin() ? "yes" : "no");
  }
  return text;
}

MarkedWords game24_derivation(const std::vector<int64_t>& numbers, Rng rng) {
  MarkedWords text;
  std::vector<Move> path;
  if (random_path(make_pool(numbers), rng, path)) add_derivation(text, path);
  return text;
}

std::vector<std::vector<int64_t>> game24_training_multisets() {
  const auto& world = countdown_world("game24");
  const auto solvable = all_game24();
  std::vector<std::vector<int64_t>> all;
  for_each_multiset(world, [&](const std::vector<int64_t>& numbers) {
    const bool puzzle = std::binary_search(solvable.begin(), solvable.end(), numbers);
    if (!puzzle || split_of(world, numbers, kTarget) == Split::train) all.push_back(numbers);
  });
  return all;
}

Verdict verify_game24(const Problem& problem, std::string_view completion) {
  constexpr std::string_view kAnswer = "answer";
  const auto at = completion.rfind(kAnswer);
  return verify_countdown(problem, at == std::string_view::npos ? completion : completion.substr(at + kAnswer.size()));
}

}  // namespace hone::tasks
