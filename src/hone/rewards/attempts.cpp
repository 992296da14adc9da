#include "hone/rewards/attempts.h"

#include "hone/data/rows.h"

namespace hone::rewards {
namespace {

// The turn-2 wording of SCoRe's appendix for mathematics, for problems that are conversations.
constexpr const char* kPaperInstruction =
    "There might be an error in the solution above because of lack of understanding of the question. "
    "Please correct the error, if any, and rewrite the solution.";

text::Ids instruction_ids(const tasks::Problem& problem, const text::Tokenizer& tokenizer, const std::string& text) {
  const bool conversation = !problem.messages.empty();
  if (text == "auto" && !conversation) return {tokenizer.id("<retry>")};
  text::Ids ids = tokenizer.encode(text == "auto" ? kPaperInstruction : text);
  if (!conversation) return ids;
  ids.insert(ids.begin(), tokenizer.id("<user>"));
  ids.push_back(tokenizer.end());
  ids.push_back(tokenizer.id("<assistant>"));
  return ids;
}

}  // namespace

std::vector<generate::Request> make_requests(const std::vector<tasks::Problem>& problems,
                                             const text::Tokenizer& tokenizer, const Dialogue& dialogue,
                                             int64_t samples) {
  std::vector<generate::Request> requests;
  const text::StopRule stop{{tokenizer.end()}, {}, dialogue.max_tokens};
  for (const auto& problem : problems) {
    generate::Request r{data::prompt_ids(problem, tokenizer), {{{}, stop}}, samples, requests.size()};
    if (dialogue.turns > 1) r.turns.push_back({instruction_ids(problem, tokenizer, dialogue.instruction), stop});
    requests.push_back(std::move(r));
  }
  return requests;
}

std::vector<std::vector<Attempt>> judge(const std::vector<generate::Rollout>& rollouts,
                                        const std::vector<tasks::Problem>& problems, const tasks::Verifier& verifier,
                                        const text::Tokenizer& tokenizer, base::Pool& pool) {
  std::vector<std::vector<Attempt>> out(rollouts.size());
  pool.for_each(static_cast<int64_t>(rollouts.size()), [&](int64_t i, int) {
    const auto& rollout = rollouts[static_cast<std::size_t>(i)];
    const auto& problem = problems[static_cast<std::size_t>(rollout.request)];
    for (const auto& turn : rollout.turns) {
      Attempt attempt{tokenizer.decode(turn.ids), {}};
      if (turn.finish == text::Finish::length) attempt.verdict = {0, "cut at the length limit"};
      else attempt.verdict = verifier(problem, attempt.text);
      out[static_cast<std::size_t>(i)].push_back(std::move(attempt));
    }
  });
  return out;
}

}  // namespace hone::rewards
