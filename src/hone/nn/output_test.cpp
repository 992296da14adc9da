#include "hone/nn/output.h"

#include "hone/nn/gradient_checks.h"
#include "hone/nn/parallel.h"

#include <gtest/gtest.h>

namespace hone::nn {
namespace {

at::Tensor targets_below(int64_t vocab, int64_t count) {
  auto t = at::empty({count}, at::kLong);
  Rng rng(7);
  for (int64_t i = 0; i < count; ++i)
    t.data_ptr<int64_t>()[i] = static_cast<int64_t>(rng.below(static_cast<uint64_t>(vocab)));
  return t;
}

TEST(ProjectedLogprobs, FusedIsLibtorchsAtOddSizes) {
  for (const auto& [tokens, width, vocab] : {std::array<int64_t, 3>{1, 1, 1}, {1, 3, 2}, {3, 5, 7}, {40, 17, 131}}) {
    const auto targets = targets_below(vocab, tokens);
    for (const double temperature : {1.0, 0.6}) {
      expect_like_libtorch(
          [&](const std::vector<at::Tensor>& t) { return projected_logprobs(t[0], t[1], targets, temperature); },
          {random_tensor({tokens, width}, 1), random_tensor({vocab, width}, 2)}, 5e-6);
    }
  }
}

TEST(ProjectedLogprobs, SlicesAndBlocksChangeRoundingOnly) {
  const WithMode fused(kernels::Mode::fused);
  const auto targets = targets_below(101, 23);
  const std::vector<at::Tensor> inputs = {random_tensor({23, 9}, 1), random_tensor({101, 9}, 2)};
  const auto whole = run_pass(
      [&](const auto& t) {
        return detail::tiled_logprobs(t[0], t[1], targets, 0.8, {64, 128});
      },
      inputs, at::kFloat);
  for (const auto& tiling : {LogitTiling{23, 101}, {5, 101}, {23, 10}, {7, 33}, {1, 1}}) {
    const auto tiled = run_pass([&](const auto& t) { return detail::tiled_logprobs(t[0], t[1], targets, 0.8, tiling); },
                                inputs, at::kFloat);
    EXPECT_LT(largest_gap(tiled.y, whole.y), 1e-5);
    for (int i : {0, 1}) EXPECT_LT(largest_gap(tiled.grads[i], whole.grads[i]), 2e-5) << tiling.rows << " " << i;
  }
}

// None, some and all of the tiles wait for the backward pass, which may come twice.
TEST(ProjectedLogprobs, KeptLogitsChangeNoBit) {
  const WithMode fused(kernels::Mode::fused);
  const auto targets = targets_below(101, 23);
  std::vector<std::vector<at::Tensor>> results;
  for (const int64_t kept : {int64_t{0}, int64_t{7 * 33}, int64_t{1000}, kKeptLogits}) {
    const auto states = random_tensor({23, 9}, 1).requires_grad_(),
               weight = random_tensor({101, 9}, 2).requires_grad_();
    const auto logp = detail::tiled_logprobs(states, weight, targets, 0.8, {7, 33, kept});
    logp.sum().backward({}, true);
    const auto once = states.grad().clone();
    logp.sum().backward();
    EXPECT_TRUE(at::equal(states.grad(), 2 * once)) << kept;
    results.push_back({logp.detach(), states.grad(), weight.grad()});
  }
  for (const auto& result : results) {
    for (std::size_t i : {0, 1, 2}) EXPECT_TRUE(at::equal(result[i], results[0][i])) << i;
  }
}

TEST(ProjectedLogprobs, ALargeVocabularyNeverExistsWhole) {
  for (const int64_t tokens : {1, 3, 900, 1024, 100000}) {
    for (const int64_t vocab : {1, 64, 50257, 300000}) {
      const auto tiling = logit_tiling(tokens, vocab);
      EXPECT_LE(tiling.rows * tiling.columns, kLogitTile);
      EXPECT_LT(tiling.kept, int64_t{1024} * 50257);
      EXPECT_GE(tiling.columns, std::min<int64_t>(vocab, 1024));
    }
  }
  const auto targets = targets_below(50257, 30);
  const auto states = random_tensor({30, 4}, 1), weight = random_tensor({50257, 4}, 2);
  const auto run = [&](const std::vector<at::Tensor>& t) { return projected_logprobs(t[0], t[1], targets, 1); };
  const auto fused = run_pass(run, {states, weight}, at::kFloat), exact = run_pass(run, {states, weight}, at::kDouble);
  EXPECT_LT(largest_gap(fused.y, exact.y), 1e-4);
  for (int i : {0, 1}) EXPECT_LT(largest_gap(fused.grads[i], exact.grads[i]), 1e-4);
}

TEST(ProjectedLogprobs, NoTargets) {
  const auto states = at::empty({0, 4}).requires_grad_(), weight = random_tensor({9, 4}, 1).requires_grad_();
  const auto logp = projected_logprobs(states, weight, at::empty({0}, at::kLong), 1);
  EXPECT_EQ(logp.sizes().vec(), (std::vector<int64_t>{0}));
  logp.sum().backward();
  EXPECT_TRUE(at::equal(weight.grad(), at::zeros({9, 4})));
}

TEST(ProjectedLogprobs, ExtremeStates) {
  const auto weight = at::eye(3), targets = at::tensor({0, 1}, at::kLong);
  const auto logp =
      projected_logprobs(at::tensor({1e4f, 0.0f, 0.0f, 1e4f, 0.0f, 0.0f}).view({2, 3}), weight, targets, 1);
  EXPECT_EQ(logp[0].item<float>(), 0);      // certain
  EXPECT_EQ(logp[1].item<float>(), -1e4f);  // and out of the question, but not −inf
  const auto bad = projected_logprobs(at::full({2, 3}, NAN), weight, targets, 1);
  EXPECT_TRUE(bad.isnan().all().item<bool>());
}

TEST(ProjectedLogprobs, ThreadsDoNotChangeABit) {
  const WithMode fused(kernels::Mode::fused);
  const auto targets = targets_below(300, 400);
  const std::vector<at::Tensor> inputs = {random_tensor({400, 20}, 1), random_tensor({300, 20}, 2)};
  std::vector<Pass> passes;
  for (const int threads : {1, 2, 3}) {
    base::Pool pool(threads);
    const ParallelScope scope(pool);
    passes.push_back(run_pass(
        [&](const auto& t) {
          return detail::tiled_logprobs(t[0], t[1], targets, 1, {300, 170});
        },
        inputs, at::kFloat));
  }
  for (const auto& p : passes)
    EXPECT_TRUE(at::equal(p.y, passes[0].y) && at::equal(p.grads[0], passes[0].grads[0]) &&
                at::equal(p.grads[1], passes[0].grads[1]));
}

}  // namespace
}  // namespace hone::nn
