#include "hone/tensor/compat.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

namespace hone::tensor {
namespace {

TEST(Compat, NamesTheVersionThatDecidesTheFeatures) {
  EXPECT_EQ(kHasSdpa, std::stoi(torch_version()) >= 2) << torch_version();
}

TEST(Compat, ADeviceNeedsALibraryThatKnowsIt) { EXPECT_TRUE(built_with_cuda() || !has_cuda()); }

TEST(Compat, ScaledDotProductIsSoftmaxAttention) {
  const auto at_step = [](int64_t count) { return at::arange(count, at::kFloat).sin(); };
  const auto q = at_step(24).view({1, 2, 3, 4}), k = at_step(48).slice(0, 24).view({1, 2, 3, 4}), v = k.cos();
  if (!kHasSdpa) {
    EXPECT_THROW(scaled_dot_product(q, k, v, {}), Error);
    return;
  }
  const auto mask = at::full({3, 3}, -INFINITY).triu(1).view({1, 1, 3, 3});
  const auto expected = at::matmul(at::softmax(at::matmul(q, k.transpose(2, 3)) / 2 + mask, -1), v);  // √4 = 2
  EXPECT_LT((scaled_dot_product(q, k, v, {}) - expected).abs().max().item<double>(), 1e-6);
  EXPECT_LT((scaled_dot_product(q, k, v, mask) - expected).abs().max().item<double>(), 1e-6);
}

TEST(Compat, FusedAdamWByHand) {
  const auto one = [](double x) { return std::vector<at::Tensor>{at::full({1}, x, at::kFloat)}; };
  FusedAdamW u{one(1), one(0.5), one(0), one(0), 1, 0.1, 0.9, 0.99, 1e-8, 0.2};
  if (!has_fused_adamw(at::kCPU)) {
    EXPECT_THROW(fused_adamw(u), Error);
    return;
  }
  fused_adamw(u);
  // First step: m̂ = g, v̂ = g², so p = 1 − 0.1·0.2·1 − 0.1·0.5/0.5 = 0.88; m = 0.1·0.5, v = 0.01·0.25.
  EXPECT_NEAR(u.parameters[0].item<double>(), 0.88, 1e-6);
  EXPECT_NEAR(u.first_moments[0].item<double>(), 0.05, 1e-7);
  EXPECT_NEAR(u.second_moments[0].item<double>(), 0.0025, 1e-8);
}

TEST(Compat, SetsTheThreadsOfTensorOperations) {
  EXPECT_EQ(configure_threads(2), 2);
  EXPECT_EQ(configure_threads(1), 1);  // a second call is allowed
  EXPECT_THROW(configure_threads(0), Error);
  int in_worker = 0;
  std::thread([&] {
    set_single_threaded();
    in_worker = at::get_num_threads();
  }).join();
  EXPECT_EQ(in_worker, 1);
}

TEST(Compat, MallocStillWorksAfterTuning) {
  tune_malloc();
  const std::string large(1 << 22, 'x');
  EXPECT_EQ(large.back(), 'x');
}

}  // namespace
}  // namespace hone::tensor
