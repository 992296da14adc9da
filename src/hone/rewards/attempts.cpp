#include "hone/rewards/attempts.h"

#include "hone/data/dialogue.h"

namespace hone::rewards {
namespace {

// The turn-2 wording of SCoRe's appendix for mathematics, for conversations and for vocabularies without <retry>.
constexpr const char* kPaperInstruction =
    "There might be an error in the solution above because of lack of understanding of the question. "
    "Please correct the error, if any, and rewrite the solution.";

text::Ids instruction_ids(const tasks::Problem& problem, const data::Encoder& encoder, const std::string& text) {
  const bool as_text = data::conversation_of(problem, encoder).empty();
  const auto retry = encoder.tokenizer.find("<retry>");
  if (text == "auto" && as_text && retry) return {*retry};
  return data::next_turn_ids(problem, text == "auto" ? kPaperInstruction : text, encoder);
}

}  // namespace

data::Encoder encoder_of(const models::Model& model) {
  data::Encoder encoder(model.tokenizer, model.chat_format());
  encoder.ends = models::end_ids(model);
  return encoder;
}

std::vector<generate::Request> make_requests(const std::vector<tasks::Problem>& problems, const data::Encoder& given,
                                             const Dialogue& dialogue, int64_t samples) {
  data::Encoder encoder = given;
  encoder.prompts = dialogue.prompts;
  std::vector<generate::Request> requests;
  const text::StopRule stop{data::stop_ids(encoder), {}, dialogue.max_tokens};
  for (const auto& problem : problems) {
    generate::Request r{data::prompt_ids(problem, encoder), {{{}, stop}}, samples, requests.size()};
    if (dialogue.turns > 1) r.turns.push_back({instruction_ids(problem, encoder, dialogue.instruction), stop});
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
      if (turn.finish == text::Finish::length)
        attempt.verdict = {0, "cut at the length limit"};
      else
        attempt.verdict = verifier(problem, attempt.text);
      out[static_cast<std::size_t>(i)].push_back(std::move(attempt));
    }
  });
  return out;
}

}  // namespace hone::rewards
