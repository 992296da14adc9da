// What one arm trains: policy, critic, reference and their optimisers, as one phase of the session.
#pragma once

#include "hone/objectives/actor_critic.h"
#include "hone/train/session.h"
#include "hone/train/step.h"
#include "recipes/ppo/rollouts.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace hone::recipes::ppo {

/// What all arms of a run share.
struct Lab {
  train::Env& env;
  train::Session& session;
  const Options& options;
  const tasks::TaskSet& tasks;
  const models::Model& base;
  std::shared_ptr<const models::Model> reward_model;  ///< null: the verifier rewards
  RewardOf gold;                                      ///< empty, or what completions are truly worth (options.helpful)
};

class Learner {
 public:
  /// Policy: a copy of the base or an adapter beside it. Critic (not for grpo): the same with a head of 0, or a copy of
  /// the reward model. Reference: the base itself, or with ref_reset a model that starts as it.
  Learner(const Lab& lab, const std::string& arm);

  /// Runs the phase, or loads what it came to.
  void train();

  const models::Model& policy() const { return policy_; }
  const models::Model* critic() const { return critic_ ? &*critic_ : nullptr; }
  /// With Lab::gold: the policy as it was when the mean gold reward between two looks was highest.
  const models::Model* peak() const { return peak_ ? &*peak_ : nullptr; }
  const models::Decoder& reference() const { return own_reference_ ? *own_reference_ : lab_.base.decoder; }

 private:
  Batch sample(int64_t step);
  train::StepReport update(Batch& batch, int64_t step);
  void check_first_ratio(const train::StepReport& report, int64_t step) const;
  void look(int64_t step, double reward);
  void keep_peak(int64_t step, double gold);
  void renew_reference(int64_t step);
  train::Next step(int64_t step);

  const Lab& lab_;
  Options o_;
  std::string arm_;
  models::Model policy_;
  std::optional<models::Model> critic_, peak_;
  std::optional<models::Decoder> own_reference_;
  optim::AdamW optimizer_;
  std::optional<optim::AdamW> critic_optimizer_;
  train::Slots slots_;
  std::optional<train::Slots> critic_slots_;
  generate::Engine engine_;
  RewardOf reward_;
  train::TrainState state_;
  objectives::KlController penalty_;
  std::map<std::string, double> critic_metrics_;
};

}  // namespace hone::recipes::ppo
