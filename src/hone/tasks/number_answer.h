// Numbers in an answer, read as a person would read them and compared exactly.
#pragma once

#include "hone/tasks/problem.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hone::tasks {

/// digits · 10^exponent, of any length: digits without leading or trailing zeros, empty for 0.
struct Decimal {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;
  bool operator==(const Decimal&) const = default;
};

/// A decimal or a quotient of two.
struct Number {
  Decimal num, den = {false, "1", 0};
  bool readable = true;  ///< false for what looks like a number and has no single value: 3/0, 1/2/3
};

/// Numbers found in a text.
struct NumbersFound {
  int64_t count = 0;
  Number last;
};

/// Signs ("-3", "−3", but not the one of "5-3"), decimals (".5", "0.50"), thousands separators ("1,234"), powers of ten
/// ("1e5"), fractions ("3/4", "\frac{3}{4}") and a trailing full stop are understood. Cost: linear in the text.
NumbersFound find_numbers(std::string_view text);

/// Exact while numerators and denominators have at most 18 digits; longer fractions are compared part by part.
bool same_value(const Number& a, const Number& b);

/// The one number that `text` answers: what its \boxed{} hold when there are any, otherwise its last number. Empty,
/// with the reason, when there is none, when a box is not closed, holds several numbers, or two boxes differ.
std::optional<Number> answered_number(std::string_view text, std::string& reason);

/// Verdict of the "number" verifier.
Verdict verify_number(const Problem& problem, std::string_view completion);

}  // namespace hone::tasks
