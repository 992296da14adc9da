#include "hone/generate/engine.h"

#include "hone/base/error.h"
#include "hone/generate/test_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace hone::generate {
namespace {

using models::Family;

text::StopRule stop_at(int64_t max_tokens, std::vector<int32_t> ids = {}) {
  text::StopRule rule;
  rule.max_tokens = max_tokens;
  rule.ids = std::move(ids);
  return rule;
}

// Prompts of different lengths, two turns with forced tokens between them, stops that make lengths differ.
std::vector<Request> mixed_requests(int64_t count) {
  Rng rng(11);
  std::vector<Request> requests;
  for (int64_t i = 0; i < count; ++i) {
    Request r;
    for (int64_t t = 0; t < 1 + i % 9; ++t) r.prompt.push_back(static_cast<int32_t>(rng.below(37)));
    r.turns = {{{}, stop_at(12, {1, 2, 3})}, {{5, static_cast<int32_t>(i % 37)}, stop_at(9, {4})}};
    if (i % 3 == 1) r.turns[0].forced = {7, 8};
    r.samples = 1 + i % 5;
    r.key = static_cast<uint64_t>(1000 + i);
    requests.push_back(r);
  }
  return requests;
}

bool same_bits(const Rollout& a, const Rollout& b) {
  if (a.sample != b.sample || a.turns.size() != b.turns.size()) return false;
  for (std::size_t t = 0; t < a.turns.size(); ++t) {
    const Completion &x = a.turns[t], &y = b.turns[t];
    if (x.ids != y.ids || x.finish != y.finish || x.logprobs.size() != y.logprobs.size()) return false;
    if (std::memcmp(x.logprobs.data(), y.logprobs.data(), x.logprobs.size() * sizeof(float)) != 0) return false;
  }
  return true;
}

class EngineTest : public testing::TestWithParam<Family> {
 protected:
  models::Decoder model = tiny_model(GetParam());
  base::Pool pool{2};
  Engine engine{model, pool};
};

TEST_P(EngineTest, LogProbsAreTheTrainers) {
  const auto requests = mixed_requests(10);
  const Sampling sampling{.temperature = 0.7};
  for (const Rollout& rollout : engine.roll(requests, sampling, Rng(1))) {
    const auto sequence = sequence_of(requests[static_cast<std::size_t>(rollout.request)], rollout);
    const auto expected = models::logprobs(model, one_row(sequence.ids), 0.7);
    for (std::size_t t = 0; t < sequence.ids.size(); ++t) {
      if (sequence.turn[t] < 0) continue;
      EXPECT_NEAR(sequence.behavior[t], expected.data_ptr<float>()[t], 1e-4);
    }
  }
}

// What an engine with rounded weights samples from: a decoder with the rounded weights as float32.
models::Decoder rounded(const models::Decoder& model, kernels::WeightFormat format) {
  models::Decoder result = models::copy(model);
  result.visit([&](const std::string& name, at::Tensor& t) {
    if (t.dim() != 2 || name == "positions.weight" || (name == "embed.weight" && !model.config.tied)) return;
    const kernels::PackedLinear packed({t.data_ptr<float>(), nullptr, t.size(0), t.size(1)}, format);
    for (int64_t n = 0; n < t.size(0); ++n) packed.row(n, t.data_ptr<float>() + n * t.size(1));
  });
  return result;
}

TEST_P(EngineTest, LogProbsOfRoundedWeightsAreExactUnderTheRoundedModelOnly) {
  const auto requests = mixed_requests(10);
  for (const auto format : {kernels::WeightFormat::bf16, kernels::WeightFormat::int8}) {
    const Engine with(model, pool, nullptr, {.weights = format});
    const auto sampled_from = rounded(model, format);
    double from_rounded = 0, from_trainer = 0;
    for (const Rollout& rollout : with.roll(requests, {}, Rng(1))) {
      const auto sequence = sequence_of(requests[static_cast<std::size_t>(rollout.request)], rollout);
      const auto expected = models::logprobs(sampled_from, one_row(sequence.ids));
      const auto trainer = models::logprobs(model, one_row(sequence.ids));
      for (std::size_t t = 0; t < sequence.ids.size(); ++t) {
        if (sequence.turn[t] < 0) continue;
        from_rounded = std::max(from_rounded, std::fabs(double{sequence.behavior[t]} - expected.data_ptr<float>()[t]));
        from_trainer = std::max(from_trainer, std::fabs(double{sequence.behavior[t]} - trainer.data_ptr<float>()[t]));
      }
    }
    EXPECT_LT(from_rounded, 1e-4);
    EXPECT_GT(from_trainer, 1e-3);  // so train::check_on_policy, which allows 1e-4, refuses these rollouts
    EXPECT_LT(from_trainer, 0.5);
  }
}

TEST_P(EngineTest, RefreshKeepsTheFormat) {
  const auto requests = mixed_requests(4);
  const EngineOptions options{.weights = kernels::WeightFormat::int8};
  Engine old(model, pool, nullptr, options);
  const auto next = tiny_model(GetParam(), 2);
  old.refresh(next);
  const auto rollouts = old.roll(requests, {}, Rng(1)),
             expected = Engine(next, pool, nullptr, options).roll(requests, {}, Rng(1));
  for (std::size_t i = 0; i < rollouts.size(); ++i) EXPECT_TRUE(same_bits(rollouts[i], expected[i]));
}

TEST_P(EngineTest, RollsOfDifferentLengthsMayFollowEachOther) {
  auto requests = mixed_requests(3);
  const auto expected = engine.roll(requests, {}, Rng(1));
  Request longer;
  longer.prompt.assign(60, 3);
  longer.turns = {{{}, stop_at(30)}};
  engine.roll({&longer, 1}, {}, Rng(1));
  const auto again = engine.roll(requests, {}, Rng(1));
  for (std::size_t i = 0; i < again.size(); ++i) EXPECT_TRUE(same_bits(again[i], expected[i]));
}

TEST_P(EngineTest, GreedyIsTheArgmaxOfTheFullForward) {
  const auto requests = mixed_requests(6);
  for (const Rollout& rollout : engine.roll(requests, {.choice = Choice::greedy}, Rng(1))) {
    const auto sequence = sequence_of(requests[static_cast<std::size_t>(rollout.request)], rollout);
    const auto logits = models::logits(model, one_row(sequence.ids)).squeeze(0);
    const auto log_softmax = at::log_softmax(logits, -1);
    for (std::size_t t = 0; t < sequence.ids.size(); ++t) {
      if (sequence.turn[t] < 0) continue;
      const auto row = static_cast<int64_t>(t) - 1;
      EXPECT_EQ(sequence.ids[t], logits[row].argmax().item<int64_t>());
      EXPECT_NEAR(sequence.behavior[t], log_softmax[row][sequence.ids[t]].item<float>(), 1e-4);
    }
  }
}

TEST_P(EngineTest, BitsDoNotDependOnThreadsSlotsBatchOrOrder) {
  const auto requests = mixed_requests(23);
  const Sampling sampling{.temperature = 0.9, .top_k = 20, .top_p = 0.95};
  const auto expected = engine.roll(requests, sampling, Rng(7));
  for (const int threads : {1, 2, 5}) {
    for (const EngineOptions& options : {EngineOptions{}, EngineOptions{.slots = 3}, EngineOptions{.cache_bytes = 1}}) {
      base::Pool other_pool(threads);
      const Engine other(model, other_pool, nullptr, options);
      const auto rollouts = other.roll(requests, sampling, Rng(7));
      ASSERT_EQ(rollouts.size(), expected.size());
      for (std::size_t i = 0; i < rollouts.size(); ++i) {
        EXPECT_TRUE(same_bits(rollouts[i], expected[i]));
        EXPECT_EQ(rollouts[i].request, expected[i].request);
      }
    }
  }
  // Each request alone, from the last to the first.
  std::size_t end = expected.size();
  for (auto it = requests.rbegin(); it != requests.rend(); ++it) {
    const auto alone = engine.roll({&*it, 1}, sampling, Rng(7));
    end -= alone.size();
    for (std::size_t s = 0; s < alone.size(); ++s) EXPECT_TRUE(same_bits(alone[s], expected[end + s]));
  }
}

TEST_P(EngineTest, TheSecondTurnEqualsAFreshPrefillOfTheWholeText) {
  const auto requests = mixed_requests(8);
  const auto rollouts = engine.roll(requests, {.choice = Choice::greedy}, Rng(1));
  std::vector<Request> fresh;
  for (const Rollout& rollout : rollouts) {
    const Request& request = requests[static_cast<std::size_t>(rollout.request)];
    Rollout first_turn = rollout;
    first_turn.turns.resize(1);
    Request whole;
    whole.prompt = sequence_of(request, first_turn).ids;
    whole.prompt.insert(whole.prompt.end(), request.turns[1].forced.begin(), request.turns[1].forced.end());
    whole.turns = {{{}, request.turns[1].stop}};
    fresh.push_back(whole);
  }
  const auto again = engine.roll(fresh, {.choice = Choice::greedy}, Rng(1));
  for (std::size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(again[i].turns[0].ids, rollouts[i].turns[1].ids);
    EXPECT_EQ(again[i].turns[0].logprobs, rollouts[i].turns[1].logprobs);
  }
}

TEST_P(EngineTest, SamplesShareTheirPromptAndSlotsAreRefilled) {
  Request request;
  request.prompt = {1, 2, 3, 4, 5, 6, 7};
  request.turns = {{{}, stop_at(10)}};
  request.samples = 40;  // five tickets; more than the slots of a worker
  base::Pool one(1);
  const Engine small(model, one, nullptr, {.slots = 4});
  RollStats stats;
  const auto rollouts = small.roll({&request, 1}, {}, Rng(3), &stats);
  ASSERT_EQ(rollouts.size(), 40u);
  EXPECT_EQ(stats.sampled_tokens, 400);
  EXPECT_EQ(stats.fed_tokens, 5 * 7 + 40 * 9);  // the last token of a rollout is not fed
  EXPECT_GT(stats.seconds, 0);
  int different = 0;
  for (std::size_t s = 0; s < 40; ++s) {
    EXPECT_EQ(rollouts[s].sample, static_cast<int64_t>(s));
    EXPECT_EQ(rollouts[s].turns[0].finish, text::Finish::length);
    different += rollouts[s].turns[0].ids != rollouts[0].turns[0].ids;
  }
  EXPECT_GT(different, 30);
}

TEST_P(EngineTest, StopIdsEndATurnAndAreKept) {
  auto requests = mixed_requests(12);
  int stopped = 0;
  for (const Rollout& rollout : engine.roll(requests, {}, Rng(5))) {
    const auto& turns = requests[static_cast<std::size_t>(rollout.request)].turns;
    ASSERT_EQ(rollout.turns.size(), turns.size());
    for (std::size_t t = 0; t < turns.size(); ++t) {
      const Completion& c = rollout.turns[t];
      const auto& ids = turns[t].stop.ids;
      ASSERT_FALSE(c.ids.empty());
      ASSERT_EQ(c.ids.size(), c.logprobs.size());
      for (std::size_t i = 0; i < c.ids.size(); ++i) {
        const bool is_stop = std::find(ids.begin(), ids.end(), c.ids[i]) != ids.end();
        EXPECT_EQ(is_stop, i + 1 == c.ids.size() && c.finish == text::Finish::stop);
      }
      if (c.finish == text::Finish::length) {
        EXPECT_EQ(static_cast<int64_t>(c.ids.size()), turns[t].stop.max_tokens);
      }
      stopped += c.finish == text::Finish::stop;
    }
  }
  EXPECT_GT(stopped, 0);
}

TEST_P(EngineTest, StopStringsAreLookedForInTheText) {
  std::vector<std::string> words;
  for (int i = 0; i < 30; ++i) words.push_back(fmt::format("w{}", i));
  const auto tokenizer = text::Tokenizer::symbols(text::standard_specials(), words);
  ASSERT_EQ(tokenizer.size(), 37);
  const Engine with(model, pool, &tokenizer);
  Request request;
  request.prompt = {8, 9};
  request.turns = {{{}, stop_at(20)}};
  request.turns[0].stop.strings = {"w1"};  // also part of w10 … w19
  request.samples = 30;
  int stopped = 0;
  for (const Rollout& rollout : with.roll({&request, 1}, {}, Rng(2))) {
    const Completion& c = rollout.turns[0];
    const auto text = tokenizer.decode(c.ids);
    const auto at = text.find("w1");
    EXPECT_EQ(c.finish == text::Finish::stop, at != std::string::npos);
    if (at == std::string::npos) continue;
    EXPECT_EQ(text.find(' ', at), std::string::npos);  // nothing was sampled after it
    ++stopped;
  }
  EXPECT_GT(stopped, 0);
}

TEST_P(EngineTest, RefreshTakesTheNewWeights) {
  const auto requests = mixed_requests(4);
  const auto before = engine.roll(requests, {}, Rng(1));
  models::assign(model, tiny_model(GetParam(), 2));
  EXPECT_TRUE(same_bits(engine.roll(requests, {}, Rng(1))[0], before[0]));
  engine.refresh(model);
  const Engine other(model, pool);
  const auto after = engine.roll(requests, {}, Rng(1)), expected = other.roll(requests, {}, Rng(1));
  bool changed = false;
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_TRUE(same_bits(after[i], expected[i]));
    changed |= !same_bits(after[i], before[i]);
  }
  EXPECT_TRUE(changed);
}

TEST_P(EngineTest, NonFiniteLogitsAreANumericError) {
  model.flat[model.flat.numel() - 1] = std::numeric_limits<float>::quiet_NaN();
  engine.refresh(model);
  try {
    engine.roll(mixed_requests(3), {}, Rng(1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_NE(std::string(error.what()).find("request"), std::string::npos);
  }
}

TEST_P(EngineTest, RefusesBadRequestsAndSaysWhich) {
  EXPECT_TRUE(engine.roll({}, {}, Rng(1)).empty());
  const auto expect = [&](ErrorKind kind, const std::string& words, auto change) {
    auto requests = mixed_requests(2);
    change(requests[1]);
    try {
      engine.roll(requests, {}, Rng(1));
      FAIL() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("request 1"), std::string::npos) << error.what();
    }
  };
  expect(ErrorKind::data, "empty", [](Request& r) { r.prompt.clear(); });
  expect(ErrorKind::data, "37", [](Request& r) { r.prompt[0] = 37; });
  expect(ErrorKind::data, "-1", [](Request& r) { r.turns[1].forced = {-1}; });
  expect(ErrorKind::data, "97 tokens", [](Request& r) { r.prompt.assign(96 - 12 - 9 - 2 - 2 + 1, 3); });
  expect(ErrorKind::usage, "0 samples", [](Request& r) { r.samples = 0; });
  expect(ErrorKind::usage, "no turns", [](Request& r) { r.turns.clear(); });
  expect(ErrorKind::usage, "0 tokens", [](Request& r) { r.turns[0].stop.max_tokens = 0; });
  expect(ErrorKind::usage, "tokenizer", [](Request& r) { r.turns[0].stop.strings = {"x"}; });
  EXPECT_THROW(engine.roll(mixed_requests(1), {.temperature = -1}, Rng(1)), Error);
}

TEST_P(EngineTest, FillsTheContextToTheLastToken) {
  Request request;
  request.prompt.assign(90, 3);
  request.turns = {{{}, stop_at(4)}, {{6}, stop_at(1)}};
  const auto rollouts = engine.roll({&request, 1}, {}, Rng(1));
  EXPECT_EQ(sequence_of(request, rollouts[0]).ids.size(), 96u);
}

INSTANTIATE_TEST_SUITE_P(Families, EngineTest, testing::Values(Family::gpt2, Family::llama),
                         [](const auto& info) { return info.param == Family::gpt2 ? "gpt2" : "llama"; });

TEST(SequenceOf, MarksSampledTokens) {
  Request request;
  request.prompt = {1, 2};
  request.turns = {{{3}, {}}, {{6}, {}}};
  const Rollout rollout{0, 0, {{{4, 5}, {-0.5f, -1.0f}, {}}, {{7}, {-2.0f}, {}}}};
  const Sequence s = sequence_of(request, rollout);
  EXPECT_EQ(s.ids, (text::Ids{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(s.turn, (std::vector<int32_t>{-1, -1, -1, 0, 0, -1, 1}));
  EXPECT_EQ(s.behavior, (std::vector<float>{0, 0, 0, -0.5f, -1.0f, 0, -2.0f}));
  EXPECT_EQ(s.turn_begin, (std::vector<int64_t>{3, 6}));
  EXPECT_THROW(sequence_of(Request{}, rollout), Error);
}

}  // namespace
}  // namespace hone::generate
