// The losses of the arms and of the critic, per micro-batch.
#pragma once

#include "hone/train/step.h"
#include "recipes/ppo/options.h"

#include <string>

namespace hone::recipes::ppo {

/// The loss of an arm over the mean of all tokens. Every arm has the metrics "ratio", "approx_kl" (nats a token, of
/// this update from the policy that sampled) and "nll".
///   ppo   objectives::clipped_policy
///   apa   objectives::apa_loss with apa.strength and apa.limit
///   awr   objectives::awr_loss with awr.strength and awr.limit
///   grpo  clipped_policy, and the KL to the reference as a penalty (k3) with the examples' weights
train::MicroLoss policy_loss_of(const std::string& arm, const Options& options);

/// ½ (V − R)², cut at critic.clip: R is the batch's advantage column, the collected value its behavior column.
train::MicroLoss critic_loss_of(const Options& options);

}  // namespace hone::recipes::ppo
