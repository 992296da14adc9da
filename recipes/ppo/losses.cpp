#include "recipes/ppo/losses.h"

#include "hone/models/scalar.h"
#include "hone/objectives/actor_critic.h"
#include "hone/objectives/kl.h"
#include "hone/tensor/masked.h"

#include <ATen/ATen.h>

#include <limits>

namespace hone::recipes::ppo {
namespace {

using objectives::TokenWeights;
using tensor::Batch;

TokenWeights all_tokens(const Batch& b) {
  return objectives::token_weights(b.loss_mask_BT, objectives::Normalisation::dapo, 1);
}

double limit_of(const FitOptions& fit) { return fit.limit > 0 ? fit.limit : std::numeric_limits<double>::infinity(); }

// What every arm reports of its update.
void add_metrics(tensor::Loss& loss, const at::Tensor& logp_BT, const Batch& b) {
  const auto sum = [&](const at::Tensor& x) { return tensor::masked_sum(x, b.loss_mask_BT).item<double>(); };
  const auto logp = tensor::keep(logp_BT.detach(), b.loss_mask_BT);
  const auto moved = (logp - tensor::keep(b.behavior_BT, b.loss_mask_BT)).clamp(-20, 20);
  loss.metrics["ratio"] = sum(moved.exp());
  loss.metrics["approx_kl"] = sum(moved.exp() - 1 - moved);
  loss.metrics["nll"] = -sum(logp);
}

}  // namespace

train::MicroLoss policy_loss_of(const std::string& arm, const Options& o) {
  const auto loss_of = [arm = rule_of(arm), clip = o.clip, apa = o.apa, awr = o.awr](
                           const at::Tensor& logp, const Batch& b, const TokenWeights& tokens) {
    if (arm == "apa")
      return objectives::apa_loss(logp, apa.anchor == "reference" ? b.reference_BT : b.behavior_BT, b.advantage_BT,
                                  tokens, apa.strength, limit_of(apa));
    if (arm == "awr") return objectives::awr_loss(logp, b.advantage_BT, tokens, awr.strength, limit_of(awr));
    return objectives::clipped_policy(logp, b.behavior_BT, b.advantage_BT, tokens, clip);
  };
  const bool penalised = arm == "grpo" && (o.kl.weight > 0 || o.kl.target > 0);
  return [=, temperature = o.temperature](const models::Decoder& model, const Batch& b) {
    const auto logp = models::logprobs(model, b, temperature);
    const auto tokens = all_tokens(b);
    auto loss = loss_of(logp, b, tokens);
    if (penalised)
      loss = objectives::add_penalty(std::move(loss), objectives::kl_loss(logp, b.reference_BT, b.kl_weight_BT, tokens,
                                                                          objectives::KlGradient::forward_k3));
    loss.metrics.erase("kl");  // of the update before; the record has the batch's own
    add_metrics(loss, logp, b);
    return loss;
  };
}

train::MicroLoss critic_loss_of(const Options& o) {
  return [range = o.critic.clip](const models::Decoder& critic, const Batch& b) {
    const auto value = models::values_before(models::values(critic, b));
    return objectives::value_loss(value, b.behavior_BT, b.advantage_BT, all_tokens(b), range);
  };
}

}  // namespace hone::recipes::ppo
