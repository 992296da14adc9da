// The whole decoder on fused kernels against the same definition on libtorch's operations, in float32 and float64.
#include "hone/models/decoder.h"
#include "hone/models/test_models.h"
#include "hone/nn/fused.h"
#include "hone/nn/gradient_checks.h"
#include "hone/nn/parallel.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace hone::models {
namespace {

using nn::WithMode;

tensor::Batch batch() {
  auto b = batch_of({{3, 1, 4, 1, 5, 9, 2, 6, 5}, {6, 5, 3, 5, 8, 18, 0, 0, 0}});
  b.loss_mask_BT[1].narrow(0, 6, 3).fill_(false);
  b.loss_mask_BT[0][4] = false;
  return b;
}

struct Result {
  at::Tensor logp;
  std::map<std::string, at::Tensor> grads;
};

// Different weights on every token, as advantages are.
at::Tensor loss_of(const at::Tensor& logp) {
  return (logp * nn::random_tensor(logp.sizes(), 50).to(logp.scalar_type())).sum();
}

Result run(const Decoder& model, at::ScalarType type, const tensor::Batch& b = batch()) {
  Decoder leaf = replica(model);
  leaf.visit([&](const std::string&, at::Tensor& t) { t = t.detach().to(type).requires_grad_(); });
  Result r;
  const auto logp = logprobs(leaf, b, 0.9);
  loss_of(logp).backward();
  r.logp = logp.detach();
  leaf.visit([&](const std::string& name, at::Tensor& t) { r.grads[name] = t.grad(); });
  return r;
}

void expect_near(const Result& a, const Result& b, double tolerance) {
  EXPECT_LT(distance(a.logp, b.logp), tolerance * (1 + b.logp.abs().max().item<double>()));
  for (const auto& [name, grad] : b.grads)
    EXPECT_LT(distance(a.grads.at(name), grad), tolerance * (1 + grad.abs().max().item<double>())) << name;
}

class FusedDecoder : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Decoder, FusedDecoder, testing::ValuesIn(kVariants),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(FusedDecoder, ValuesAndGradientsAreLibtorchs) {
  const auto model = small_model(GetParam());
  const auto exact = run(model, at::kDouble), fused = run(model, at::kFloat);
  expect_near(fused, exact, 3e-5);
  const WithMode reference(kernels::Mode::reference);
  const auto plain = run(model, at::kFloat);
  expect_near(plain, exact, 3e-5);
  expect_near(fused, plain, 3e-5);
}

TEST_P(FusedDecoder, GradientsAreTheSlopesInDouble) {
  const auto model = small_model(GetParam());
  const auto fused = run(model, at::kFloat);
  Decoder exact = replica(model);
  exact.visit([](const std::string&, at::Tensor& t) { t = t.detach().to(at::kDouble).clone(); });
  const at::NoGradGuard no_grad;
  Rng rng(3);
  exact.visit([&](const std::string& name, at::Tensor& t) {
    const auto gradient = fused.grads.at(name).reshape({-1});
    const double most = gradient.abs().max().item<double>();
    for (int i = 0; i < 6; ++i) {
      const auto k = static_cast<int64_t>(rng.below(static_cast<uint64_t>(t.numel())));
      double* p = t.data_ptr<double>() + k;
      const double before = *p;
      const auto value_at = [&](double step) {
        *p = before + step;
        return loss_of(logprobs(exact, batch(), 0.9)).item<double>();
      };
      const double slope = (value_at(1e-5) - value_at(-1e-5)) / 2e-5;
      *p = before;
      EXPECT_NEAR(gradient[k].item<double>(), slope, 5e-5 * (1 + most)) << name << " " << k;
    }
  });
}

// A trace that looks and changes nothing takes the separate norms; the numbers stay.
TEST_P(FusedDecoder, LookingChangesNothing) {
  const auto model = small_model(GetParam());
  int sites = 0;
  const nn::Trace look{[&](std::string_view, const at::Tensor& value) { return ++sites, value; }};
  EXPECT_TRUE(at::equal(hidden_states(model, batch(), &look), hidden_states(model, batch())));
  EXPECT_EQ(sites, 3 * model.config.layers);
}

TEST_P(FusedDecoder, DirectGradientsAreTheSameGradients) {
  const auto model = small_model(GetParam());
  const auto expected = run(model, at::kFloat);
  Decoder bound = replica(model);
  bound.visit([](const std::string&, at::Tensor& t) { t.mutable_grad() = at::zeros_like(t); });
  const nn::DirectGradients direct;
  loss_of(logprobs(bound, batch(), 0.9)).backward();
  bound.visit([&](const std::string& name, at::Tensor& t) {
    EXPECT_LT(distance(t.grad(), expected.grads.at(name)),
              1e-5 * (1 + expected.grads.at(name).abs().max().item<double>()))
        << name;
  });
}

TEST_P(FusedDecoder, ThreadsInsideOperationsDoNotChangeABit) {
  const auto model = small_model(GetParam());
  std::vector<Result> results;
  for (const int threads : {1, 2, 3}) {
    base::Pool pool(threads);
    const nn::ParallelScope scope(pool);
    results.push_back(run(model, at::kFloat));
  }
  for (const auto& r : results) {
    EXPECT_TRUE(at::equal(r.logp, results[0].logp));
    for (const auto& [name, grad] : r.grads) EXPECT_TRUE(at::equal(grad, results[0].grads.at(name))) << name;
  }
}

TEST_P(FusedDecoder, NoTargetAtAll) {
  const auto model = small_model(GetParam());
  auto b = batch();
  b.loss_mask_BT.fill_(false);
  const auto r = run(model, at::kFloat, b);
  EXPECT_TRUE(at::equal(r.logp, at::zeros_like(r.logp)));
  for (const auto& [name, grad] : r.grads) EXPECT_FALSE(grad.defined() && grad.abs().max().item<float>() > 0) << name;
}

// What stands behind the last token of a row, and whether it counts, is not seen by what comes before.
TEST_P(FusedDecoder, PaddingIsNotSeen) {
  const auto model = small_model(GetParam());
  auto b = batch();
  const auto before = run(model, at::kFloat, b);
  b.ids_BT[1].narrow(0, 6, 3).fill_(11);
  const auto after = run(model, at::kFloat, b);
  EXPECT_TRUE(at::equal(before.logp, after.logp));
  for (const auto& [name, grad] : before.grads) EXPECT_LT(distance(grad, after.grads.at(name)), 1e-5) << name;
}

}  // namespace
}  // namespace hone::models
