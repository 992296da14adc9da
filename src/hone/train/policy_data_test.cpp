#include "hone/train/policy_data.h"

#include "hone/adapters/lora.h"
#include "hone/base/error.h"
#include "hone/generate/test_models.h"
#include "hone/objectives/policy.h"
#include "hone/train/step.h"
#include "hone/train/test_run.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace hone::train {
namespace {

using Floats = std::vector<float>;
using Mask = std::vector<uint8_t>;

generate::Completion completion(text::Ids ids, Floats logprobs) { return {std::move(ids), std::move(logprobs)}; }

// prompt 1 2, then 8 sampled, forced 5 6, then 9 and 3 sampled.
TEST(PolicyExample, GivesEveryTokenWhatItsTurnEarned) {
  const generate::Request request{{1, 2}, {{{}, {}}, {{5, 6}, {}}}};
  const generate::Rollout rollout{0, 0, {completion({8}, {-0.5f}), completion({9, 3}, {-1, -2})}};
  const std::array<double, 2> advantage{-0.25, 4}, kl{0.1, 0};
  const auto e = policy_example(request, rollout, advantage, kl);
  EXPECT_EQ(e.ids, (text::Ids{1, 2, 8, 5, 6, 9, 3}));
  EXPECT_EQ(e.loss_mask, (Mask{0, 0, 1, 0, 0, 1, 1}));
  EXPECT_EQ(e.advantage, (Floats{0, 0, -0.25f, 0, 0, 4, 4}));
  EXPECT_EQ(e.behavior, (Floats{0, 0, -0.5f, 0, 0, -1, -2}));
  EXPECT_EQ(e.kl_weight, (Floats{0, 0, 0.1f, 0, 0, 0, 0}));
  EXPECT_TRUE(e.reference.empty());
  EXPECT_TRUE(policy_example(request, rollout, advantage).kl_weight.empty());
}

TEST(PolicyExample, ANumberForEveryTurnIsNeeded) {
  const generate::Request request{{1}, {{{}, {}}, {{}, {}}}};
  const generate::Rollout rollout{0, 0, {completion({8}, {0}), completion({9}, {0})}};
  const std::array<double, 2> two{1, 1};
  const std::array<double, 1> one{1};
  expect_error(ErrorKind::internal, {"2 turns"}, [&] { policy_example(request, rollout, one); });
  expect_error(ErrorKind::internal, {"2 turns"}, [&] { policy_example(request, rollout, two, one); });
}

class OnPolicy : public testing::TestWithParam<models::Family> {
 protected:
  // Two-turn rollouts of the model as training sequences.
  std::vector<data::Example> roll(const generate::Sampling& sampling = {}) {
    std::vector<generate::Request> requests;
    for (uint64_t i = 0; i < 12; ++i) {
      const generate::TurnPlan turn{{static_cast<int32_t>(i)}, {{1, 2}, {}, 9}};
      requests.push_back({{3, static_cast<int32_t>(4 + i)}, {turn, turn}, 3, i});
    }
    std::vector<data::Example> examples;
    const std::array<double, 2> advantage{1, -1};
    for (const auto& rollout : generate::Engine(model, pool).roll(requests, sampling, Rng(2)))
      examples.push_back(policy_example(requests[static_cast<std::size_t>(rollout.request)], rollout, advantage));
    return examples;
  }

  models::Decoder model = generate::tiny_model(GetParam());
  base::Pool pool{test_threads(2), tensor::set_single_threaded};
  MicroOptions micro{.micro_tokens = 100, .vocab = 37, .context = 96};
};

TEST_P(OnPolicy, SamplerAndTrainerAgree) {
  const double gap = check_on_policy(model, roll(), micro, pool);
  EXPECT_GT(gap, 0);
  EXPECT_LT(gap, 1e-4);
}

TEST_P(OnPolicy, StaleWeightsAndOtherTemperaturesAreNoticed) {
  expect_error(ErrorKind::numeric, {"disagree", "1e-04"},
               [&] { check_on_policy(model, roll({.temperature = 0.5}), micro, pool); });
  const auto examples = roll();
  model.flat.mul_(1.01);
  expect_error(ErrorKind::numeric, {"off-policy"}, [&] { check_on_policy(model, examples, micro, pool); });
  EXPECT_GT(check_on_policy(model, examples, micro, pool, 100), 1e-4);
}

TEST_P(OnPolicy, ALogProbThatIsNotANumberIsNoAgreement) {
  auto examples = roll();
  examples[3].behavior.back() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(check_on_policy(model, examples, micro, pool), Error);
}

// Groups of completions, some empty, of prompts of 1 to 7 tokens.
std::vector<data::Example> groups() {
  std::vector<data::Example> examples;
  Rng rng(4);
  const auto ids = [&](uint64_t count) {
    text::Ids some;
    for (uint64_t i = 0; i < count; ++i) some.push_back(static_cast<int32_t>(rng.below(37)));
    return some;
  };
  for (const uint64_t each : {1, 5, 8, 3}) {
    const auto prompt = ids(each == 5 ? 1 : 7);
    for (uint64_t k = 0; k < each; ++k) {
      data::Example e;
      data::append(e, prompt, 0);
      data::append(e, ids(k == 2 ? 0 : 1 + rng.below(12)), 1);
      for (const uint8_t loss : e.loss_mask) {
        e.advantage.push_back(loss ? static_cast<float>(rng.normal()) : NAN);
        e.behavior.push_back(loss ? -3.0f : NAN);
      }
      examples.push_back(std::move(e));
    }
  }
  return examples;
}

MicroLoss policy_loss(objectives::Normalisation normalisation) {
  return [=](const models::Decoder& model, const tensor::Batch& b) {
    const auto tokens = objectives::token_weights(b.loss_mask_BT, normalisation, 12, b.segments_BT);
    const auto logp = models::logprobs(model, b, 0.7);
    return objectives::clipped_policy(logp, b.behavior_BT, b.advantage_BT, tokens, {0.9, 50});
  };
}

struct Trained {
  StepReport report;
  at::Tensor gradient;
};

// How a step is made; gradient_bytes 0 forces the one-slot regime.
struct Way {
  int64_t gradient_bytes = kGradientBytes;
  int threads = 2;
  objectives::Normalisation normalisation = objectives::Normalisation::dapo;
};

Trained gradient_of(const models::Decoder& given, const MicroOptions& micro, const Way& way = {}) {
  models::Decoder model = models::copy(given);
  base::Pool pool(test_threads(way.threads), tensor::set_single_threaded);
  Slots slots(model, pool, way.gradient_bytes);
  optim::AdamW optimizer(model.trained(), decay_segments(model, 0), {});
  const auto report = slots.step(micro_batches(groups(), micro), policy_loss(way.normalisation), optimizer, 0);
  return {report, slots.gradient().clone()};
}

// A prompt that its completions share gives what repeating it gives, up to rounding.
TEST_P(OnPolicy, ASharedPromptGivesTheGradientOfRepeatedOnes) {
  auto adapted = models::copy(model);
  adapters::attach(adapted, adapters::config_of({.rank = 3, .alpha = 6}, adapted), Rng(5));
  adapted.adapter.flat.fill_(0.03);
  for (const models::Decoder& decoder : {model, adapted}) {
    MicroOptions shared = micro;
    shared.rows = Rows::shared;
    const auto repeated = gradient_of(decoder, micro);
    const double size = repeated.gradient.abs().max().item<double>();
    EXPECT_GT(size, 1e-3);
    for (const int64_t bytes : {kGradientBytes, int64_t{0}})
      for (const int64_t tokens : {30, 100, 4000}) {
        shared.micro_tokens = tokens;
        const auto together = gradient_of(decoder, shared, {bytes});
        EXPECT_EQ(together.report.count, repeated.report.count);
        EXPECT_NEAR(together.report.loss, repeated.report.loss, 1e-5);
        EXPECT_LT((together.gradient - repeated.gradient).abs().max().item<double>(), 2e-5 * (1 + size)) << tokens;
        EXPECT_TRUE(at::equal(together.gradient, gradient_of(decoder, shared, {bytes, 1}).gradient)) << "threads";
      }
    shared.micro_tokens = 4000;
    EXPECT_LT(gradient_of(decoder, shared).report.tokens, 0.9 * repeated.report.tokens);
  }
}

TEST_P(OnPolicy, ASharedPromptKeepsEveryNormalisation) {
  using objectives::Normalisation;
  MicroOptions shared = micro;
  shared.rows = Rows::shared;
  for (const auto normalisation : {Normalisation::grpo, Normalisation::dr_grpo}) {
    const Way way{.normalisation = normalisation};
    const auto together = gradient_of(model, shared, way), repeated = gradient_of(model, micro, way);
    const double size = repeated.gradient.abs().max().item<double>();
    EXPECT_GT(size, 1e-3);
    EXPECT_EQ(together.report.count, repeated.report.count);
    EXPECT_NEAR(together.report.loss, repeated.report.loss, 1e-5);
    for (const auto& [name, value] : repeated.report.metrics)
      EXPECT_NEAR(together.report.metrics.at(name), value, 1e-5 * (1 + std::abs(value))) << name;
    EXPECT_LT((together.gradient - repeated.gradient).abs().max().item<double>(), 2e-5 * (1 + size));
  }
}

TEST_P(OnPolicy, ASharedPromptGivesTheScoresOfRepeatedOnes) {
  MicroOptions shared = micro;
  shared.rows = Rows::shared;
  for (const auto& examples : {groups(), roll()}) {
    const auto together = score_examples(model, examples, shared, pool),
               repeated = score_examples(model, examples, micro, pool);
    for (std::size_t i = 0; i < examples.size(); ++i) {
      ASSERT_EQ(together[i].size(), examples[i].ids.size());
      for (std::size_t t = 0; t < together[i].size(); ++t)
        ASSERT_NEAR(together[i][t], repeated[i][t], 2e-5) << i << " " << t;
    }
  }
  EXPECT_LT(check_on_policy(model, roll(), shared, pool), 1e-4);
}

TEST(PolicyRows, PromptsAreSharedOnTheCpuWhereNoLayerHasAWindow) {
  auto model = generate::tiny_model(models::Family::llama);
  EXPECT_EQ(policy_rows(model).rows, Rows::shared);
  EXPECT_EQ(policy_rows(model).vocab, 37);
  EXPECT_EQ(policy_rows(model).context, 96);
  auto elsewhere = model;
  elsewhere.flat = at::empty({1}, at::device(at::kMeta));
  EXPECT_EQ(policy_rows(elsewhere).rows, Rows::one_each);
  model.config.windows = {0, 0};
  EXPECT_EQ(policy_rows(model).rows, Rows::shared);
  model.config.windows = {0, 8};
  EXPECT_EQ(policy_rows(model).rows, Rows::one_each);
}

INSTANTIATE_TEST_SUITE_P(Families, OnPolicy, testing::Values(models::Family::gpt2, models::Family::llama),
                         [](const auto& info) { return info.param == models::Family::gpt2 ? "gpt2" : "llama"; });

}  // namespace
}  // namespace hone::train
