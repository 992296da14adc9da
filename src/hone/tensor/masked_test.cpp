#include "hone/tensor/masked.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace hone::tensor {
namespace {

const at::Tensor kMask = at::tensor({1, 0, 1, 0}).to(at::kBool).view({2, 2});

TEST(Masked, SumAndMeanByHand) {
  const at::Tensor x = at::tensor({1.0f, NAN, 3.0f, INFINITY}).view({2, 2});
  EXPECT_EQ(masked_sum(x, kMask).item<double>(), 4);   // 1 + 3
  EXPECT_EQ(masked_mean(x, kMask).item<double>(), 2);  // 4 / 2
  EXPECT_EQ(masked_sum(x, kMask).scalar_type(), at::kDouble);
  EXPECT_EQ(count_true(kMask), 2);
}

TEST(Masked, NothingSelectedIsZero) {
  const at::Tensor none = at::zeros({2, 2}, at::kBool), x = at::full({2, 2}, NAN);
  EXPECT_EQ(masked_sum(x, none).item<double>(), 0);
  EXPECT_EQ(masked_mean(x, none).item<double>(), 0);
  EXPECT_EQ(masked_sum(at::zeros({0, 3}), at::zeros({0, 3}, at::kBool)).item<double>(), 0);
}

TEST(Masked, GradientIsZeroAtMaskedPlaces) {
  const at::Tensor x = at::tensor({1.0f, NAN, 3.0f, 4.0f}).view({2, 2}).requires_grad_();
  masked_sum(keep(x, kMask).exp(), kMask).backward();
  const at::Tensor grad = x.grad();
  EXPECT_FLOAT_EQ(grad[0][0].item<float>(), std::exp(1.0f));
  EXPECT_EQ(grad[0][1].item<float>(), 0);
  EXPECT_EQ(grad[1][1].item<float>(), 0);
}

TEST(Masked, AddsInDouble) {
  // 2²⁴ + 1 has no float32; in double the million small numbers are all there.
  at::Tensor x = at::ones({1, 1'000'001});
  x[0][0] = 16777216.0f;
  EXPECT_EQ(masked_sum(x, at::ones_like(x, at::kBool)).item<double>(), 16777216.0 + 1e6);
}

TEST(Masked, RejectsShapesThatWouldBroadcast) {
  try {
    require_same_shape(at::zeros({3}), at::zeros({3, 1}), "here", "a and b");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::internal);
    EXPECT_STREQ(e.what(), "here: a and b must have one shape; got [3] and [3, 1]");
  }
  EXPECT_THROW(require_same_shape(at::Tensor(), at::zeros({3}), "here", "a and b"), Error);
  EXPECT_THROW(masked_sum(at::zeros({2}), kMask), Error);
  EXPECT_THROW(require_mask(at::zeros({2, 2}), 2, "here"), Error);  // float
  EXPECT_THROW(require_mask(kMask, 1, "here"), Error);
  EXPECT_NO_THROW(require_mask(kMask, 2, "here"));
}

}  // namespace
}  // namespace hone::tensor
