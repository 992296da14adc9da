#include "hone/objectives/lm.h"

#include "hone/tensor/masked.h"

#include <ATen/ATen.h>

namespace hone::objectives {

tensor::Loss lm_loss(const at::Tensor& logp_BT, const at::Tensor& mask_BT) {
  tensor::require_mask(mask_BT, 2, "lm_loss");
  tensor::require_same_shape(logp_BT, mask_BT, "lm_loss", "logp_BT and mask_BT");
  return {.sum = -tensor::masked_sum(logp_BT, mask_BT),
          .count = static_cast<double>(tensor::count_true(mask_BT)),
          .metrics = {}};
}

}  // namespace hone::objectives
