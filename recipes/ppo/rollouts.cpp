#include "recipes/ppo/rollouts.h"

#include "hone/base/error.h"
#include "hone/objectives/actor_critic.h"
#include "hone/objectives/advantages.h"
#include "hone/rewards/attempts.h"
#include "hone/tasks/search/check.h"
#include "hone/train/step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

namespace hone::recipes::ppo {
namespace {

// Deviation of advantages below which there is nothing but rounding, which whitening would blow up to a signal: a batch
// without a reward, before the critic or the penalty says anything.
constexpr double kNoise = 1e-5;

int64_t longest(const std::vector<data::Example>& examples) {
  std::size_t most = 1;
  for (const auto& e : examples) most = std::max(most, e.ids.size());
  return static_cast<int64_t>(most);
}

// One row per sequence, one column per token, 0 behind the end.
template <class Number, class Get>
at::Tensor table(const std::vector<data::Example>& examples, at::ScalarType type, const Get& get) {
  const int64_t columns = longest(examples);
  auto out = at::zeros({static_cast<int64_t>(examples.size()), columns}, type);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    Number* row = out.template data_ptr<Number>() + static_cast<int64_t>(i) * columns;
    for (std::size_t t = 0; t < examples[i].ids.size(); ++t) row[t] = get(i, t);
  }
  return out;
}

at::Tensor mask_of(const std::vector<data::Example>& examples) {
  return table<bool>(examples, at::kBool, [&](std::size_t i, std::size_t t) { return examples[i].loss_mask[t] != 0; });
}

std::vector<float> row_of(const at::Tensor& table, std::size_t i, std::size_t tokens) {
  const float* begin = table.data_ptr<float>() + static_cast<int64_t>(i) * table.size(1);
  return {begin, begin + tokens};
}

double variance(const at::Tensor& x) { return x.numel() < 2 ? 0 : x.to(at::kDouble).var().item<double>(); }

}  // namespace

RewardOf verifier_reward(const tasks::Verifier& verifier, const text::Tokenizer& tokenizer, base::Pool& pool) {
  return [&](const Answered& answered) {
    std::vector<double> rewards;
    for (const auto& attempts : rewards::judge(answered.rollouts, answered.problems, verifier, tokenizer, pool))
      rewards.push_back(attempts[0].verdict.reward);
    return rewards;
  };
}

RewardOf rating_reward(const text::Tokenizer& tokenizer, base::Pool& pool) {
  const tasks::Verifier rate = [](const tasks::Problem& problem, std::string_view completion) {
    namespace search = tasks::search;
    const auto prompt = search::compact_prompt(problem.numbers, problem.target);
    const auto trace = search::read_compact(prompt + " " + std::string(completion));
    auto verdict = search::check_strict(trace, problem.numbers, problem.target);
    verdict.reward = search::rating(trace, problem.numbers.size(), verdict);
    return verdict;
  };
  return
      [rate, &tokenizer, &pool](const Answered& answered) { return verifier_reward(rate, tokenizer, pool)(answered); };
}

RewardOf model_reward(std::shared_ptr<const models::Model> judge, const text::Tokenizer& tokenizer, base::Pool& pool) {
  require(judge->decoder.scalar(), ErrorKind::usage,
          "reward_model: the folder holds a language model; a reward model has one label (\"score.weight\")");
  require(judge->tokenizer.to_json() == tokenizer.to_json(), ErrorKind::usage,
          "reward_model: its tokenizer.json is another than the policy's; both must read the same tokens");
  return [judge, &pool](const Answered& answered) {
    std::vector<data::Example> read;
    for (const auto& rollout : answered.rollouts) {
      auto ids = generate::sequence_of(answered.requests[static_cast<std::size_t>(rollout.request)], rollout).ids;
      const auto tokens = ids.size();
      read.push_back({.ids = std::move(ids), .loss_mask = std::vector<uint8_t>(tokens)});
    }
    return train::final_values(judge->decoder, read, train::own_rows(judge->decoder), pool);
  };
}

Batch collect(const Answered& answered, const RewardOf& reward, const Options& options) {
  Batch batch{.reward = reward(answered)};
  constexpr std::array<double, 1> kNone{0};
  for (std::size_t i = 0; i < answered.rollouts.size(); ++i) {
    const auto& rollout = answered.rollouts[i];
    batch.policy.push_back(
        train::policy_example(answered.requests[static_cast<std::size_t>(rollout.request)], rollout, kNone));
    if (rollout.turns[0].finish != text::Finish::length) continue;
    batch.cut += 1;
    batch.reward[i] -= options.cut_penalty;
  }
  batch.cut /= static_cast<double>(std::max<std::size_t>(1, answered.rollouts.size()));
  return batch;
}

at::Tensor token_rewards(const Batch& batch, double beta) {
  const auto& examples = batch.policy;
  return table<float>(examples, at::kFloat, [&](std::size_t i, std::size_t t) {
    const auto& e = examples[i];
    if (!e.loss_mask[t]) return 0.0f;
    const double penalty = beta * (static_cast<double>(e.behavior[t]) - e.reference[t]);
    const bool last =
        std::find(e.loss_mask.begin() + static_cast<std::ptrdiff_t>(t) + 1, e.loss_mask.end(), 1) == e.loss_mask.end();
    return static_cast<float>((last ? batch.reward[i] : 0) - penalty);
  });
}

double add_advantages(Batch& batch, const std::vector<std::vector<float>>& values, const Options& o, double beta) {
  const auto mask = mask_of(batch.policy);
  const auto value = table<float>(batch.policy, at::kFloat, [&](std::size_t i, std::size_t t) { return values[i][t]; });
  auto made = objectives::gae(token_rewards(batch, beta), value, mask, {o.critic.discount, o.critic.trace});
  const double noise = kNoise * kNoise;
  if (o.whiten == "advantages" && variance(made.advantage_BT.masked_select(mask)) > noise)
    made.advantage_BT = objectives::whitened(made.advantage_BT, mask, objectives::Shift::to_zero);
  batch.critic.clear();
  for (std::size_t i = 0; i < batch.policy.size(); ++i) {
    auto& e = batch.policy[i];
    e.advantage = row_of(made.advantage_BT, i, e.ids.size());
    batch.critic.push_back({.ids = e.ids,
                            .loss_mask = e.loss_mask,
                            .advantage = row_of(made.return_BT, i, e.ids.size()),
                            .behavior = values[i]});
  }
  const auto returns = made.return_BT.masked_select(mask);
  const double spread = variance(returns);
  return spread > 0 ? 1 - variance(returns - value.masked_select(mask)) / spread : 0;
}

void add_group_advantages(Batch& batch, const Options& o, double beta) {
  const auto reward = at::tensor(batch.reward, at::kDouble).to(at::kFloat).view({-1, o.samples});
  const auto advantage = objectives::group_advantage(reward, objectives::Scale::group, 1e-4).contiguous();
  for (std::size_t i = 0; i < batch.policy.size(); ++i) {
    auto& e = batch.policy[i];
    const float own = advantage.data_ptr<float>()[i];
    for (std::size_t t = 0; t < e.ids.size(); ++t) e.advantage[t] = e.loss_mask[t] ? own : 0;
    e.kl_weight.assign(e.ids.size(), static_cast<float>(beta));
  }
}

std::vector<double> sequence_kl(const std::vector<data::Example>& examples) {
  std::vector<double> kl;
  for (const auto& e : examples) {
    double sum = 0;
    for (std::size_t t = 0; t < e.ids.size(); ++t)
      if (e.loss_mask[t]) sum += static_cast<double>(e.behavior[t]) - e.reference[t];
    kl.push_back(sum);
  }
  return kl;
}

double mean_length(const std::vector<data::Example>& examples) {
  double tokens = 0;
  for (const auto& e : examples) tokens += static_cast<double>(std::count(e.loss_mask.begin(), e.loss_mask.end(), 1));
  return examples.empty() ? 0 : tokens / static_cast<double>(examples.size());
}

}  // namespace hone::recipes::ppo
