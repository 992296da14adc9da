// Exact fractions of 64-bit integers; what does not fit is reported, never rounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hone::tasks {

/// num/den in lowest terms with den ≥ 1.
struct Rational {
  int64_t num = 0;
  int64_t den = 1;
  bool operator==(const Rational&) const = default;
};

bool operator<(Rational a, Rational b);

/// a op b for op in + - * /; empty when b is 0 in a division, when the result does not fit, or for another op.
std::optional<Rational> apply(Rational a, char op, Rational b);

/// num/den in lowest terms; empty when den is 0 or the result does not fit.
std::optional<Rational> make_rational(int64_t num, int64_t den);

/// "43", "-4" or "8/3".
std::string to_text(Rational value);

}  // namespace hone::tasks
