#include "hone/train/policy_data.h"

#include "hone/base/error.h"
#include "hone/generate/test_models.h"
#include "hone/train/step.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>

#include <array>
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

INSTANTIATE_TEST_SUITE_P(Families, OnPolicy, testing::Values(models::Family::gpt2, models::Family::llama),
                         [](const auto& info) { return info.param == models::Family::gpt2 ? "gpt2" : "llama"; });

}  // namespace
}  // namespace hone::train
