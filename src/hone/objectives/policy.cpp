#include "hone/objectives/policy.h"

#include "hone/base/error.h"
#include "hone/tensor/masked.h"

#include <ATen/ATen.h>

namespace hone::objectives {
namespace {

using tensor::keep;
using tensor::masked_sum;
using tensor::require_same_shape;

constexpr double kLargestLogRatio = 20;  // nats

// An input that is data to the loss: no gradient, and 0 at places that do not count.
at::Tensor given(const at::Tensor& x_BT, const at::Tensor& mask_BT) { return keep(x_BT.detach(), mask_BT); }

// Σ share · value: an average once it is divided by the count.
double average_sum(const at::Tensor& value_BT, const TokenWeights& tokens) {
  return masked_sum(tokens.share_BT * value_BT.detach(), tokens.mask_BT).item<double>();
}

// How many tokens count in each sequence, and at every token how many in its own.
struct Lengths {
  at::Tensor of_sequence, of_token;  // [B, S] and [B, T] or [B, 1], int64
};

Lengths lengths_of(const at::Tensor& mask_BT, const at::Tensor& segments_BT) {
  if (!segments_BT.defined()) {
    const at::Tensor length_B1 = mask_BT.sum(1, /*keepdim=*/true);
    return {length_B1, length_B1};
  }
  require_same_shape(segments_BT, mask_BT, "token_weights", "segments_BT and mask_BT");
  const at::Tensor segment_BT = segments_BT.clamp_min(0);
  const int64_t segments = segment_BT.numel() == 0 ? 1 : segment_BT.max().item<int64_t>() + 1;
  const at::Tensor length_BS = at::zeros({mask_BT.size(0), segments}, segments_BT.options())
                                   .scatter_add(1, segment_BT, mask_BT.to(segments_BT.scalar_type()));
  return {length_BS, length_BS.gather(1, segment_BT)};
}

}  // namespace

TokenWeights token_weights(const at::Tensor& mask_BT, Normalisation normalisation, int64_t max_tokens,
                           const at::Tensor& segments_BT) {
  tensor::require_mask(mask_BT, 2, "token_weights");
  const at::Tensor ones_BT = mask_BT.to(at::kFloat);
  if (normalisation == Normalisation::dapo) {
    return {mask_BT, ones_BT, ones_BT, static_cast<double>(tensor::count_true(mask_BT))};
  }
  const auto [of_sequence, of_token] = lengths_of(mask_BT, segments_BT);
  const at::Tensor share_BT = ones_BT / of_token.clamp_min(1);
  const double sequences = static_cast<double>(tensor::count_true(of_sequence > 0));
  if (normalisation == Normalisation::grpo) return {mask_BT, share_BT, share_BT, sequences};
  require(max_tokens >= 1, ErrorKind::usage, "dr_grpo divides by the longest completion; max_tokens is {}", max_tokens);
  return {mask_BT, ones_BT / static_cast<double>(max_tokens), share_BT, sequences};
}

tensor::Loss policy_gradient(const at::Tensor& logp_BT, const at::Tensor& advantage_BT, const TokenWeights& tokens) {
  const at::Tensor& mask_BT = tokens.mask_BT;
  require_same_shape(logp_BT, mask_BT, "policy_gradient", "logp_BT and mask_BT");
  require_same_shape(advantage_BT, mask_BT, "policy_gradient", "advantage_BT and mask_BT");
  const at::Tensor logp = keep(logp_BT, mask_BT);
  const at::Tensor advantage = given(advantage_BT, mask_BT);

  return {.sum = -masked_sum(tokens.weight_BT * advantage * logp, mask_BT),
          .count = tokens.count,
          .metrics = {{"nll", -average_sum(logp, tokens)}, {"advantage", average_sum(advantage, tokens)}}};
}

tensor::Loss clipped_policy(const at::Tensor& logp_BT, const at::Tensor& behavior_BT, const at::Tensor& advantage_BT,
                            const TokenWeights& tokens, const ClipOptions& clip) {
  const at::Tensor& mask_BT = tokens.mask_BT;
  require_same_shape(logp_BT, mask_BT, "clipped_policy", "logp_BT and mask_BT");
  require_same_shape(behavior_BT, mask_BT, "clipped_policy", "behavior_BT and mask_BT");
  require_same_shape(advantage_BT, mask_BT, "clipped_policy", "advantage_BT and mask_BT");
  const at::Tensor logp = keep(logp_BT, mask_BT);
  const at::Tensor behavior = given(behavior_BT, mask_BT);
  const at::Tensor advantage = given(advantage_BT, mask_BT);

  const at::Tensor log_ratio = (logp - behavior).clamp(-kLargestLogRatio, kLargestLogRatio);
  const at::Tensor ratio = log_ratio.exp();
  const at::Tensor free = ratio * advantage;
  const at::Tensor clipped = ratio.clamp(1 - clip.low, 1 + clip.high) * advantage;

  return {.sum = -masked_sum(tokens.weight_BT * at::minimum(free, clipped), mask_BT),
          .count = tokens.count,
          .metrics = {{"clip_fraction", average_sum(clipped < free, tokens)},
                      {"ratio", average_sum(ratio, tokens)},
                      {"approx_kl", average_sum(ratio - 1 - log_ratio, tokens)}}};
}

}  // namespace hone::objectives
