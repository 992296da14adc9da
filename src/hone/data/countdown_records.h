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
  double two_turn = 0.5;     ///< share of records with two attempts
  double right = 0.85;       ///< chance that an attempt to be learned is a solution, not a random legal derivation
  double first_right = 0.5;  ///< two attempts: chance that the first is a solution
  double false_sum = 0.3;    ///< two attempts: share of wrong first ones that end in a false "= target"
  double copy = 0.6;         ///< two attempts: chance that the second repeats the first, right or wrong
};

/// One record:
///   one turn   <bos> prompt attempt <end>                                            loss on the attempt
///   two turns  <bos> prompt attempt <end> <retry> right|wrong : attempt <end>        loss on what follows <retry>
/// Solutions are drawn uniformly from all of them. The random derivations among attempts to be learned teach that one
/// may end elsewhere than at the target: without them a model that can't find a solution writes a false sum instead of
/// an honest miss. The opinion is true, and what follows it does not depend on it: a copy, or a fresh attempt. So a
/// model of these records can tell a miss when it sees one, and does nothing about it.
Example countdown_record(const tasks::CountdownWorld& world, const tasks::Problem& problem, tasks::Notation notation,
                         const RecordMix& mix, const text::Tokenizer& tokenizer, Rng rng);

}  // namespace hone::data
