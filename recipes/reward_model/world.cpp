#include "recipes/reward_model/world.h"

#include "hone/base/error.h"
#include "hone/generate/engine.h"
#include "hone/rewards/attempts.h"

namespace hone::recipes::reward_model {

data::Example demonstration(const tasks::AnnotatorOptions& annotator, const text::Tokenizer& tokenizer, Rng rng) {
  const auto problem = tasks::draw_helpful(tasks::HelpfulSplit::train, 1, rng.fork("request"))[0];
  data::Example e;
  data::append(e, {tokenizer.bos()}, 0);
  data::append(e, tokenizer.encode(problem.prompt), 0);
  data::append(e, tokenizer.encode(tasks::annotated(problem, annotator, rng.fork("annotator"))), 1);
  data::append(e, {tokenizer.end()}, 1);
  return e;
}

std::vector<Responses> respond(const models::Model& policy, const std::vector<tasks::Problem>& problems,
                               int64_t samples, const HelpfulOptions& o, base::Pool& pool, Rng rng) {
  const generate::Engine engine(policy.decoder, pool, &policy.tokenizer);
  const auto requests =
      rewards::make_requests(problems, rewards::encoder_of(policy), {1, "auto", o.max_tokens}, samples);
  std::vector<Responses> out(problems.size());
  for (std::size_t i = 0; i < problems.size(); ++i) out[i].problem = problems[i];
  for (const auto& rollout : engine.roll(requests, {}, rng)) {
    auto& responses = out[static_cast<std::size_t>(rollout.request)];
    const auto& turn = rollout.turns[0];
    data::Example e;
    data::append(e, requests[static_cast<std::size_t>(rollout.request)].prompt, 0);
    data::append(e, turn.ids, 1);
    responses.examples.push_back(std::move(e));
    responses.texts.push_back(policy.tokenizer.decode(turn.ids));
    responses.finish.push_back(turn.finish);
    const auto parts = tasks::helpful_parts(responses.problem, responses.texts.back(), turn.finish);
    responses.gold.push_back(tasks::helpful_reward(parts));
  }
  return out;
}

std::vector<Json> choices(const std::vector<Responses>& responses, int64_t most, Rng rng) {
  std::vector<Json> rows;
  for (std::size_t p = 0; p < responses.size(); ++p) {
    const auto& r = responses[p];
    for (std::size_t i = 0; i < r.texts.size(); ++i) {
      for (std::size_t j = i + 1; j < r.texts.size(); ++j) {
        if (static_cast<int64_t>(rows.size()) == most) return rows;
        const bool ended = r.finish[i] == text::Finish::stop && r.finish[j] == text::Finish::stop;
        if (!ended || r.texts[i] == r.texts[j]) continue;
        const bool first = rng.fork("coin", {p, i, j}).uniform() < tasks::chosen_probability(r.gold[i], r.gold[j]);
        const std::size_t chosen = first ? i : j, rejected = first ? j : i;
        rows.push_back({{"prompt", r.problem.prompt},
                        {"chosen", r.texts[chosen]},
                        {"rejected", r.texts[rejected]},
                        {"problem", r.problem.id},
                        {"chosen_gold", r.gold[chosen]},
                        {"rejected_gold", r.gold[rejected]}});
      }
    }
  }
  return rows;
}

std::vector<Json> draw_choices(const models::Model& policy, const HelpfulOptions& o, base::Pool& pool, Rng rng) {
  constexpr uint64_t kMostRounds = 16;
  std::vector<Json> rows;
  for (uint64_t round = 0; static_cast<int64_t>(rows.size()) < o.pairs; ++round) {
    require(round < kMostRounds, ErrorKind::data, "only {} of {} choices: the policy says the same thing every time",
            rows.size(), o.pairs);
    const int64_t missing = o.pairs - static_cast<int64_t>(rows.size());
    const int64_t prompts = missing / (o.samples * (o.samples - 1) / 2) + 1;
    const Rng stream = rng.fork("round", {round});
    const auto problems = tasks::draw_helpful(tasks::HelpfulSplit::train, prompts, stream.fork("prompts"));
    const auto responses = respond(policy, problems, o.samples, o, pool, stream.fork("responses"));
    const auto more = choices(responses, missing, stream.fork("coins"));
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

}  // namespace hone::recipes::reward_model
