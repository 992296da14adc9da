#include "hone/tasks/countdown.h"

#include "hone/base/error.h"
#include "hone/base/text_match.h"
#include "hone/tasks/countdown_walk.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hone::tasks {
namespace {

// Worlds with symbols need cap ≥ every number and target, so that each has a token.
constexpr std::size_t kWorlds = 7;
const std::array<CountdownWorld, kWorlds>& worlds() {
  // clang-format off
  static const std::array<CountdownWorld, kWorlds> kTable = {{
      // name       count  low high  target   cap  symbols fractions
      {"cd3",       3,     1,  30,   10, 60,  99,  true,   false},
      {"cd3-wide",  3,     1,  99,   10, 100, 0,   false,  false},
      {"cd4-mini",  4,     1,  20,   10, 50,  99,  true,   false},
      {"game24",    4,     1,  13,   24, 24,  0,   false,  true},
      {"cd3-demo",  3,     1,  20,   10, 60,  99,  true,   false},
      {"cd3-smoke", 3,     1,  6,    5,  20,  36,  true,   false},
      {"cd2-smoke", 2,     1,  20,   1,  60,  99,  true,   false},
  }};
  // clang-format on
  return kTable;
}

std::string operand_text(Rational value) { return value.den == 1 ? to_text(value) : "(" + to_text(value) + ")"; }

std::string write_visible(const Derivation& derivation) {
  std::string text;
  for (const Step& step : derivation) {
    if (!text.empty()) text += " ; ";
    text += fmt::format("{} {} {} = {}", operand_text({step.a, step.a_den}), step.op,
                        operand_text({step.b, step.b_den}), operand_text({step.result, step.result_den}));
  }
  return text;
}

// Results not yet used, with the expression of each.
using Open = std::vector<std::pair<Rational, std::string>>;

// The expression of an operand. One that equals an open result is that result: which of two equal values is meant
// makes no difference to what the whole expression uses.
std::string take(Open& open, Rational value) {
  const auto found = std::find_if(open.begin(), open.end(), [&](const auto& entry) { return entry.first == value; });
  if (found == open.end()) return operand_text(value);
  std::string text = "( " + found->second + " )";
  open.erase(found);
  return text;
}

std::string write_hidden(const Derivation& derivation) {
  Open open;
  for (const Step& step : derivation) {
    std::string left = take(open, {step.a, step.a_den});
    const std::string right = take(open, {step.b, step.b_den});
    open.emplace_back(Rational{step.result, step.result_den}, std::move(left) + " " + step.op + " " + right);
  }
  return open.empty() ? "" : open.back().second;
}

}  // namespace

const CountdownWorld& countdown_world(std::string_view name) {
  for (const CountdownWorld& world : worlds()) {
    if (world.name == name) return world;
  }
  fail(ErrorKind::usage, "no Countdown world \"{}\"{}", name, base::suggestion(name, countdown_world_names()));
}

std::vector<std::string> countdown_world_names() {
  std::vector<std::string> names;
  for (const CountdownWorld& world : worlds()) names.push_back(world.name);
  return names;
}

std::string write_derivation(const Derivation& derivation, Notation notation) {
  return notation == Notation::visible ? write_visible(derivation) : write_hidden(derivation);
}

Pool make_pool(const std::vector<int64_t>& numbers) {
  require(!numbers.empty() && numbers.size() <= kMostNumbers, ErrorKind::usage,
          "{} numbers to enumerate; from 1 to {} can be", numbers.size(), kMostNumbers);
  std::vector<int64_t> ascending = numbers;
  std::sort(ascending.begin(), ascending.end());
  Pool pool;
  for (const int64_t number : ascending) pool.values[pool.size++] = {number, 1};
  return pool;
}

std::optional<Rational> legal_result(const CountdownWorld& world, Rational a, char op, Rational b) {
  std::optional<Rational> result;
  if (world.fractions) {
    result = apply(a, op, b);
  } else {
    int64_t whole = 0;
    bool fits = true;
    switch (op) {
      case '+':
        fits = !__builtin_add_overflow(a.num, b.num, &whole);
        break;
      case '-':
        fits = !__builtin_sub_overflow(a.num, b.num, &whole);
        break;
      case '*':
        fits = !__builtin_mul_overflow(a.num, b.num, &whole);
        break;
      default:
        fits = b.num > 0 && a.num % b.num == 0;
        if (fits) whole = a.num / b.num;
    }
    if (fits) result = Rational{whole, 1};
  }
  if (!result || result->num < 0) return {};
  if (world.cap > 0 && Rational{world.cap, 1} < *result) return {};
  return result;
}

std::vector<Derivation> all_solutions(const CountdownWorld& world, const std::vector<int64_t>& numbers,
                                      int64_t target) {
  std::vector<Derivation> solutions;
  walk_all(world, numbers, [&](const Derivation& path, Rational end) {
    if (end == Rational{target, 1}) solutions.push_back(path);
    return Walk::go_on;
  });
  return solutions;
}

namespace {

// A uniform one of the derivations whose end `fits`: the first walk counts them, the second stops at the one drawn.
template <class Fits>
std::optional<Derivation> draw_derivation(const CountdownWorld& world, const std::vector<int64_t>& numbers, Rng rng,
                                          Fits fits) {
  uint64_t count = 0;
  walk_all(world, numbers, [&](const Derivation&, Rational end) {
    if (fits(end)) ++count;
    return Walk::go_on;
  });
  if (count == 0) return {};
  uint64_t left = rng.below(count);
  std::optional<Derivation> drawn;
  walk_all(world, numbers, [&](const Derivation& path, Rational end) {
    if (!fits(end) || left-- > 0) return Walk::go_on;
    drawn = path;
    return Walk::stop;
  });
  return drawn;
}

}  // namespace

Derivation random_solution(const CountdownWorld& world, const std::vector<int64_t>& numbers, int64_t target, Rng rng) {
  return draw_derivation(world, numbers, rng,
                         [&](Rational end) {
                           return end == Rational{target, 1};
                         })
      .value_or(Derivation{});
}

Derivation random_derivation(const CountdownWorld& world, const std::vector<int64_t>& numbers, Rng rng) {
  const std::optional<Derivation> drawn = draw_derivation(world, numbers, rng, [](Rational) { return true; });
  require(drawn.has_value(), ErrorKind::data, "the rules of {} allow no derivation from {}", world.name,
          fmt::join(numbers, " "));
  return *drawn;
}

}  // namespace hone::tasks
