// Addition of numbers digit by digit with a scratchpad: the ladder of STaR (arXiv:2203.14465, §4.2), after Nye et al.
// (arXiv:2112.00114). Digits are words; every line of the scratchpad holds what is left of both numbers, the sum so
// far, and the carry:
//   prompt       6 2 4 + 2 5 9 :
//   scratchpad   6 2 4 + 2 5 9 , C 0 ; 6 2 + 2 5 , 3 C 1 ; 6 + 2 , 8 3 C 0 ; + , 8 8 3 C 0 -> 8 8 3
//   direct       -> 8 8 3
#pragma once

#include "hone/base/rng.h"
#include "hone/tasks/problem.h"

#include <string>
#include <string_view>
#include <vector>

namespace hone::tasks {

/// Most digits of an addend.
inline constexpr int64_t kMostDigits = 17;

/// The problem a + b: id "addition:624+259", numbers {a, b}, target a + b, answer in digits. Errors: usage unless
/// 0 ≤ a, b < 10^kMostDigits.
Problem make_addition(int64_t a, int64_t b);

/// "8 8 3".
std::string spaced_digits(int64_t number);

/// The scratchpad and the answer. Errors: usage unless the problem has two numbers in range.
std::string addition_scratchpad(const Problem& problem);
/// The answer alone: "-> 8 8 3".
std::string addition_answer(const Problem& problem);
/// A prompt that gives the answer away, for rationalisation: "6 2 4 + 2 5 9 ? 8 8 3 :".
std::string addition_hint(const Problem& problem);

/// `count` problems whose two numbers have exactly `digits` digits, drawn independently; with replacement, since there
/// are few short ones. `held_out` ones never occur among the others, in neither order: a hash of the pair decides.
/// Errors: usage for digits outside [1, kMostDigits] or a negative count.
enum class AdditionSplit { train, held_out };
std::vector<Problem> draw_additions(AdditionSplit split, int64_t digits, int64_t count, Rng rng);

/// Right when what follows the last "->" is the sum, digit by digit, and nothing else. What comes before it is not
/// judged: see valid_scratchpad. Total; a Verifier.
Verdict verify_addition(const Problem& problem, std::string_view completion);

/// Whether the completion is the scratchpad that the rules give: an answer that is right for the right reason.
bool valid_scratchpad(const Problem& problem, std::string_view completion);

/// The words of all of this, for a symbol vocabulary.
std::vector<std::string> addition_words();

}  // namespace hone::tasks
