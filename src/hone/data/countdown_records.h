// Training records of a Countdown world, made on the fly: the base model of SCoRe's laptop reproduction.
#pragma once

#include "hone/base/rng.h"
#include "hone/data/example.h"
#include "hone/tasks/countdown.h"

namespace hone::data {

/// The symbol vocabulary of a world (specials, numbers 0..cap, operators and marks), or bytes for uncapped ones.
text::Tokenizer countdown_tokenizer(const tasks::CountdownWorld& world);

/// How the base model's records are mixed.
struct RecordMix {
  double two_turn = 0.2;       ///< share of records with two attempts
  double copy = 0.6;           ///< in those, chance that attempt 2 repeats attempt 1
  double right = 0.7;          ///< chance that an attempt that is no copy is a solution, not a random legal derivation
};

/// One record:
///   one turn   <bos> prompt attempt <end>
///   two turns  <bos> prompt attempt <end> <retry> attempt <end>
/// with loss on every attempt. Solutions are drawn uniformly from all of them. The random derivations teach that an
/// attempt may end elsewhere than at the target: without them every record ends in "= target", and a model that can't
/// find a solution writes a false sum instead of an honest miss, which no second attempt could see.
/// Attempts of two-turn records are independent of each other's correctness: a copy, or a fresh draw.
Example countdown_record(const tasks::CountdownWorld& world, const tasks::Problem& problem, tasks::Notation notation,
                         const RecordMix& mix, const text::Tokenizer& tokenizer, Rng rng);

}  // namespace hone::data
