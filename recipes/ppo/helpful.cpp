#include "recipes/ppo/helpful.h"

#include "hone/tasks/helpful.h"

namespace hone::recipes::ppo {
namespace {

constexpr uint64_t kHeldOutSeed = 20250315;

tasks::Verdict verify(const tasks::Problem& problem, std::string_view response) {
  const auto parts = tasks::helpful_parts(problem, response, text::Finish::stop);
  if (parts.requested < tasks::kHelpfulRequests) return {0, "lacks what was asked for"};
  if (parts.unrequested > 0 || parts.repeated > 0) return {0, "names more than was asked for"};
  return {1, ""};
}

}  // namespace

tasks::TaskSet helpful_tasks(const tasks::TaskOptions& o, Rng rng) {
  tasks::TaskSet set;
  set.train = tasks::draw_helpful(tasks::HelpfulSplit::train, o.train_problems, rng.fork("requests"));
  set.held_out = tasks::draw_helpful(tasks::HelpfulSplit::held_out, o.test_problems, Rng(kHeldOutSeed));
  set.verifier = verify;
  return set;
}

RewardOf gold_reward(const text::Tokenizer& tokenizer) {
  return [&tokenizer](const Answered& answered) {
    std::vector<double> gold;
    for (const auto& rollout : answered.rollouts) {
      const auto& turn = rollout.turns[0];
      const auto& problem = answered.problems[static_cast<std::size_t>(rollout.request)];
      gold.push_back(tasks::helpful_reward(tasks::helpful_parts(problem, tokenizer.decode(turn.ids), turn.finish)));
    }
    return gold;
  };
}

}  // namespace hone::recipes::ppo
