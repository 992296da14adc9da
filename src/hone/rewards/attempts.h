// Problems → requests for one or two attempts, rollouts → rewards.
#pragma once

#include "hone/data/rows.h"
#include "hone/generate/engine.h"
#include "hone/models/model.h"
#include "hone/tasks/problem.h"

#include <string>
#include <vector>

namespace hone::rewards {

/// How attempts are asked for.
struct Dialogue {
  int turns = 2;
  std::string instruction =
      "auto";               ///< text before attempt 2; "auto" = <retry>, or the paper's sentence in a conversation
  int64_t max_tokens = 16;  ///< most tokens of one attempt
  data::Prompts prompts = data::Prompts::as_messages;  ///< what a prompt of one text is under a chat template
};

/// How this model reads conversations and ends its texts: its vocabulary, its folder's chat template and end tokens.
/// The model must outlive it.
data::Encoder encoder_of(const models::Model& model);

/// One request per problem; its key is the problem's index. With a chat template prompts, stops and the turn before
/// attempt 2 are the template's (data/dialogue.h); otherwise hone's own: <bos> … and <end>.
/// Errors: data for a template that can't be gone on from after attempt 1; those of data::prompt_ids.
std::vector<generate::Request> make_requests(const std::vector<tasks::Problem>& problems, const data::Encoder& encoder,
                                             const Dialogue& dialogue, int64_t samples);

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
