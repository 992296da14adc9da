#include "hone/tasks/rational.h"

#include <limits>

namespace hone::tasks {
namespace {

__extension__ using Wide = __int128;  // holds every sum and product of two products of 64-bit integers

std::optional<Rational> reduce(Wide num, Wide den) {
  if (den == 0) return {};
  Wide a = num < 0 ? -num : num, b = den < 0 ? -den : den;
  while (b != 0) {
    const Wide rest = a % b;
    a = b;
    b = rest;
  }
  if (den < 0) a = -a;
  num /= a;
  den /= a;
  // The most negative integer is left out, so that every value can be negated.
  constexpr Wide kMost = std::numeric_limits<int64_t>::max();
  if (num > kMost || num < -kMost || den > kMost) return {};
  return Rational{static_cast<int64_t>(num), static_cast<int64_t>(den)};
}

}  // namespace

bool operator<(Rational a, Rational b) { return Wide{a.num} * b.den < Wide{b.num} * a.den; }

std::optional<Rational> make_rational(int64_t num, int64_t den) { return reduce(num, den); }

std::optional<Rational> apply(Rational a, char op, Rational b) {
  const Wide a_num = a.num, a_den = a.den, b_num = b.num, b_den = b.den;
  switch (op) {
    case '+':
      return reduce(a_num * b_den + b_num * a_den, a_den * b_den);
    case '-':
      return reduce(a_num * b_den - b_num * a_den, a_den * b_den);
    case '*':
      return reduce(a_num * b_num, a_den * b_den);
    case '/':
      return reduce(a_num * b_den, a_den * b_num);
    default:
      return {};
  }
}

std::string to_text(Rational value) {
  const std::string num = std::to_string(value.num);
  return value.den == 1 ? num : num + "/" + std::to_string(value.den);
}

}  // namespace hone::tasks
