#include "hone/objectives/kl.h"

#include "hone/base/error.h"
#include "hone/tensor/masked.h"

#include <ATen/ATen.h>

namespace hone::objectives {
namespace {

using tensor::keep;
using tensor::masked_sum;
using tensor::require_same_shape;

constexpr double kLargestExponent = 20;  // nats

}  // namespace

at::Tensor kl_k1(const at::Tensor& logp, const at::Tensor& reference) {
  require_same_shape(logp, reference, "kl_k1", "logp and reference");
  return logp - reference;
}

at::Tensor kl_k2(const at::Tensor& logp, const at::Tensor& reference) {
  require_same_shape(logp, reference, "kl_k2", "logp and reference");
  return (logp - reference).square() / 2;
}

at::Tensor kl_k3(const at::Tensor& logp, const at::Tensor& reference) {
  require_same_shape(logp, reference, "kl_k3", "logp and reference");
  const at::Tensor minus_d = (reference - logp).clamp_max(kLargestExponent);
  return minus_d.expm1() - minus_d;  // expm1: near 0 the exponential minus 1 would lose all its digits
}

tensor::Loss kl_loss(const at::Tensor& logp_BT, const at::Tensor& reference_BT, const at::Tensor& kl_weight_BT,
                     const TokenWeights& tokens, KlGradient kind) {
  const at::Tensor& mask_BT = tokens.mask_BT;
  require_same_shape(logp_BT, mask_BT, "kl_loss", "logp_BT and mask_BT");
  require_same_shape(reference_BT, mask_BT, "kl_loss", "reference_BT and mask_BT");
  require_same_shape(kl_weight_BT, mask_BT, "kl_loss", "kl_weight_BT and mask_BT");
  const at::Tensor logp = keep(logp_BT, mask_BT);
  const at::Tensor reference = keep(reference_BT.detach(), mask_BT);
  const at::Tensor beta = keep(kl_weight_BT.detach(), mask_BT);

  const at::Tensor term = kind == KlGradient::reverse_k2 ? kl_k2(logp, reference) : kl_k3(logp, reference);
  const at::Tensor value = tokens.share_BT * kl_k3(logp.detach(), reference);
  return {.sum = masked_sum(tokens.weight_BT * beta * term, mask_BT),
          .count = tokens.count,
          .metrics = {{"kl", masked_sum(value, mask_BT).item<double>()}}};
}

tensor::Loss add_penalty(tensor::Loss policy, const tensor::Loss& penalty) {
  require(policy.count == penalty.count, ErrorKind::internal,
          "add_penalty: the losses count {} and {}; both need the same token weights", policy.count, penalty.count);
  policy.sum = policy.sum + penalty.sum;
  for (const auto& [name, value] : penalty.metrics) policy.metrics[name] += value;
  return policy;
}

at::Tensor kl_in_reward(const at::Tensor& logp_BT, const at::Tensor& reference_BT, const at::Tensor& mask_BT) {
  tensor::require_mask(mask_BT, 2, "kl_in_reward");
  require_same_shape(logp_BT, mask_BT, "kl_in_reward", "logp_BT and mask_BT");
  require_same_shape(reference_BT, mask_BT, "kl_in_reward", "reference_BT and mask_BT");
  return keep(kl_k1(logp_BT.detach(), reference_BT.detach()), mask_BT);
}

}  // namespace hone::objectives
