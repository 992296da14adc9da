#include "hone/optim/adamw.h"

#include "hone/base/error.h"
#include "hone/base/rng.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace hone::optim {
namespace {

at::Tensor random(int64_t count, uint64_t seed) {
  Rng rng(seed);
  at::Tensor t = at::empty({count}, at::kFloat);
  float* values = t.data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(rng.normal());
  return t;
}

std::vector<Segment> one_segment(int64_t count, double decay = 0.1) { return {{0, count, decay}}; }

// Algorithm 2 of the paper on one number, in double and without any folding.
struct Scalar {
  double p, m = 0, v = 0;

  void step(double g, int t, double lr, double decay, const OptimOptions& o) {
    m = o.beta1 * m + (1 - o.beta1) * g;
    v = o.beta2 * v + (1 - o.beta2) * g * g;
    const double m_hat = m / (1 - std::pow(o.beta1, t)), v_hat = v / (1 - std::pow(o.beta2, t));
    p -= lr * (m_hat / (std::sqrt(v_hat) + o.eps) + decay * p);
  }
};

TEST(AdamW, FollowsTheFormulaFor20Updates) {
  constexpr int64_t kCount = 131;
  OptimOptions options;
  options.clip = 0;
  options.beta2 = 0.999;
  at::Tensor parameters = random(kCount, 1);
  std::vector<Scalar> expected;
  for (int64_t i = 0; i < kCount; ++i) expected.push_back({parameters[i].item<double>()});
  AdamW adamw(parameters, one_segment(kCount), options);
  base::Pool pool(1);
  for (int t = 1; t <= 20; ++t) {
    const at::Tensor grad = random(kCount, 100 + t);
    adamw.step(grad, 0.25, 0.01, pool);
    for (int64_t i = 0; i < kCount; ++i) expected[i].step(0.25 * grad[i].item<double>(), t, 0.01, 0.1, options);
  }
  EXPECT_EQ(adamw.steps(), 20);
  for (int64_t i = 0; i < kCount; ++i) {
    EXPECT_NEAR(parameters[i].item<double>(), expected[i].p, 2e-6);
    EXPECT_NEAR(adamw.first_moment()[i].item<double>(), expected[i].m, 1e-6);
    EXPECT_NEAR(adamw.second_moment()[i].item<double>(), expected[i].v, 1e-6);
  }
}

TEST(AdamW, TensorOperationsFollowTheSameFormula) {
  constexpr int64_t kCount = 50;
  const OptimOptions options;
  at::Tensor single = random(kCount, 1), twice = single.to(at::kDouble);
  const std::vector<Segment> segments = {{0, 20, 0.1}, {20, 50, 0}};
  AdamW fused(single, segments, options), tensors(twice, segments, options);
  base::Pool pool(1);
  for (int t = 1; t <= 5; ++t) {
    const at::Tensor grad = random(kCount, 100 + t);
    const StepInfo a = fused.step(grad, 0.5, 0.01, pool), b = tensors.step(grad.to(at::kDouble), 0.5, 0.01, pool);
    EXPECT_NEAR(a.grad_norm, b.grad_norm, 1e-12);
  }
  EXPECT_TRUE(at::allclose(single.to(at::kDouble), twice, 0, 2e-6));
}

TEST(AdamW, ThreadsDoNotChangeABit) {
  constexpr int64_t kCount = 300'001;  // several blocks, the last one short
  at::Tensor expected;
  StepInfo info;
  for (int threads : {1, 2, 3}) {
    at::Tensor parameters = random(kCount, 1);
    AdamW adamw(parameters, {{0, 70'000, 0.1}, {70'000, kCount, 0}}, {});
    base::Pool pool(threads);
    StepInfo last;
    for (int t = 1; t <= 3; ++t) last = adamw.step(random(kCount, 10 + t), 0.5, 0.01, pool);
    if (threads == 1) {
      expected = parameters;
      info = last;
    }
    EXPECT_TRUE(at::equal(expected, parameters)) << threads << " threads";
    EXPECT_EQ(info.grad_norm, last.grad_norm);
  }
}

TEST(AdamW, ClipsTheWholeGradientAndReportsTheNormBefore) {
  // ‖(3, 4)·2‖ = 10, clip 1: the update is that of the gradient (0.6, 0.8).
  OptimOptions clipped, free;
  free.clip = 0;
  at::Tensor a = at::zeros({2}), b = at::zeros({2});
  AdamW with(a, one_segment(2), clipped), without(b, one_segment(2), free);
  base::Pool pool(1);
  EXPECT_DOUBLE_EQ(with.step(at::tensor({3.0f, 4.0f}), 2.0, 0.01, pool).grad_norm, 10);
  without.step(at::tensor({0.6f, 0.8f}), 1.0, 0.01, pool);
  EXPECT_TRUE(at::allclose(with.first_moment(), without.first_moment()));
  EXPECT_TRUE(at::allclose(with.second_moment(), without.second_moment()));
  EXPECT_TRUE(at::allclose(a, b));
  // A gradient inside the limit is left alone: m = 0.1·0.06.
  at::Tensor c = at::zeros({2});
  AdamW small(c, one_segment(2), clipped);
  small.step(at::tensor({0.06f, 0.08f}), 1.0, 0.01, pool);
  EXPECT_FLOAT_EQ(small.first_moment()[0].item<float>(), 0.006f);
}

void expect_numeric_and_untouched(const at::Tensor& grad, double scale, const OptimOptions& options) {
  at::Tensor parameters = random(grad.numel(), 1);
  AdamW adamw(parameters, one_segment(grad.numel()), options);
  base::Pool pool(2);
  adamw.step(random(grad.numel(), 2), 1.0, 0.01, pool);
  const at::Tensor p = parameters.clone(), m = adamw.first_moment().clone(), v = adamw.second_moment().clone();
  try {
    adamw.step(grad, scale, 0.01, pool);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::numeric) << e.what();
  }
  EXPECT_TRUE(at::equal(p, parameters));
  EXPECT_TRUE(at::equal(m, adamw.first_moment()));
  EXPECT_TRUE(at::equal(v, adamw.second_moment()));
  EXPECT_EQ(adamw.steps(), 1);
}

TEST(AdamW, RefusesWhatIsNotFiniteAndChangesNothing) {
  OptimOptions unclipped;
  unclipped.clip = 0;
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    at::Tensor grad = at::ones({5000});
    grad[4999] = bad;
    expect_numeric_and_untouched(grad, 1, {});
    expect_numeric_and_untouched(grad, 1, unclipped);
  }
  expect_numeric_and_untouched(at::ones({3}), std::numeric_limits<double>::infinity(), {});
  expect_numeric_and_untouched(at::full({3}, 1e30), 1, unclipped);  // its square would be inf
}

TEST(AdamW, TheNormCoversEveryBlock) {
  for (int64_t count : {1, 4096, 4097, 65'536, 200'003}) {
    at::Tensor parameters = at::zeros({count});
    AdamW adamw(parameters, one_segment(count), {});
    base::Pool pool(2);
    EXPECT_DOUBLE_EQ(adamw.step(at::ones({count}), 1, 0.01, pool).grad_norm, std::sqrt(static_cast<double>(count)));
    EXPECT_LT(parameters.max().item<float>(), 0) << "an element was left out";
  }
}

TEST(AdamW, ClippingTamesAHugeFiniteGradient) {
  at::Tensor parameters = at::zeros({3});
  AdamW adamw(parameters, one_segment(3), {});
  base::Pool pool(1);
  adamw.step(at::full({3}, 1e30), 1, 0.01, pool);
  EXPECT_TRUE(at::isfinite(parameters).all().item<bool>());
  EXPECT_NEAR(parameters[0].item<double>(), -0.01, 1e-6);  // the first update has size lr
}

TEST(AdamW, DecaysOnlyItsSegments) {
  // Zero gradient: what is left is p·(1 − lr·λ) = 1 − 0.1·0.5 = 0.95 where λ = 0.5.
  at::Tensor parameters = at::ones({6});
  AdamW adamw(parameters, {{0, 2, 0}, {2, 5, 0.5}, {5, 6, 0}}, {});
  base::Pool pool(1);
  adamw.step(at::zeros({6}), 1, 0.1, pool);
  EXPECT_TRUE(at::allclose(parameters, at::tensor({1.0f, 1.0f, 0.95f, 0.95f, 0.95f, 1.0f})));
  EXPECT_EQ(parameters[0].item<float>(), 1.0f);
  EXPECT_EQ(parameters[5].item<float>(), 1.0f);
}

TEST(AdamW, LearningRateZeroMovesOnlyTheMoments) {
  at::Tensor parameters = random(20, 1);
  const at::Tensor before = parameters.clone();
  AdamW adamw(parameters, one_segment(20), {});
  base::Pool pool(1);
  adamw.step(random(20, 2), 1, 0, pool);
  EXPECT_TRUE(at::equal(before, parameters));
  EXPECT_GT(adamw.second_moment().min().item<float>(), 0);
}

TEST(AdamW, ResumesBitForBit) {
  at::Tensor a = random(40, 1), b = a.clone();
  AdamW whole(a, one_segment(40), {}), first(b, one_segment(40), {});
  base::Pool pool(1);
  for (int t = 0; t < 4; ++t) whole.step(random(40, 10 + t), 1, 0.01, pool);
  for (int t = 0; t < 2; ++t) first.step(random(40, 10 + t), 1, 0.01, pool);
  AdamW second(b, one_segment(40), {});
  second.first_moment().copy_(first.first_moment());
  second.second_moment().copy_(first.second_moment());
  second.set_steps(first.steps());
  for (int t = 2; t < 4; ++t) second.step(random(40, 10 + t), 1, 0.01, pool);
  EXPECT_TRUE(at::equal(a, b));
}

TEST(AdamW, RejectsWrongShapesSegmentsAndOptions) {
  base::Pool pool(1);
  at::Tensor p = at::zeros({4});
  AdamW adamw(p, one_segment(4), {});
  EXPECT_THROW(adamw.step(at::zeros({5}), 1, 0.01, pool), Error);
  EXPECT_THROW(adamw.step(at::zeros({4, 1}), 1, 0.01, pool), Error);
  EXPECT_THROW(adamw.step(at::zeros({4}, at::kDouble), 1, 0.01, pool), Error);
  EXPECT_THROW(adamw.step(at::zeros({4}), 1, -0.01, pool), Error);
  adamw.first_moment() = at::zeros({3});
  EXPECT_THROW(adamw.step(at::zeros({4}), 1, 0.01, pool), Error);
  EXPECT_THROW(AdamW(at::zeros({2, 2}), one_segment(4), {}), Error);
  EXPECT_THROW(AdamW(p, {{0, 3, 0}}, {}), Error);             // too short
  EXPECT_THROW(AdamW(p, {{0, 2, 0}, {3, 4, 0}}, {}), Error);  // a gap
  EXPECT_THROW(AdamW(p, {{0, 3, 0}, {2, 4, 0}}, {}), Error);  // an overlap
  OptimOptions no_eps;
  no_eps.eps = 0;
  EXPECT_THROW(AdamW(p, one_segment(4), no_eps), Error);
  AdamW empty(at::zeros({0}), {}, {});
  EXPECT_EQ(empty.step(at::zeros({0}), 1, 0.01, pool).grad_norm, 0);
}

}  // namespace
}  // namespace hone::optim
