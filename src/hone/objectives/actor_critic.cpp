#include "hone/objectives/actor_critic.h"

#include "hone/base/error.h"
#include "hone/tensor/masked.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace hone::objectives {
namespace {

using tensor::keep;
using tensor::masked_sum;
using tensor::require_same_shape;

at::Tensor given(const at::Tensor& x_BT, const at::Tensor& mask_BT) { return keep(x_BT.detach(), mask_BT); }

double average_sum(const at::Tensor& value_BT, const TokenWeights& tokens) {
  return masked_sum(tokens.share_BT * value_BT.detach(), tokens.mask_BT).item<double>();
}

at::Tensor plain(const at::Tensor& x_BT, const at::Tensor& mask_BT) {
  const auto x = given(x_BT, mask_BT).to(at::kDouble).cpu().contiguous();
  require(x.isfinite().all().item<bool>(), ErrorKind::numeric, "gae: a reward or a value is not finite");
  return x;
}

}  // namespace

Advantages gae(const at::Tensor& reward_BT, const at::Tensor& value_BT, const at::Tensor& mask_BT,
               const GaeOptions& options) {
  tensor::require_mask(mask_BT, 2, "gae");
  require_same_shape(reward_BT, mask_BT, "gae", "reward_BT and mask_BT");
  require_same_shape(value_BT, mask_BT, "gae", "value_BT and mask_BT");
  const auto [discount, trace] = options;
  require(discount >= 0 && discount <= 1 && trace >= 0 && trace <= 1, ErrorKind::usage,
          "gae: discount {} and trace {} must be from 0 to 1", discount, trace);
  const auto reward = plain(reward_BT, mask_BT), value = plain(value_BT, mask_BT);
  const auto mask = mask_BT.cpu().contiguous();
  Advantages out{at::zeros(mask.sizes(), at::kFloat), at::zeros(mask.sizes(), at::kFloat)};
  const int64_t tokens = mask.size(1);
  for (int64_t row = 0; row < mask.size(0); ++row) {
    double next_value = 0, advantage = 0;
    for (int64_t t = tokens - 1; t >= 0; --t) {
      const int64_t at = row * tokens + t;
      if (!mask.data_ptr<bool>()[at]) continue;
      const double v = value.data_ptr<double>()[at];
      advantage = reward.data_ptr<double>()[at] + discount * next_value - v + discount * trace * advantage;
      next_value = v;
      out.advantage_BT.data_ptr<float>()[at] = static_cast<float>(advantage);
      out.return_BT.data_ptr<float>()[at] = static_cast<float>(advantage + v);
    }
  }
  return out;
}

at::Tensor whitened(const at::Tensor& x_BT, const at::Tensor& mask_BT, Shift shift) {
  tensor::require_mask(mask_BT, 2, "whitened");
  require_same_shape(x_BT, mask_BT, "whitened", "x_BT and mask_BT");
  const auto x = given(x_BT, mask_BT).to(at::kDouble);
  const double count = static_cast<double>(tensor::count_true(mask_BT));
  if (count == 0) return x.to(at::kFloat);
  const double mean = masked_sum(x, mask_BT).item<double>() / count;
  if (count == 1) return keep(shift == Shift::to_zero ? x - mean : x, mask_BT).to(at::kFloat);
  const double deviation = std::sqrt(masked_sum((x - mean).square(), mask_BT).item<double>() / (count - 1));
  const auto scaled = (x - mean) / (deviation + 1e-8);
  return keep(shift == Shift::to_zero ? scaled : scaled + mean, mask_BT).to(at::kFloat);
}

tensor::Loss value_loss(const at::Tensor& value_BT, const at::Tensor& old_BT, const at::Tensor& return_BT,
                        const TokenWeights& tokens, double range) {
  const at::Tensor& mask_BT = tokens.mask_BT;
  require_same_shape(value_BT, mask_BT, "value_loss", "value_BT and mask_BT");
  require_same_shape(return_BT, mask_BT, "value_loss", "return_BT and mask_BT");
  const auto value = keep(value_BT, mask_BT), target = given(return_BT, mask_BT);
  const auto free = (value - target).square();
  auto worse = free;
  if (range > 0) {
    require_same_shape(old_BT, mask_BT, "value_loss", "old_BT and mask_BT");
    const auto old = given(old_BT, mask_BT);
    worse = at::maximum(free, (old + (value - old).clamp(-range, range) - target).square());
  }
  return {
      .sum = masked_sum(tokens.weight_BT * worse, mask_BT) * 0.5,
      .count = tokens.count,
      .metrics = {{"value_error", average_sum(free, tokens)}, {"value_clipped", average_sum(worse > free, tokens)}}};
}

tensor::Loss apa_loss(const at::Tensor& logp_BT, const at::Tensor& behavior_BT, const at::Tensor& advantage_BT,
                      const TokenWeights& tokens, double c, double limit) {
  const at::Tensor& mask_BT = tokens.mask_BT;
  require_same_shape(logp_BT, mask_BT, "apa_loss", "logp_BT and mask_BT");
  require_same_shape(behavior_BT, mask_BT, "apa_loss", "behavior_BT and mask_BT");
  require_same_shape(advantage_BT, mask_BT, "apa_loss", "advantage_BT and mask_BT");
  require(c >= 0 && limit > 0, ErrorKind::usage, "apa_loss: c is {} and limit {}; they must be ≥ 0 and > 0", c, limit);
  const auto log_ratio = keep(logp_BT, mask_BT) - given(behavior_BT, mask_BT);
  const auto target = (given(advantage_BT, mask_BT) * c).clamp(-limit, limit);
  const auto squared = (log_ratio - target).square();
  const auto bounded = log_ratio.detach().clamp(-20, 20);
  return {.sum = masked_sum(tokens.weight_BT * squared, mask_BT),
          .count = tokens.count,
          .metrics = {{"residual", average_sum(squared, tokens)},
                      {"ratio", average_sum(bounded.exp(), tokens)},
                      {"approx_kl", average_sum(bounded.exp() - 1 - bounded, tokens)}}};
}

tensor::Loss awr_loss(const at::Tensor& logp_BT, const at::Tensor& advantage_BT, const TokenWeights& tokens, double c,
                      double limit) {
  const at::Tensor& mask_BT = tokens.mask_BT;
  require_same_shape(logp_BT, mask_BT, "awr_loss", "logp_BT and mask_BT");
  require_same_shape(advantage_BT, mask_BT, "awr_loss", "advantage_BT and mask_BT");
  require(c >= 0 && limit > 0, ErrorKind::usage, "awr_loss: c is {} and limit {}; they must be ≥ 0 and > 0", c, limit);
  const auto logp = keep(logp_BT, mask_BT);
  const auto weight = (given(advantage_BT, mask_BT) * c).clamp_max(limit).exp();
  return {.sum = -masked_sum(tokens.weight_BT * weight * logp, mask_BT),
          .count = tokens.count,
          .metrics = {{"nll", -average_sum(logp, tokens)}, {"awr_weight", average_sum(weight, tokens)}}};
}

KlController::KlController(double weight, double target, double horizon)
    : weight_(weight), target_(target), horizon_(horizon) {
  require(weight >= 0 && std::isfinite(weight), ErrorKind::usage, "a KL weight of {}; it must be 0 or above", weight);
  require(target <= 0 || horizon > 0, ErrorKind::usage, "a KL target needs a horizon above 0, not {}", horizon);
}

void KlController::update(double kl, int64_t samples) {
  if (target_ <= 0) return;
  const double error = std::clamp(kl / target_ - 1, -0.2, 0.2);
  weight_ *= std::max(0.0, 1 + error * static_cast<double>(samples) / horizon_);
}

tensor::Loss bradley_terry_loss(const at::Tensor& reward_N, double margin) {
  require(reward_N.dim() == 1 && reward_N.size(0) % 2 == 0, ErrorKind::internal,
          "bradley_terry_loss: {} rewards of {} dimensions; rows come in pairs", reward_N.numel(), reward_N.dim());
  const auto pairs = reward_N.to(at::kDouble).view({-1, 2});
  const auto gap = pairs.select(1, 0) - pairs.select(1, 1);
  return {
      .sum = -at::log_sigmoid(gap - margin).sum(),
      .count = static_cast<double>(gap.size(0)),
      .metrics = {{"accuracy", gap.detach().gt(0).sum().item<double>()}, {"gap", gap.detach().sum().item<double>()}}};
}

}  // namespace hone::objectives
