#include "hone/tasks/number_answer.h"

#include "hone/tasks/rational.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hone::tasks {
namespace {

constexpr std::string_view kMinus = "\xE2\x88\x92";  // U+2212
constexpr std::string_view kBox = "\\boxed{";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

Decimal make_decimal(bool negative, std::string digits, int64_t exponent) {
  const auto last = digits.find_last_not_of('0');
  if (last == std::string::npos) return {};
  exponent += static_cast<int64_t>(digits.size() - 1 - last);
  digits.erase(last + 1);
  digits.erase(0, digits.find_first_not_of('0'));
  return {negative, std::move(digits), exponent};
}

// Reads numbers out of a text from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return at_ >= text_.size(); }
  void step() { ++at_; }

  /// A number that begins here; otherwise nothing is read.
  std::optional<Number> read() {
    const std::size_t start = at_;
    const bool negative = read_sign();
    if (std::optional<Number> number = read_unsigned()) {
      if (number->num.digits.empty()) return number;
      number->num.negative = number->num.negative != negative;
      return number;
    }
    at_ = start;
    return {};
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool next_is(std::string_view word) const { return text_.substr(std::min(at_, text_.size())).starts_with(word); }
  bool skip(std::string_view word) {
    if (!next_is(word)) return false;
    at_ += word.size();
    return true;
  }

  // A minus after a value is a subtraction, not a sign.
  bool read_sign() {
    const char before = at_ > 0 ? text_[at_ - 1] : '\0';
    const bool after_value = is_digit(before) || is_letter(before) || before == ')' || before == ']' || before == '}';
    const bool negative = skip(kMinus) || skip("-");
    if (!negative) skip("+");
    if (!skip("\\$")) skip("$");
    return negative && !after_value;
  }

  std::optional<Number> read_unsigned() {
    for (const std::string_view name : {"\\frac", "\\dfrac", "\\tfrac"}) {
      if (next_is(name)) return read_latex_fraction(name);
    }
    std::optional<Decimal> num = read_decimal();
    if (!num) return {};
    Number number{std::move(*num), {false, "1", 0}, true};
    int slashes = 0;
    while (std::optional<Decimal> den = read_denominator()) {
      number.den = std::move(*den);
      ++slashes;
    }
    number.readable = slashes <= 1 && !number.den.digits.empty();
    return number;
  }

  std::optional<Number> read_latex_fraction(std::string_view name) {
    const std::size_t start = at_;
    at_ += name.size();
    std::optional<Decimal> num = read_braced();
    std::optional<Decimal> den = num ? read_braced() : std::nullopt;
    if (!den) {
      at_ = start;
      return {};
    }
    const bool readable = !den->digits.empty();
    return Number{std::move(*num), std::move(*den), readable};
  }

  std::optional<Decimal> read_braced() {
    if (!skip("{")) return {};
    const bool negative = skip("-");
    std::optional<Decimal> value = read_decimal();
    if (!value || !skip("}")) return {};
    if (!value->digits.empty()) value->negative = negative;
    return value;
  }

  // "/ 4" with spaces or none; otherwise nothing is read.
  std::optional<Decimal> read_denominator() {
    const std::size_t start = at_;
    while (peek() == ' ') ++at_;
    if (skip("/")) {
      while (peek() == ' ') ++at_;
      const bool negative = skip("-");
      if (std::optional<Decimal> value = read_decimal()) {
        if (!value->digits.empty()) value->negative = negative;
        return value;
      }
    }
    at_ = start;
    return {};
  }

  std::optional<Decimal> read_decimal() {
    const bool point_first = peek() == '.' && is_digit(peek(1)) && (at_ == 0 || !is_digit(text_[at_ - 1]));
    if (!is_digit(peek()) && !point_first) return {};
    std::string digits = read_digits();
    if (digits.size() <= 3) read_groups(digits);
    int64_t exponent = 0;
    if (peek() == '.' && is_digit(peek(1))) {
      ++at_;
      const std::string decimals = read_digits();
      exponent -= static_cast<int64_t>(decimals.size());
      digits += decimals;
    }
    return make_decimal(false, std::move(digits), exponent + read_power());
  }

  std::string read_digits() {
    const std::size_t start = at_;
    while (is_digit(peek())) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  // Groups of exactly three digits behind a separator, as people and LaTeX write them.
  void read_groups(std::string& digits) {
    if (digits.empty() || digits[0] == '0') return;
    constexpr std::array<std::string_view, 4> kSeparators = {",\\!", "{,}", "\\,", ","};
    while (true) {
      const std::size_t start = at_;
      const auto found = std::find_if(kSeparators.begin(), kSeparators.end(),
                                      [&](std::string_view separator) { return skip(separator); });
      const bool group = found != kSeparators.end() && is_digit(peek()) && is_digit(peek(1)) && is_digit(peek(2)) &&
                         !is_digit(peek(3));
      if (!group) {
        at_ = start;
        return;
      }
      digits += text_.substr(at_, 3);
      at_ += 3;
    }
  }

  // The exponent of "e5"; more than 9 digits are taken for 10^9, which no comparison reaches.
  int64_t read_power() {
    const std::size_t sign = peek(1) == '-' || peek(1) == '+' ? 1 : 0;
    if ((peek() != 'e' && peek() != 'E') || !is_digit(peek(1 + sign))) return 0;
    const bool negative = peek(1) == '-';
    at_ += 1 + sign;
    int64_t power = 0;
    for (; is_digit(peek()); ++at_) power = std::min<int64_t>(power * 10 + (peek() - '0'), 1'000'000'000);
    return negative ? -power : power;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<Rational> to_rational(const Decimal& value) {
  if (value.digits.size() > 18) return {};
  int64_t digits = 0;
  for (const char digit : value.digits) digits = digits * 10 + (digit - '0');
  if (digits == 0) return Rational{};
  if (value.exponent > 18 || value.exponent < -18) return {};
  int64_t scale = 1;
  for (int64_t i = 0; i < std::abs(value.exponent); ++i) scale *= 10;
  const Rational whole{value.negative ? -digits : digits, 1};
  return apply(whole, value.exponent < 0 ? '/' : '*', {scale, 1});
}

std::optional<Rational> to_rational(const Number& number) {
  const std::optional<Rational> num = to_rational(number.num), den = to_rational(number.den);
  if (!num || !den) return {};
  return apply(*num, '/', *den);
}

// From the brace behind \boxed to the one that closes it; npos when none does.
std::size_t end_of_box(std::string_view text, std::size_t start) {
  int64_t depth = 1;
  for (std::size_t at = start; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) return at;
  }
  return std::string_view::npos;
}

}  // namespace

NumbersFound find_numbers(std::string_view text) {
  NumbersFound found;
  for (Scanner scanner(text); !scanner.done();) {
    if (std::optional<Number> number = scanner.read()) {
      ++found.count;
      found.last = std::move(*number);
    } else {
      scanner.step();
    }
  }
  return found;
}

bool same_value(const Number& a, const Number& b) {
  if (!a.readable || !b.readable) return false;
  const std::optional<Rational> x = to_rational(a), y = to_rational(b);
  if (x && y) return *x == *y;
  return a.num == b.num && a.den == b.den;
}

std::optional<Number> answered_number(std::string_view text, std::string& reason) {
  const auto refuse = [&reason](const char* why) {
    reason = why;
    return std::optional<Number>();
  };
  std::optional<Number> boxed;
  for (std::size_t at = text.find(kBox); at != std::string_view::npos; at = text.find(kBox, at)) {
    const std::size_t start = at + kBox.size();
    const std::size_t end = end_of_box(text, start);
    if (end == std::string_view::npos) return refuse("a box is not closed");
    NumbersFound found = find_numbers(text.substr(start, end - start));
    if (found.count != 1) return refuse("a box does not hold exactly one number");
    if (boxed && !same_value(*boxed, found.last)) return refuse("two boxes differ");
    boxed = std::move(found.last);
    at = end;
  }
  if (!boxed) {
    NumbersFound found = find_numbers(text);
    if (found.count == 0) return refuse("no number");
    boxed = std::move(found.last);
  }
  if (!boxed->readable) return refuse("the number has no single value");
  return boxed;
}

Verdict verify_number(const Problem& problem, std::string_view completion) {
  std::string reason;
  const std::optional<Number> wanted = answered_number(problem.answer, reason);
  if (!wanted) return {0, "the reference answer is no number: " + reason};
  const std::optional<Number> found = answered_number(completion, reason);
  if (!found) return {0, reason};
  if (same_value(*wanted, *found)) return {1, ""};
  return {0, "another number than " + problem.answer.substr(0, 60)};
}

}  // namespace hone::tasks
