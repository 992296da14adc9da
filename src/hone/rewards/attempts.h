// Problems → requests for one or two attempts, rollouts → rewards.
#pragma once

#include "hone/generate/engine.h"
#include "hone/tasks/problem.h"

#include <string>
#include <vector>

namespace hone::rewards {

/// How attempts are asked for.
struct Dialogue {
  int turns = 2;
  std::string instruction = "auto";  ///< text before attempt 2; "auto" = <retry>, or the paper's sentence in a conversation
  int64_t max_tokens = 16;           ///< most tokens of one attempt
};

/// One request per problem; its key is the problem's index.
std::vector<generate::Request> make_requests(const std::vector<tasks::Problem>& problems,
                                             const text::Tokenizer& tokenizer, const Dialogue& dialogue,
                                             int64_t samples);

/// What a verifier said of one attempt. A completion cut by the length limit counts as wrong and says so.
struct Attempt {
  std::string text;
  tasks::Verdict verdict;
};

/// attempts[rollout][turn], judged in parallel. problems[i] belongs to requests[i].
std::vector<std::vector<Attempt>> judge(const std::vector<generate::Rollout>& rollouts,
                                        const std::vector<tasks::Problem>& problems, const tasks::Verifier& verifier,
                                        const text::Tokenizer& tokenizer, base::Pool& pool);

}  // namespace hone::rewards
