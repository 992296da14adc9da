#include "hone/evaluate/two_turn.h"

#include <algorithm>

namespace hone::evaluate {

std::vector<TwoTurn> two_turn(const models::Model& model, const std::vector<tasks::Problem>& problems,
                              const tasks::Verifier& verifier, const TwoTurnOptions& options, base::Pool& pool,
                              Rng rng) {
  const generate::Engine engine(model.decoder, pool, &model.tokenizer);
  const auto requests = rewards::make_requests(problems, rewards::encoder_of(model), options.dialogue, 1);
  const auto rollouts = engine.roll(requests, options.sampling, rng);
  auto attempts = rewards::judge(rollouts, problems, verifier, model.tokenizer, pool);
  std::vector<TwoTurn> out;
  for (auto& pair : attempts) out.push_back({pair.front(), pair.back()});
  return out;
}

void add_samples(std::vector<TwoTurn>& outcomes, const models::Model& model, const std::vector<tasks::Problem>& problems,
                 const tasks::Verifier& verifier, const rewards::Dialogue& dialogue, int64_t samples, base::Pool& pool,
                 Rng rng) {
  const generate::Engine engine(model.decoder, pool, &model.tokenizer);
  const auto requests = rewards::make_requests(problems, rewards::encoder_of(model), dialogue, samples);
  const auto rollouts = engine.roll(requests, {}, rng);
  const auto attempts = rewards::judge(rollouts, problems, verifier, model.tokenizer, pool);
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    auto& outcome = outcomes[static_cast<std::size_t>(rollouts[i].request)];
    outcome.sampled_first += attempts[i].front().verdict.reward / static_cast<double>(samples);
    outcome.sampled_second += attempts[i].back().verdict.reward / static_cast<double>(samples);
  }
}

double greedy_accuracy(const models::Model& model, const std::vector<tasks::Problem>& problems, int64_t count,
                       const tasks::Verifier& verifier, int64_t max_tokens, base::Pool& pool) {
  const auto shown = std::min<std::size_t>(problems.size(), static_cast<std::size_t>(count));
  const std::vector<tasks::Problem> some(problems.begin(), problems.begin() + static_cast<std::ptrdiff_t>(shown));
  TwoTurnOptions options;
  options.dialogue.turns = 1;
  options.dialogue.max_tokens = max_tokens;
  double right = 0;
  for (const auto& outcome : two_turn(model, some, verifier, options, pool, Rng(0))) right += outcome.first.verdict.reward;
  return right / static_cast<double>(shown);
}

}  // namespace hone::evaluate
