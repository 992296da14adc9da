#include "hone/objectives/advantages.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace hone::objectives {
namespace {

at::Tensor table(std::initializer_list<float> values, int64_t rows) {
  return at::tensor(at::ArrayRef<float>(values)).view({rows, -1});
}

void expect_kind(ErrorKind kind, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind) << e.what();
  }
}

TEST(GroupAdvantage, ByHand) {
  // Row 1: mean 0.25; squares 0.5625 + 3·0.0625 = 0.75; deviation √(0.75/3) = 0.5; (1 − 0.25)/0.5 = 1.5, −0.25/0.5 =
  // −0.5. Row 2: mean 5; squares 9 + 1 + 1 + 9 = 20; deviation √(20/3) = 2.581989; 3/2.581989 = 1.161895.
  const at::Tensor reward_GK = table({1, 0, 0, 0, 2, 4, 6, 8}, 2);
  const at::Tensor none = group_advantage(reward_GK, Scale::none, 0.1);
  EXPECT_TRUE(at::allclose(none, table({0.75, -0.25, -0.25, -0.25, -3, -1, 1, 3}, 2)));
  const at::Tensor group = group_advantage(reward_GK, Scale::group, 0);
  EXPECT_TRUE(at::allclose(group, table({1.5, -0.5, -0.5, -0.5, -1.161895, -0.3872983, 0.3872983, 1.161895}, 2)));
  // With eps 0.5 the first row is divided by 1 instead of 0.5.
  EXPECT_FLOAT_EQ(group_advantage(reward_GK, Scale::group, 0.5)[0][0].item<float>(), 0.75f);
}

TEST(GroupAdvantage, BatchScaleDividesAllGroupsByOneNumber) {
  // Rewards 0, 2, 10, 10: mean 5.5, squares 30.25 + 12.25 + 20.25 + 20.25 = 83, deviation √(83/3) = 5.259911.
  const at::Tensor a = group_advantage(table({0, 2, 10, 10}, 2), Scale::batch, 0);
  EXPECT_TRUE(at::allclose(a, table({-1 / 5.259911f, 1 / 5.259911f, 0, 0}, 2)));
}

TEST(GroupAdvantage, BetterThanTheGroupIsPositive) {
  const at::Tensor reward_GK = table({0.3, 0.9, 0.1, -2, -3, -1}, 2);
  const at::Tensor above = reward_GK > reward_GK.mean(1, true);
  for (Scale scale : {Scale::group, Scale::batch, Scale::none}) {
    EXPECT_TRUE(at::equal(group_advantage(reward_GK, scale, 1e-4) > 0, above));
  }
  EXPECT_TRUE(at::equal(leave_one_out_advantage(reward_GK) > 0, above));
}

TEST(GroupAdvantage, RowsSumToZero) {
  const at::Tensor reward_GK = table({0.1, 0.7, 0.2, 5, 3, 4}, 2);
  for (Scale scale : {Scale::group, Scale::batch, Scale::none}) {
    EXPECT_LT(group_advantage(reward_GK, scale, 1e-4).sum(1).abs().max().item<float>(), 1e-6);
  }
}

TEST(GroupAdvantage, NoDifferenceIsExactlyZero) {
  const at::Tensor equal = at::full({2, 3}, 0.1, at::kDouble);  // (0.1 + 0.1 + 0.1)/3 is not 0.1 in binary
  const at::Tensor single = table({3, 5}, 2);                   // K = 1
  const at::Tensor lone = table({3}, 1);                        // G = K = 1: even the batch has no deviation
  for (Scale scale : {Scale::group, Scale::batch, Scale::none}) {
    for (double eps : {0.0, 1e-4}) {
      for (const at::Tensor& reward : {equal, single, lone}) {
        EXPECT_TRUE(at::equal(group_advantage(reward, scale, eps), at::zeros_like(reward)));
      }
    }
  }
  EXPECT_TRUE(at::equal(leave_one_out_advantage(equal), at::zeros_like(equal)));
  EXPECT_EQ(group_advantage(at::zeros({0, 4}), Scale::group, 0).numel(), 0);
}

TEST(GroupAdvantage, OneEqualGroupDoesNotHideAnother) {
  const at::Tensor a = group_advantage(table({1, 1, 0, 1}, 2), Scale::group, 0);
  EXPECT_TRUE(at::allclose(a, table({0, 0, -0.70710678f, 0.70710678f}, 2)));  // deviation √(2·0.25/1) = 0.7071
}

TEST(Advantages, CarryNoGradientAndKeepTheDtype) {
  const at::Tensor reward_GK = table({1, 2}, 1).requires_grad_();
  EXPECT_FALSE(group_advantage(reward_GK, Scale::group, 1e-4).requires_grad());
  EXPECT_FALSE(leave_one_out_advantage(reward_GK).requires_grad());
  EXPECT_EQ(group_advantage(reward_GK.to(at::kDouble), Scale::none, 0).scalar_type(), at::kDouble);
  EXPECT_EQ(group_advantage(reward_GK, Scale::none, 0).scalar_type(), at::kFloat);
}

TEST(Advantages, RejectWrongShapesAndRewardsThatAreNotFinite) {
  expect_kind(ErrorKind::internal, [] { group_advantage(at::zeros({3}), Scale::none, 0); });
  expect_kind(ErrorKind::internal, [] { group_advantage(at::zeros({3, 1}, at::kLong), Scale::none, 0); });
  expect_kind(ErrorKind::numeric, [] { group_advantage(table({1, NAN}, 1), Scale::none, 0); });
  expect_kind(ErrorKind::numeric, [] { leave_one_out_advantage(table({1, INFINITY}, 1)); });
  expect_kind(ErrorKind::usage, [] { group_advantage(table({1, 2}, 1), Scale::group, -1); });
  expect_kind(ErrorKind::usage, [] { leave_one_out_advantage(table({1, 2}, 2)); });  // K = 1
  expect_kind(ErrorKind::internal, [] { conditional_advantage(at::zeros({3}), at::zeros({3, 1}, at::kLong)); });
  expect_kind(ErrorKind::internal, [] { conditional_advantage(at::zeros({3, 1}), at::zeros({3, 1}, at::kLong)); });
  expect_kind(ErrorKind::internal, [] { conditional_advantage(at::zeros({3}), at::zeros({3})); });
}

TEST(LeaveOneOutAdvantage, ByHand) {
  // 3 − (0 + 6)/2 = 0;  0 − (3 + 6)/2 = −4.5;  6 − (3 + 0)/2 = 4.5
  EXPECT_TRUE(at::allclose(leave_one_out_advantage(table({3, 0, 6}, 1)), table({0, -4.5, 4.5}, 1)));
  // Two samples: the difference, with either sign.
  EXPECT_TRUE(at::allclose(leave_one_out_advantage(table({1, 0}, 1)), table({1, -1}, 1)));
}

TEST(ConditionalAdvantage, ByHand) {
  // First attempt right (1): rewards 1, 0, 1, mean 2/3. Wrong (0): rewards 1, 0, mean 1/2. Alone (7): 0.
  const at::Tensor reward_N = at::tensor({1.0f, 1.0f, 0.0f, 1.0f, 0.0f, 5.0f});
  const at::Tensor condition_N = at::tensor({1, 0, 1, 1, 0, 7}, at::kLong);
  EXPECT_TRUE(at::allclose(conditional_advantage(reward_N, condition_N),
                           at::tensor({1.0f / 3, 0.5f, -2.0f / 3, 1.0f / 3, -0.5f, 0.0f})));
}

TEST(ConditionalAdvantage, OneConditionIsTheGroupMean) {
  const at::Tensor reward_N = at::tensor({0.3f, 0.9f, -0.2f});
  EXPECT_TRUE(at::allclose(conditional_advantage(reward_N, at::zeros({3}, at::kLong)),
                           group_advantage(reward_N.view({1, 3}), Scale::none, 0).view({3})));
}

TEST(ConditionalAdvantage, EqualRewardsAreExactlyZero) {
  const at::Tensor reward_N = at::full({7}, 0.1);
  EXPECT_TRUE(at::equal(conditional_advantage(reward_N, at::zeros({7}, at::kLong)), at::zeros({7})));
  EXPECT_EQ(conditional_advantage(at::zeros({0}), at::zeros({0}, at::kLong)).numel(), 0);
}

}  // namespace
}  // namespace hone::objectives
