// Greedy two-attempt evaluation: the measurements of SCoRe (arXiv:2409.12917, §4).
#pragma once

#include "hone/models/model.h"
#include "hone/rewards/attempts.h"

#include <vector>

namespace hone::evaluate {

/// One held-out problem: what was said and whether it was right.
struct TwoTurn {
  rewards::Attempt first, second;
};

/// How the attempts are drawn.
struct TwoTurnOptions {
  rewards::Dialogue dialogue;
  generate::Sampling sampling{.choice = generate::Choice::greedy};
};

/// Both attempts at every problem, in the problems' order. Deterministic given `rng`.
std::vector<TwoTurn> two_turn(const models::Model& model, const std::vector<tasks::Problem>& problems,
                              const tasks::Verifier& verifier, const TwoTurnOptions& options, base::Pool& pool, Rng rng);

/// Share of problems whose first attempt is right under greedy decoding; looks at the first `count` problems.
double greedy_accuracy(const models::Model& model, const std::vector<tasks::Problem>& problems, int64_t count,
                       const tasks::Verifier& verifier, int64_t max_tokens, base::Pool& pool);

}  // namespace hone::evaluate
