// Greedy two-attempt evaluation: the measurements of SCoRe (arXiv:2409.12917, §4).
#pragma once

#include "hone/models/model.h"
#include "hone/rewards/attempts.h"

#include <vector>

namespace hone::evaluate {

/// One held-out problem: what was said and whether it was right, and how often samples at temperature 1 are.
struct TwoTurn {
  rewards::Attempt first, second;
  double sampled_first = 0, sampled_second = 0;  ///< shares of right attempts; filled by add_samples
};

/// How the attempts are drawn.
struct TwoTurnOptions {
  rewards::Dialogue dialogue;
  generate::Sampling sampling{.choice = generate::Choice::greedy};
};

/// Both attempts at every problem, in the problems' order. Deterministic given `rng`.
std::vector<TwoTurn> two_turn(const models::Model& model, const std::vector<tasks::Problem>& problems,
                              const tasks::Verifier& verifier, const TwoTurnOptions& options, base::Pool& pool, Rng rng);

/// Fills sampled_first and sampled_second of `outcomes` from `samples` rollouts per problem at temperature 1.
void add_samples(std::vector<TwoTurn>& outcomes, const models::Model& model, const std::vector<tasks::Problem>& problems,
                 const tasks::Verifier& verifier, const rewards::Dialogue& dialogue, int64_t samples, base::Pool& pool,
                 Rng rng);

/// Share of problems whose first attempt is right under greedy decoding; looks at the first `count` problems.
double greedy_accuracy(const models::Model& model, const std::vector<tasks::Problem>& problems, int64_t count,
                       const tasks::Verifier& verifier, int64_t max_tokens, base::Pool& pool);

}  // namespace hone::evaluate
