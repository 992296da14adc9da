#include "hone/nn/low_rank.h"

#include "hone/nn/gradient_checks.h"
#include "hone/nn/linear.h"
#include "hone/nn/mlp.h"
#include "hone/nn/parallel.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace hone::nn {
namespace {

// A map of 7 rows in which a part changes rows 0–2, another rows 4–6, and a third rows 2–4: parts may share rows.
LowRank three_parts(double dropout = 0) {
  LowRank delta{{}, {}, {{0, 3, 2, 1.5}, {4, 3, 1, 0.5}, {2, 3, 3, 2}}};
  delta.dropout = dropout;
  if (dropout > 0) delta.mask_key = Rng(3).fork("masks").key();
  return delta;
}

constexpr int64_t kIn = 5, kOut = 7, kRank = 6, kB = 3 * 2 + 3 * 1 + 3 * 3;

std::vector<at::Tensor> inputs_of(int64_t rows) {
  return {random_tensor({2, rows, kIn}, 1), random_tensor({kOut, kIn}, 2), random_tensor({kOut}, 3),
          random_tensor({kRank, kIn}, 4), random_tensor({kB}, 5)};
}

// x, weight, bias, a, b → y
Operation adapted(const LowRank& delta) {
  return [delta](const std::vector<at::Tensor>& in) {
    LowRank own = delta;
    own.a = in[3];
    own.b = in[4];
    return apply({in[1], in[2], own}, in[0]);
  };
}

// Hand-worked: x = (1, 2), A = (3 4) so h = 11; B = (1, −1)ᵀ on rows 1–2, scale ½: y gains (0, 5.5, −5.5).
TEST(LowRankAddition, OfOneRow) {
  LowRank delta{at::tensor({3.0f, 4.0f}).view({1, 2}), at::tensor({1.0f, -1.0f}), {{1, 2, 1, 0.5}}};
  const auto x = at::tensor({1.0f, 2.0f}).view({1, 2});
  const Linear map{at::zeros({3, 2}), {}, delta};
  EXPECT_TRUE(at::equal(apply(map, x), at::tensor({0.0f, 5.5f, -5.5f}).view({1, 3})));
  EXPECT_TRUE(at::equal(merged_weight(map), at::tensor({0.0f, 0.0f, 1.5f, 2.0f, -1.5f, -2.0f}).view({3, 2})));
}

TEST(LowRankAddition, GradientsAreThoseOfLibtorchAndOfDifferences) {
  expect_like_libtorch(adapted(three_parts()), inputs_of(3));
}

TEST(LowRankAddition, GradientsWithDropout) { expect_like_libtorch(adapted(three_parts(0.4)), inputs_of(3)); }

TEST(LowRankAddition, GradientsOfTheFeedForwardPart) {
  constexpr int64_t kWidth = 4, kHidden = 3;
  for (const auto kind : {Activation::gelu_tanh, Activation::swiglu}) {
    const int64_t up_rows = kind == Activation::swiglu ? 2 * kHidden : kHidden;
    for (const double dropout : {0.0, 0.3}) {
      const Operation operation = [&](const std::vector<at::Tensor>& in) {
        Linear up{in[1], {}, {in[2], in[3], {{0, kHidden, 2, 1.5}}}}, down{in[4], {}, {in[5], in[6], {{1, 2, 2, 0.7}}}};
        if (kind == Activation::swiglu) up.delta.parts.push_back({kHidden, kHidden, 2, 0.5});
        up.delta.dropout = down.delta.dropout = dropout;
        up.delta.mask_key = 5;
        down.delta.mask_key = 6;
        return mlp(up, down, kind, in[0]);
      };
      const int64_t parts = up_rows / kHidden;
      expect_like_libtorch(
          operation, {random_tensor({5, kWidth}, 1), random_tensor({up_rows, kWidth}, 2),
                      random_tensor({2 * parts, kWidth}, 3), random_tensor({up_rows * 2}, 4),
                      random_tensor({kWidth, kHidden}, 5), random_tensor({2, kHidden}, 6), random_tensor({4}, 7)});
    }
  }
}

TEST(LowRankAddition, AFrozenWeightGetsNoGradient) {
  auto in = inputs_of(3);
  for (const int i : {3, 4}) in[static_cast<std::size_t>(i)].requires_grad_();
  const auto y = adapted(three_parts())(in);
  y.sum().backward();
  for (const int i : {0, 1, 2}) EXPECT_FALSE(in[static_cast<std::size_t>(i)].grad().defined()) << i;
  for (const int i : {3, 4}) EXPECT_GT(in[static_cast<std::size_t>(i)].grad().abs().sum().item<double>(), 0) << i;
}

TEST(LowRankAddition, DirectGradientsAreTheSame) {
  const auto run = [](bool direct) {
    auto in = inputs_of(40);
    for (auto& t : in) t.requires_grad_().mutable_grad() = at::zeros_like(t);
    const auto y = adapted(three_parts(0.2))(in);
    std::optional<DirectGradients> scope;
    if (direct) scope.emplace();
    torch::autograd::backward({(y * random_tensor(y.sizes(), 9)).sum()}, {});
    return std::pair{in[3].grad().clone(), in[4].grad().clone()};
  };
  const auto [a, b] = run(true);
  const auto [plain_a, plain_b] = run(false);
  EXPECT_LE(largest_gap(a, plain_a), 1e-5);
  EXPECT_LE(largest_gap(b, plain_b), 1e-5);
}

TEST(LowRankAddition, OneThreadAndFourGiveTheSameBitsInsideAParallelScope) {
  const auto run = [](int threads) {
    base::Pool pool(threads);
    const ParallelScope scope(pool);
    return run_pass(adapted(three_parts(0.3)), inputs_of(150), at::kFloat);
  };
  const Pass one = run(1), four = run(4);
  EXPECT_TRUE(at::equal(one.y, four.y));
  for (std::size_t i = 0; i < one.grads.size(); ++i) EXPECT_TRUE(at::equal(one.grads[i], four.grads[i])) << i;
}

TEST(LowRankAddition, DropoutNeedsAKeyAndFollowsIt) {
  LowRank delta = three_parts(0.5);
  const auto in = inputs_of(20);
  const auto with_masks = adapted(delta)(in), again = adapted(delta)(in);
  EXPECT_TRUE(at::equal(with_masks, again));
  delta.mask_key = Rng(4).key();
  EXPECT_FALSE(at::equal(with_masks, adapted(delta)(in)));
  delta.mask_key.reset();
  EXPECT_TRUE(at::equal(adapted(delta)(in), adapted(three_parts())(in)));
}

// E[drop(x)] = x: over many masks the mean output is that without dropout.
TEST(LowRankAddition, DropoutKeepsTheMean) {
  LowRank delta = three_parts(0.25);
  const auto in = inputs_of(2);
  auto sum = at::zeros({2, 2, kOut}, at::kDouble);
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    delta.mask_key = Rng(7).fork("mask", {static_cast<uint64_t>(i)}).key();
    sum += adapted(delta)(in).to(at::kDouble);
  }
  // The standard error is about 20/√4000 at the largest.
  EXPECT_LE(largest_gap(sum / kDraws, adapted(three_parts())(in)), 1.5);
}

TEST(LowRankAddition, MergedWeightIsTheSameMap) {
  const auto in = inputs_of(30);
  LowRank delta = three_parts();
  delta.a = in[3];
  delta.b = in[4];
  const Linear map{in[1], in[2], delta};
  const auto before = in[1].clone();
  const Linear merged{merged_weight(map), in[2], {}};
  EXPECT_LE(largest_gap(apply(map, in[0]), apply(merged, in[0])), 2e-5);
  EXPECT_TRUE(at::equal(in[1], before));
  EXPECT_EQ(merged_weight({in[1], in[2], {}}).data_ptr(), in[1].data_ptr());
}

TEST(LowRankAddition, PairsAreViews) {
  auto in = inputs_of(1);
  LowRank delta = three_parts();
  delta.a = in[3];
  delta.b = in[4];
  const auto pair = pair_of(delta, 2);
  EXPECT_EQ(pair.a.sizes(), (std::vector<int64_t>{3, kIn}));
  EXPECT_EQ(pair.b.sizes(), (std::vector<int64_t>{3, 3}));
  pair.b.fill_(7);
  EXPECT_EQ(in[4][kB - 1].item<float>(), 7);
  EXPECT_NE(in[4][kB - 10].item<float>(), 7);
}

TEST(LowRankAddition, NumbersGoThereAndBack) {
  LowRank delta = three_parts(0.3);
  delta.a = at::zeros({1, 1});
  const LowRank back = low_rank_of(delta.a, delta.b, numbers_of(delta));
  EXPECT_EQ(back.dropout, 0.3);
  EXPECT_EQ(back.mask_key, delta.mask_key);
  ASSERT_EQ(back.parts.size(), 3u);
  EXPECT_EQ(back.parts[2].first_row, 2);
  EXPECT_EQ(back.parts[1].scale, 0.5);
  EXPECT_EQ(back.parts[0].rank, 2);
  EXPECT_FALSE(low_rank_of({}, {}, {}).defined());
}

}  // namespace
}  // namespace hone::nn
