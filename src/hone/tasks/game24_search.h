// Game of 24 as search in text: one completion tries moves of a position, says of each whether 24 can still be reached
// after it, goes into those it believes in, and comes back from the ones it was wrong about:
//
//   prompt      8 4 7 8 -> 24 : search
//   completion  : 4 7 8 8 : 8 + 4 = 12 : 7 8 12 no 8 * 4 = 32 : 7 8 32 yes : 8 * 7 = 56 yes : 32 56 :
//               56 - 32 = 24 yes answer 8 * 4 = 32 ; 8 * 7 = 56 ; 56 - 32 = 24
//
// The moves of a position have a fixed order, gone through round and round from any of them: the first is a guess, the
// others leave none out and none is tried twice; when all were, the position ends in "back". The numbers come first in
// ascending order, so that what follows does not depend on the prompt's, and a position of three values stands before
// its verdict: a small model that had to gather it from the prompt in the same step called half of the good ones bad.
// The prompt without "search" asks for the derivation alone.
#pragma once

#include "hone/tasks/countdown.h"
#include "hone/tasks/rational.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::tasks {

/// Every word of these texts: whole numbers up to the largest that is written, operators, marks. A value that is not
/// whole is written "( 8 / 3 )".
std::vector<std::string> game24_words();

/// The prompts of a puzzle, numbers in the order they are given.
std::string game24_prompt(const std::vector<int64_t>& numbers);         ///< "4 7 8 8 -> 24 :", then a derivation
std::string game24_search_prompt(const std::vector<int64_t>& numbers);  ///< the same and "search"

/// A puzzle with its search prompt; its id and numbers are those of make_problem().
/// Errors: usage unless there are four numbers.
Problem game24_search_problem(const std::vector<int64_t>& numbers);

/// Words to train on, each with 1 where it is to be learned.
struct MarkedWords {
  std::vector<std::string> words;
  std::vector<uint8_t> learned;

  void add(std::string_view word, uint8_t learn = 1);
  void add(Rational value, uint8_t learn = 1);
};

/// A search of a puzzle, solvable or not (then it ends in "back"). A move that leads nowhere is called "yes" with
/// probability `doubt`, not to be learned, so that coming back is. Every number is from 1 to 20.
MarkedWords game24_search(const std::vector<int64_t>& numbers, double doubt, Rng rng);

/// `count` positions of three values, each after a random move from one of `puzzles`: "check 4 7 8 yes 1 1 3 no …",
/// of which the verdicts are to be learned. Half of the time the move is one of those that lead to 24, if there is one:
/// of all moves only one in eight does. Errors: internal without a puzzle.
MarkedWords game24_checks(std::span<const std::vector<int64_t>> puzzles, int64_t count, Rng rng);

/// A random derivation of 24; no words if there is none with the numbers that can be written.
MarkedWords game24_derivation(const std::vector<int64_t>& numbers, Rng rng);

/// Multisets of four numbers 1..13 that may be trained on: all but the held-out half of the solvable ones.
std::vector<std::vector<int64_t>> game24_training_multisets();

/// Strict: what follows the last "answer" (all of the text without one) must be a derivation of the target that uses
/// every number once. Total on any text. Nearest relative: verify_countdown.
Verdict verify_game24(const Problem& problem, std::string_view completion);

}  // namespace hone::tasks
