#include "hone/data/countdown_records.h"

#include "hone/base/error.h"

#include <algorithm>

namespace hone::data {
namespace {

// One draw of the base model's noise: a solution with probability `right`, otherwise any legal derivation.
tasks::Derivation noisy_attempt(const tasks::CountdownWorld& world, const tasks::Problem& problem, double right,
                                const Rng& rng) {
  if (rng.fork("right").uniform() < right) {
    tasks::Derivation solution = tasks::random_solution(world, problem.numbers, problem.target, rng.fork("solution"));
    require(!solution.empty(), ErrorKind::data, "{} has no solution in {}", problem.id, world.name);
    return solution;
  }
  return tasks::random_derivation(world, problem.numbers, rng.fork("derivation"));
}

// The first of two attempts, to be judged: right or wrong at even chances, and wrong in more than one way.
tasks::Derivation first_attempt(const tasks::CountdownWorld& world, const tasks::Problem& problem, const RecordMix& mix,
                                const Rng& rng) {
  auto attempt = noisy_attempt(world, problem, mix.first_right, rng.fork("attempt"));
  if (attempt.back().result != problem.target && rng.fork("false sum").uniform() < mix.false_sum) {
    attempt.back().result = problem.target;
    attempt.back().result_den = 1;
  }
  return attempt;
}

}  // namespace

text::Tokenizer countdown_tokenizer(const tasks::CountdownWorld& world) {
  if (!world.symbols) return text::Tokenizer::bytes(text::standard_specials());
  std::vector<std::string> words;
  const int64_t most = std::max({world.cap, world.high, world.target_high});
  for (int64_t number = 0; number <= most; ++number) words.push_back(std::to_string(number));
  for (const char* mark : {"+", "-", "*", "/", "(", ")", "=", ";", "->", ":", "right", "wrong"})
    words.emplace_back(mark);
  return text::Tokenizer::symbols(text::standard_specials(), words);
}

Example countdown_record(const tasks::CountdownWorld& world, const tasks::Problem& problem, tasks::Notation notation,
                         const RecordMix& mix, const text::Tokenizer& tokenizer, Rng rng) {
  const auto encoded = [&](const tasks::Derivation& attempt) {
    text::Ids ids = tokenizer.encode(tasks::write_derivation(attempt, notation));
    ids.push_back(tokenizer.end());
    return ids;
  };
  Example example;
  append(example, {tokenizer.bos()}, 0);
  append(example, tokenizer.encode(problem.prompt), 0);
  if (rng.fork("turns").uniform() >= mix.two_turn) {
    append(example, encoded(noisy_attempt(world, problem, mix.right, rng.fork("single"))), 1);
    return example;
  }
  const auto first = first_attempt(world, problem, mix, rng.fork("first"));
  append(example, encoded(first), 0);
  append(example, {tokenizer.id("<retry>")}, 0);
  const bool right = tasks::verify_countdown(problem, tasks::write_derivation(first, notation)).reward > 0.5;
  append(example, tokenizer.encode(right ? "right :" : "wrong :"), 1);
  const bool copy = rng.fork("copy").uniform() < mix.copy;
  append(example, encoded(copy ? first : noisy_attempt(world, problem, mix.right, rng.fork("second"))), 1);
  return example;
}

}  // namespace hone::data
