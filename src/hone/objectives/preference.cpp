#include "hone/objectives/preference.h"

#include "hone/base/error.h"
#include "hone/tensor/masked.h"

#include <ATen/ATen.h>

namespace hone::objectives {
namespace {

using tensor::keep;
using tensor::masked_sum;
using tensor::require_same_shape;

// Both sides of the pairs, [N] each.
struct Sides {
  at::Tensor chosen, rejected;
};

Sides sides(const at::Tensor& row_B) {
  const at::Tensor pair_N2 = row_B.reshape({row_B.size(0) / 2, 2});
  return {pair_N2.select(1, 0), pair_N2.select(1, 1)};
}

// Σ over a row's tokens, added up in double.
at::Tensor row_sum(const at::Tensor& x_BT, const at::Tensor& mask_BT) {
  return keep(x_BT, mask_BT).sum(1, /*keepdim=*/false, at::kDouble);
}

void check(const PairRows& pairs, PairTarget target) {
  tensor::require_mask(pairs.mask_BT, 2, "preference_loss");
  require_same_shape(pairs.logp_BT, pairs.mask_BT, "preference_loss", "logp_BT and mask_BT");
  require_same_shape(pairs.reference_BT, pairs.mask_BT, "preference_loss", "reference_BT and mask_BT");
  if (target == PairTarget::soft)
    require_same_shape(pairs.win_rate_BT, pairs.mask_BT, "preference_loss", "win_rate_BT and mask_BT");
  require(pairs.mask_BT.size(0) % 2 == 0, ErrorKind::internal,
          "preference_loss: {} rows do not make pairs of a chosen and a rejected completion", pairs.mask_BT.size(0));
}

// The probability that the chosen completion is to have.
at::Tensor target_probability(const PairRows& pairs, PairTarget target, const Sides& length) {
  if (target == PairTarget::hard) return at::ones_like(length.chosen);
  const Sides total = sides(row_sum(pairs.win_rate_BT.detach(), pairs.mask_BT));
  return at::sigmoid(total.chosen / length.chosen.clamp_min(1) - total.rejected / length.rejected.clamp_min(1));
}

}  // namespace

tensor::Loss preference_loss(const PairRows& pairs, const PreferenceOptions& options) {
  const PairTarget target = pair_target_of(options.target);
  check(pairs, target);
  const at::Tensor& mask_BT = pairs.mask_BT;
  const Sides length = sides(mask_BT.sum(1).to(at::kDouble));
  const at::Tensor present_N = (length.chosen + length.rejected) > 0;

  const at::Tensor logp_B = row_sum(pairs.logp_BT, mask_BT);
  const Sides logp = sides(logp_B), shift = sides(logp_B - row_sum(pairs.reference_BT.detach(), mask_BT));
  const at::Tensor margin_N = options.beta * (shift.chosen - shift.rejected);
  const at::Tensor p_N = target_probability(pairs, target, length);
  at::Tensor loss_N = -(p_N * at::log_sigmoid(margin_N) + (1 - p_N) * at::log_sigmoid(-margin_N));
  if (options.nll > 0) loss_N = loss_N - options.nll * logp.chosen / length.chosen.clamp_min(1);

  const auto total = [&](const at::Tensor& x_N) { return masked_sum(x_N.detach(), present_N).item<double>(); };
  return {.sum = masked_sum(loss_N, present_N),
          .count = static_cast<double>(tensor::count_true(present_N)),
          .metrics = {{"chosen_logp", total(logp.chosen)},
                      {"rejected_logp", total(logp.rejected)},
                      {"chosen_shift", total(shift.chosen)},
                      {"rejected_shift", total(shift.rejected)},
                      {"margin", total(margin_N)},
                      {"accuracy", total((margin_N > 0).to(at::kDouble))},
                      {"chosen_length", total(length.chosen)},
                      {"rejected_length", total(length.rejected)}}};
}

}  // namespace hone::objectives
