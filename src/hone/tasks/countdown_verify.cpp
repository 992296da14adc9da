// The strict judge of Countdown answers. Everything here works on hostile text: bounded length, bounded depth, exact
// arithmetic that reports overflow, and no exception.
#include "hone/tasks/countdown.h"
#include "hone/tasks/rational.h"
#include "hone/text/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace hone::tasks {
namespace {

constexpr std::size_t kMostBytes = 4096;  // far above any derivation; bounds all work below
constexpr std::size_t kMostDigits = 18;   // fits in 64 bits
constexpr int kMostDepth = 64;

struct Token {
  char kind = 0;      ///< '0' for a number, otherwise the mark itself
  int64_t value = 0;  ///< of a number
};
using Tokens = std::span<const Token>;

/// An outcome that knows why it failed; ok while `reason` is empty.
struct Reason {
  std::string text;
  bool ok() const { return text.empty(); }
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 32 && byte < 127 ? fmt::format("\"{}\"", c) : fmt::format("byte 0x{:02X}", byte);
}

Reason cut(std::string_view text, std::vector<Token>& tokens) {
  if (text.size() > kMostBytes) return {fmt::format("longer than {} bytes", kMostBytes)};
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (is_digit(c)) {
      const std::size_t start = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      if (at - start > kMostDigits) return {fmt::format("a number of {} digits", at - start)};
      int64_t value = 0;
      for (const char digit : text.substr(start, at - start)) value = value * 10 + (digit - '0');
      tokens.push_back({'0', value});
      continue;
    }
    ++at;
    if (std::string_view(" \t\r\n").find(c) != std::string_view::npos) continue;
    if (std::string_view("+-*/()=;").find(c) == std::string_view::npos) return {"unexpected " + shown(c)};
    tokens.push_back({c, 0});
  }
  return {};
}

std::string shown(const Token& token) { return token.kind == '0' ? std::to_string(token.value) : shown(token.kind); }

bool is_operator(const Token& token) { return std::string_view("+-*/").find(token.kind) != std::string_view::npos; }

// Takes `value` out of `left`; what is not there was used before or never given.
Reason take(std::vector<Rational>& left, const std::vector<Rational>& known, Rational value) {
  const auto found = std::find(left.begin(), left.end(), value);
  if (found != left.end()) {
    left.erase(found);
    return {};
  }
  const bool was_there = std::find(known.begin(), known.end(), value) != known.end();
  return {was_there ? fmt::format("uses {} more often than it is there", to_text(value))
                    : fmt::format("uses {}, which is not there", to_text(value))};
}

Reason end_at(Rational end, int64_t target) {
  if (end == Rational{target, 1}) return {};
  return {fmt::format("ends at {}, not {}", to_text(end), target)};
}

// Reads left to right; every function leaves `at` behind what it read.
class Reader {
 public:
  explicit Reader(Tokens tokens) : tokens_(tokens) {}

  bool done() const { return at_ == tokens_.size(); }
  bool next_is(char kind) const { return !done() && tokens_[at_].kind == kind; }
  std::string found() const { return done() ? "the end" : shown(tokens_[at_]); }

  bool skip(char kind) {
    if (!next_is(kind)) return false;
    ++at_;
    return true;
  }

  /// An operator, or 0.
  char read_operator() { return !done() && is_operator(tokens_[at_]) ? tokens_[at_++].kind : '\0'; }

  /// A number without sign.
  std::optional<int64_t> read_number() {
    if (!next_is('0')) return {};
    return tokens_[at_++].value;
  }

  /// A stated value: 43, -4 or (8/3).
  std::optional<Rational> read_value() {
    const bool bracketed = skip('(');
    const bool negative = skip('-');
    const std::optional<int64_t> num = read_number();
    if (!num) return {};
    int64_t den = 1;
    if (bracketed) {
      if (skip('/')) {
        const std::optional<int64_t> read = read_number();
        if (!read) return {};
        den = *read;
      }
      if (!skip(')')) return {};
    }
    return make_rational(negative ? -*num : *num, den);
  }

 private:
  Tokens tokens_;
  std::size_t at_ = 0;
};

Reason check_steps(const Problem& problem, Tokens tokens) {
  std::vector<Rational> left;
  for (const int64_t number : problem.numbers) left.push_back({number, 1});
  std::vector<Rational> known = left;
  Reader reader(tokens);
  Rational end;
  do {
    const std::optional<Rational> a = reader.read_value();
    const char op = a ? reader.read_operator() : '\0';
    const std::optional<Rational> b = op != '\0' ? reader.read_value() : std::nullopt;
    const std::optional<Rational> stated = b && reader.skip('=') ? reader.read_value() : std::nullopt;
    if (!stated) return {"a step is not a op b = c: stopped at " + reader.found()};
    for (const Rational& operand : {*a, *b}) {
      if (Reason reason = take(left, known, operand); !reason.ok()) return reason;
    }
    const std::string step = fmt::format("{} {} {}", to_text(*a), op, to_text(*b));
    const std::optional<Rational> result = apply(*a, op, *b);
    if (!result) return {step + (b->num == 0 && op == '/' ? " divides by 0" : " is too large")};
    if (*result != *stated) return {fmt::format("{} = {}, not {}", step, to_text(*result), to_text(*stated))};
    left.push_back(*result);
    known.push_back(*result);
    end = *result;
  } while (reader.skip(';'));
  if (!reader.done()) return {"unexpected " + reader.found() + " after the derivation"};
  left.pop_back();
  if (!left.empty()) return {"does not use " + to_text(left.front())};
  return end_at(end, problem.target);
}

// Recursive descent with the usual precedence; depth is bounded.
class Expression {
 public:
  explicit Expression(Tokens tokens) : reader_(tokens) {}

  /// The value of the whole text; `used` gets its numbers.
  Reason evaluate(Rational& value, std::vector<int64_t>& used) {
    used_ = &used;
    Reason reason = sum(value, 0);
    if (reason.ok() && !reader_.done()) return {"unexpected " + reader_.found() + " after the expression"};
    return reason;
  }

 private:
  Reason sum(Rational& value, int depth) {
    Reason reason = product(value, depth);
    while (reason.ok() && (reader_.next_is('+') || reader_.next_is('-'))) {
      const char op = reader_.read_operator();
      Rational right;
      reason = product(right, depth);
      if (reason.ok()) reason = combine(value, op, right);
    }
    return reason;
  }

  Reason product(Rational& value, int depth) {
    Reason reason = atom(value, depth);
    while (reason.ok() && (reader_.next_is('*') || reader_.next_is('/'))) {
      const char op = reader_.read_operator();
      Rational right;
      reason = atom(right, depth);
      if (reason.ok()) reason = combine(value, op, right);
    }
    return reason;
  }

  Reason atom(Rational& value, int depth) {
    if (depth > kMostDepth) return {fmt::format("brackets deeper than {}", kMostDepth)};
    if (reader_.skip('(')) {
      Reason reason = sum(value, depth + 1);
      if (reason.ok() && !reader_.skip(')')) return {"a bracket is not closed: found " + reader_.found()};
      return reason;
    }
    const std::optional<int64_t> number = reader_.read_number();
    if (!number) return {"a number was expected, found " + reader_.found()};
    used_->push_back(*number);
    value = {*number, 1};
    return {};
  }

  static Reason combine(Rational& value, char op, Rational right) {
    const std::optional<Rational> result = apply(value, op, right);
    if (!result) return {op == '/' && right.num == 0 ? "divides by 0" : "a value is too large"};
    value = *result;
    return {};
  }

  Reader reader_;
  std::vector<int64_t>* used_ = nullptr;
};

Reason check_expression(const Problem& problem, Tokens tokens) {
  Rational end;
  std::vector<int64_t> used;
  if (Reason reason = Expression(tokens).evaluate(end, used); !reason.ok()) return reason;
  std::vector<Rational> left;
  for (const int64_t number : problem.numbers) left.push_back({number, 1});
  const std::vector<Rational> known = left;
  for (const int64_t number : used) {
    if (Reason reason = take(left, known, {number, 1}); !reason.ok()) return reason;
  }
  if (!left.empty()) return {"does not use " + to_text(left.front())};
  return end_at(end, problem.target);
}

// "wrong : 3 * 12 = 36 ; …" → "3 * 12 = 36 ; …"
std::string_view without_opinion(std::string_view text) {
  if (!text.starts_with("right") && !text.starts_with("wrong")) return text;
  const std::string_view rest = text::trim(text.substr(5));
  return rest.starts_with(':') ? text::trim(rest.substr(1)) : text;
}

Reason check(const Problem& problem, std::string_view completion) {
  if (problem.numbers.empty()) return {"the problem has no numbers"};
  std::vector<Token> tokens;
  if (Reason reason = cut(without_opinion(text::trim(completion)), tokens); !reason.ok()) return reason;
  if (tokens.empty()) return {"empty"};
  const bool visible = std::any_of(tokens.begin(), tokens.end(), [](const Token& t) { return t.kind == '='; });
  return visible ? check_steps(problem, tokens) : check_expression(problem, tokens);
}

}  // namespace

Verdict verify_countdown(const Problem& problem, std::string_view completion) {
  const Reason reason = check(problem, completion);
  return {reason.ok() ? 1.0 : 0.0, reason.text};
}

}  // namespace hone::tasks
