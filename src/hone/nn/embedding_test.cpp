#include "hone/nn/embedding.h"

#include "hone/nn/gradient_checks.h"

#include <gtest/gtest.h>

namespace hone::nn {
namespace {

TEST(PickRows, FusedIsLibtorchs) {
  const auto index = at::tensor({4, 0, 4, 2, 4, 1}, at::kLong).view({2, 3});
  expect_like_libtorch([&](const std::vector<at::Tensor>& t) { return pick_rows(t[0], index); },
                       {random_tensor({5, 7}, 1)});
}

TEST(PickRows, NoRows) {
  const auto table = random_tensor({5, 3}, 1).requires_grad_();
  const auto y = pick_rows(table, at::empty({0}, at::kLong));
  EXPECT_EQ(y.sizes().vec(), (std::vector<int64_t>{0, 3}));
  y.sum().backward();
  EXPECT_TRUE(at::equal(table.grad(), at::zeros({5, 3})));
}

TEST(PickRows, NanInAnotherRowIsNotSeen) {
  auto table = at::zeros({3, 2});
  table[1] = NAN;
  EXPECT_TRUE(at::equal(pick_rows(table, at::tensor({0, 2}, at::kLong)), at::zeros({2, 2})));
}

}  // namespace
}  // namespace hone::nn
