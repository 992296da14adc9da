#include "hone/generate/device_roll.h"

#include "hone/base/error.h"
#include "hone/generate/engine.h"
#include "hone/generate/test_models.h"

#include <gtest/gtest.h>

#include <limits>

namespace hone::generate {
namespace {

using models::Family;

// Prompts from 1 token to more than a feed, forced tokens before and between turns, stops that make lengths differ.
std::vector<Request> requests_of(int64_t count) {
  Rng rng(17);
  const auto random_ids = [&](int64_t n) {
    text::Ids ids;
    for (int64_t t = 0; t < n; ++t) ids.push_back(static_cast<int32_t>(rng.below(37)));
    return ids;
  };
  std::vector<Request> requests;
  for (int64_t i = 0; i < count; ++i) {
    Request r{random_ids(i == 2 ? 70 : 1 + i % 6), {}, 1 + i % 4, static_cast<uint64_t>(500 + i)};
    TurnPlan first, second;
    first.stop = {{1, 2, 3}, {}, 10};
    second.stop = {{4}, {}, 8};
    if (i % 3 == 1) first.forced = {7, 8, 9};
    second.forced = random_ids(i % 3);
    r.turns = {first, second};
    requests.push_back(r);
  }
  return requests;
}

class DeviceRollTest : public testing::TestWithParam<Family> {
 protected:
  models::Decoder model = tiny_model(GetParam());
  base::Pool pool{1};
  Engine packed{model, pool};

  void expect_like_packed(const Engine& torch, const Sampling& sampling) {
    const auto requests = requests_of(9);
    RollStats stats;
    const auto a = torch.roll(requests, sampling, Rng(5), &stats), b = packed.roll(requests, sampling, Rng(5));
    ASSERT_EQ(a.size(), b.size());
    int64_t sampled = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].request, b[i].request);
      EXPECT_EQ(a[i].sample, b[i].sample);
      ASSERT_EQ(a[i].turns.size(), b[i].turns.size());
      for (std::size_t t = 0; t < a[i].turns.size(); ++t) {
        const Completion &x = a[i].turns[t], &y = b[i].turns[t];
        ASSERT_EQ(x.ids, y.ids) << "rollout " << i << " turn " << t;
        EXPECT_EQ(x.finish, y.finish);
        for (std::size_t k = 0; k < x.ids.size(); ++k) EXPECT_NEAR(x.logprobs[k], y.logprobs[k], 1e-4);
        sampled += static_cast<int64_t>(x.ids.size());
      }
    }
    EXPECT_EQ(stats.sampled_tokens, sampled);
    EXPECT_GT(stats.fed_tokens, sampled);
  }
};

TEST_P(DeviceRollTest, RolloutsAreThePackedEnginesForAnyNumberOfRows) {
  for (const int64_t rows : {1, 3, 8, 512}) {
    const Engine torch(model, pool, nullptr, {.backend = Backend::torch, .torch_rows = rows});
    expect_like_packed(torch, {.choice = Choice::greedy});
    expect_like_packed(torch, {.temperature = 0.8});
    expect_like_packed(torch, {.temperature = 1.2, .top_k = 9, .top_p = 0.9});
  }
}

TEST_P(DeviceRollTest, ACacheThatIsTooLargeStillRunsOneSequence) {
  expect_like_packed(Engine(model, pool, nullptr, {.backend = Backend::torch, .torch_cache_bytes = 1}), {});
}

TEST_P(DeviceRollTest, RollsFollowEachOtherAndTheWeights) {
  Engine torch(model, pool, nullptr, {.backend = Backend::torch});
  expect_like_packed(torch, {});
  TurnPlan long_turn;
  long_turn.stop.max_tokens = 90;
  const Request one{{1, 2}, {long_turn}, 1, 0};
  EXPECT_EQ(torch.roll({&one, 1}, {}, Rng(1))[0].turns[0].ids.size(), 90u);
  model = tiny_model(GetParam(), 2);
  torch.refresh(model);
  packed.refresh(model);
  expect_like_packed(torch, {});
  EXPECT_TRUE(torch.roll({}, {}, Rng(1)).empty());
}

TEST_P(DeviceRollTest, BadLogitsNameTheirPlace) {
  model.flat.fill_(std::numeric_limits<float>::quiet_NaN());
  const Engine torch(model, pool, nullptr, {.backend = Backend::torch});
  const auto requests = requests_of(2);
  try {
    torch.roll(requests, {}, Rng(1));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_NE(std::string(error.what()).find("request 0 (key 500), sample 0, turn 0, token 0"), std::string::npos)
        << error.what();
  }
}

TEST(DeviceRoll, RoundedWeightsAreForTheCpu) {
  base::Pool pool(1);
  const EngineOptions options{.weights = kernels::WeightFormat::int8, .backend = Backend::torch};
  EXPECT_THROW(Engine(tiny_model(Family::gpt2), pool, nullptr, options), Error);
}

INSTANTIATE_TEST_SUITE_P(Families, DeviceRollTest, testing::Values(Family::gpt2, Family::llama));

}  // namespace
}  // namespace hone::generate
