#include "hone/tasks/countdown_search.h"

#include "hone/base/error.h"
#include "hone/tasks/countdown_walk.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

namespace hone::tasks {
namespace {

using Numbers = std::vector<int64_t>;

struct Node {
  double heuristic = 0;
  Numbers numbers;
  Derivation path;
};

struct Search {
  const CountdownWorld& world;
  int64_t target;
  Heuristic heuristic;
};

bool is_goal(const Node& node, int64_t target) { return node.numbers.size() == 1 && node.numbers[0] == target; }

// Children in the order of the official code: pairs i < j; for each +, *, larger - smaller, larger / smaller. The
// numbers left keep their order and the result is appended.
std::vector<Node> expand(const Search& search, const Node& node) {
  std::vector<Node> children;
  const Numbers& numbers = node.numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    for (std::size_t j = i + 1; j < numbers.size(); ++j) {
      const int64_t a = std::max(numbers[i], numbers[j]), b = std::min(numbers[i], numbers[j]);
      for (const char op : {'+', '*', '-', '/'}) {
        const std::optional<Rational> result = legal_result(search.world, {a, 1}, op, {b, 1});
        if (!result || result->den != 1) continue;
        Node child{0, {}, node.path};
        for (std::size_t k = 0; k < numbers.size(); ++k) {
          if (k != i && k != j) child.numbers.push_back(numbers[k]);
        }
        child.numbers.push_back(result->num);
        child.path.push_back({a, op, b, result->num});
        child.heuristic = heuristic_value(search.heuristic, child.numbers, search.target);
        children.push_back(std::move(child));
      }
    }
  }
  std::stable_sort(children.begin(), children.end(),
                   [](const Node& a, const Node& b) { return a.heuristic < b.heuristic; });
  return children;
}

Node root(const Search& search, const Numbers& numbers) {
  make_pool(numbers);  // refuses more numbers than a search can walk
  return {heuristic_value(search.heuristic, numbers, search.target), numbers, {}};
}

// Whether `child` ends the search; counts it.
bool explore(const Search& search, const Node& child, SearchResult& result) {
  ++result.explored;
  if (!is_goal(child, search.target)) return false;
  result.solved = true;
  result.solution = child.path;
  return true;
}

bool dive(const Search& search, const Node& node, SearchResult& result) {
  for (const Node& child : expand(search, node)) {
    if (child.heuristic > static_cast<double>(search.target)) break;  // sorted: so are all after it
    if (explore(search, child, result)) return true;
    if (child.numbers.size() > 1 && dive(search, child, result)) return true;
  }
  return false;
}

}  // namespace

double heuristic_value(Heuristic heuristic, const std::vector<int64_t>& numbers, int64_t target) {
  double total = 0;
  if (heuristic == Heuristic::sum) {
    for (const int64_t number : numbers) total += std::abs(static_cast<double>(number) - static_cast<double>(target));
    return numbers.empty() ? 0 : total / static_cast<double>(numbers.size());
  }
  for (const int64_t number : numbers) {
    // The target is a factor of itself; below 2 it is the only thing left to be near to.
    int64_t nearest = std::abs(number - target);
    for (int64_t factor = 2; factor * factor <= target; ++factor) {
      if (target % factor != 0) continue;
      nearest = std::min({nearest, std::abs(number - factor), std::abs(number - target / factor)});
    }
    total += static_cast<double>(nearest);
  }
  return total;
}

SearchResult solve_dfs(const CountdownWorld& world, const std::vector<int64_t>& numbers, int64_t target,
                       Heuristic heuristic) {
  const Search search{world, target, heuristic};
  SearchResult result;
  dive(search, root(search, numbers), result);
  return result;
}

SearchResult solve_bfs(const CountdownWorld& world, const std::vector<int64_t>& numbers, int64_t target,
                       Heuristic heuristic, int beam) {
  require(beam >= 1, ErrorKind::usage, "beam is {}; allowed: 1 or more", beam);
  const Search search{world, target, heuristic};
  const auto width = static_cast<std::size_t>(beam);
  SearchResult result;
  // Best first; nodes of one heuristic leave in the order in which they came.
  const auto better = [](const Node& a, const Node& b) { return a.heuristic < b.heuristic; };
  std::multiset<Node, decltype(better)> frontier(better);
  frontier.insert(root(search, numbers));
  while (!frontier.empty()) {
    std::vector<Node> current;
    while (!frontier.empty() && current.size() < width) {
      current.push_back(std::move(frontier.extract(frontier.begin()).value()));
    }
    for (const Node& node : current) {
      std::vector<Node> children = expand(search, node);
      children.resize(std::min(children.size(), width));
      for (Node& child : children) {
        if (explore(search, child, result)) return result;
        if (child.numbers.size() > 1) frontier.insert(std::move(child));
      }
    }
  }
  return result;
}

}  // namespace hone::tasks
