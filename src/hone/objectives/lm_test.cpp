#include "hone/objectives/lm.h"

#include "hone/objectives/property_checks.h"

namespace hone::objectives {
namespace {

TEST(LmLoss, HasTheFiveProperties) {
  testing::check_all_properties({.loss = [](const auto& x, const auto& mask) { return lm_loss(x[0], mask); },
                                 .inputs_BT = {testing::normal_BT(5, 6, -1, 0.5, 1)},
                                 .mask_BT = testing::uneven_mask()});
}

TEST(LmLoss, ByHand) {
  // Masked in: −0.5, −1 and −2. Sum 3.5 over 3 tokens.
  const at::Tensor logp_BT = at::tensor({-9.0f, -0.5f, -1.0f, -9.0f, -2.0f, -9.0f}).view({2, 3});
  const at::Tensor mask_BT = at::tensor({0, 1, 1, 0, 1, 0}).to(at::kBool).view({2, 3});
  const tensor::Loss loss = lm_loss(logp_BT, mask_BT);
  EXPECT_EQ(loss.sum.item<double>(), 3.5);
  EXPECT_EQ(loss.sum.scalar_type(), at::kDouble);
  EXPECT_EQ(loss.count, 3);
}

}  // namespace
}  // namespace hone::objectives
