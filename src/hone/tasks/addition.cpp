#include "hone/tasks/addition.h"

#include "hone/base/error.h"
#include "hone/text/utf8.h"

#include <algorithm>

namespace hone::tasks {
namespace {

int64_t power_of_ten(int64_t digits) {
  int64_t power = 1;
  for (int64_t i = 0; i < digits; ++i) power *= 10;
  return power;
}

void check(const Problem& problem) {
  const int64_t end = power_of_ten(kMostDigits);
  const bool fits = problem.numbers.size() == 2 && std::all_of(problem.numbers.begin(), problem.numbers.end(),
                                                               [&](int64_t n) { return n >= 0 && n < end; });
  require(fits, ErrorKind::usage, "{} is no addition of two numbers of at most {} digits", problem.id, kMostDigits);
}

// Digits of `number`, padded with zeros in front to `width`.
std::string digits_of(int64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

// "6 2 4 " or "".
std::string spaced(std::string_view digits) {
  std::string text;
  for (const char c : digits) text += std::string(1, c) + " ";
  return text;
}

// One line: what is left, the sum so far, the carry.
std::string line(std::string_view a, std::string_view b, std::string_view sum, int carry) {
  return spaced(a) + "+ " + spaced(b) + ", " + spaced(sum) + "C " + std::to_string(carry);
}

// One pair in ten, whatever the order of its numbers; one in five of the few short ones.
bool is_held_out(int64_t a, int64_t b, int64_t digits) {
  const auto low = static_cast<uint64_t>(std::min(a, b)), high = static_cast<uint64_t>(std::max(a, b));
  return Rng(0).fork("addition", {low, high}).below(digits < 3 ? 5 : 10) == 0;
}

}  // namespace

std::string spaced_digits(int64_t number) {
  std::string text = spaced(std::to_string(number));
  text.pop_back();
  return text;
}

Problem make_addition(int64_t a, int64_t b) {
  Problem problem;
  problem.id = fmt::format("addition:{}+{}", a, b);
  problem.numbers = {a, b};
  check(problem);
  problem.target = a + b;
  problem.prompt = spaced_digits(a) + " + " + spaced_digits(b) + " :";
  problem.answer = spaced_digits(a + b);
  return problem;
}

std::string addition_scratchpad(const Problem& problem) {
  check(problem);
  const std::size_t width =
      std::max(std::to_string(problem.numbers[0]).size(), std::to_string(problem.numbers[1]).size());
  std::string a = digits_of(problem.numbers[0], width), b = digits_of(problem.numbers[1], width), sum;
  int carry = 0;
  std::string text = line(a, b, sum, carry);
  while (!a.empty()) {
    const int total = (a.back() - '0') + (b.back() - '0') + carry;
    a.pop_back();
    b.pop_back();
    carry = total / 10;
    sum.insert(sum.begin(), static_cast<char>('0' + total % 10));
    text += " ; " + line(a, b, sum, carry);
  }
  return text + " " + addition_answer(problem);
}

std::string addition_answer(const Problem& problem) {
  check(problem);
  return "-> " + spaced_digits(problem.numbers[0] + problem.numbers[1]);
}

std::string addition_hint(const Problem& problem) {
  check(problem);
  return spaced_digits(problem.numbers[0]) + " + " + spaced_digits(problem.numbers[1]) + " ? " +
         spaced_digits(problem.numbers[0] + problem.numbers[1]) + " :";
}

std::vector<Problem> draw_additions(AdditionSplit split, int64_t digits, int64_t count, Rng rng) {
  require(digits >= 1 && digits <= kMostDigits, ErrorKind::usage, "additions of {} digits asked; allowed: 1 to {}",
          digits, kMostDigits);
  require(count >= 0, ErrorKind::usage, "{} additions asked; allowed: 0 or more", count);
  const int64_t low = digits == 1 ? 0 : power_of_ten(digits - 1);
  const auto range = static_cast<uint64_t>(power_of_ten(digits) - low);
  std::vector<Problem> problems;
  while (static_cast<int64_t>(problems.size()) < count) {
    const int64_t a = low + static_cast<int64_t>(rng.below(range)), b = low + static_cast<int64_t>(rng.below(range));
    if (is_held_out(a, b, digits) == (split == AdditionSplit::held_out)) problems.push_back(make_addition(a, b));
  }
  return problems;
}

Verdict verify_addition(const Problem& problem, std::string_view completion) {
  constexpr std::string_view kArrow = "->";
  const auto arrow = completion.rfind(kArrow);
  if (arrow == std::string_view::npos) return {0, "gives no answer after ->"};
  const std::string_view answer = text::trim(completion.substr(arrow + kArrow.size()));
  if (answer == problem.answer) return {1, ""};
  return {0, "the answer is " + problem.answer};
}

bool valid_scratchpad(const Problem& problem, std::string_view completion) {
  return problem.numbers.size() == 2 && text::trim(completion) == addition_scratchpad(problem);
}

std::vector<std::string> addition_words() {
  std::vector<std::string> words;
  for (int digit = 0; digit < 10; ++digit) words.push_back(std::to_string(digit));
  for (const char* mark : {"+", ":", "?", ",", "C", ";", "->"}) words.emplace_back(mark);
  return words;
}

}  // namespace hone::tasks
