#include "hone/evaluate/two_turn.h"

#include "hone/evaluate/test_models.h"

#include <gtest/gtest.h>

namespace hone::evaluate {
namespace {

class TwoTurns : public testing::Test {
 protected:
  models::Model model = small_model();
  std::vector<tasks::Problem> problems = smoke_problems(30);
  base::Pool pool{train::test_threads(2), tensor::set_single_threaded};
  TwoTurnOptions options{.dialogue = {2, "auto", 8}};

  std::vector<TwoTurn> ask(const TwoTurnOptions& o, base::Pool& workers, uint64_t seed = 1) const {
    return two_turn(model, problems, even, o, workers, Rng(seed));
  }
};

Json texts(const std::vector<TwoTurn>& outcomes) {
  Json out = Json::array();
  for (const auto& o : outcomes)
    out.push_back({o.first.text, o.first.verdict.reason, o.second.text, o.second.verdict.reason});
  return out;
}

// The greedy continuation of `ids`, from the full forward pass.
text::Ids greedy(const models::Model& model, text::Ids ids, int64_t most) {
  text::Ids out;
  while (static_cast<int64_t>(out.size()) < most && (out.empty() || out.back() != model.tokenizer.end())) {
    tensor::Batch batch;
    batch.ids_BT = at::tensor(std::vector<int64_t>(ids.begin(), ids.end()), at::kLong).unsqueeze(0);
    batch.positions_BT = at::arange(batch.ids_BT.size(1), at::kLong).unsqueeze(0);
    const auto last = models::logits(model.decoder, batch)[0][batch.ids_BT.size(1) - 1];
    out.push_back(static_cast<int32_t>(last.argmax().item<int64_t>()));
    ids.push_back(out.back());
  }
  return out;
}

TEST_F(TwoTurns, AreTheGreedyContinuations) {
  const auto outcomes = ask(options, pool);
  ASSERT_EQ(outcomes.size(), problems.size());
  for (std::size_t i = 0; i < 5; ++i) {
    auto ids = model.tokenizer.encode(problems[i].prompt);
    ids.insert(ids.begin(), model.tokenizer.bos());
    const auto first = greedy(model, ids, 8);
    EXPECT_EQ(outcomes[i].first.text, model.tokenizer.decode(first));
    ids.insert(ids.end(), first.begin(), first.end());
    ids.push_back(model.tokenizer.id("<retry>"));
    EXPECT_EQ(outcomes[i].second.text, model.tokenizer.decode(greedy(model, ids, 8)));
  }
}

TEST_F(TwoTurns, GreedyDependsOnNothingElse) {
  base::Pool one(1);
  const auto expected = texts(ask(options, pool));
  EXPECT_EQ(texts(ask(options, one, 2)), expected);
}

TEST_F(TwoTurns, SamplesDependOnTheSeedAlone) {
  options.sampling.choice = generate::Choice::sample;
  base::Pool one(1);
  const auto expected = texts(ask(options, pool));
  EXPECT_EQ(texts(ask(options, one)), expected);
  EXPECT_NE(texts(ask(options, pool, 2)), expected);
}

// The shares of right attempts among rollouts at temperature 1, in the order of the problems.
TEST_F(TwoTurns, SamplesAreCountedPerProblem) {
  auto outcomes = ask(options, pool);
  const auto greedy = texts(outcomes);
  add_samples(outcomes, model, problems, even, options.dialogue, 4, pool, Rng(5));
  EXPECT_EQ(texts(outcomes), greedy);
  const auto requests = rewards::make_requests(problems, model.tokenizer, options.dialogue, 4);
  const auto rollouts = generate::Engine(model.decoder, pool).roll(requests, {}, Rng(5));
  const auto attempts = rewards::judge(rollouts, problems, even, model.tokenizer, pool);
  double all = 0;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    double first = 0, second = 0;
    for (std::size_t s = 4 * i; s < 4 * i + 4; ++s) {
      first += attempts[s][0].verdict.reward / 4;
      second += attempts[s][1].verdict.reward / 4;
    }
    EXPECT_DOUBLE_EQ(outcomes[i].sampled_first, first);
    EXPECT_DOUBLE_EQ(outcomes[i].sampled_second, second);
    all += first + second;
  }
  EXPECT_GT(all, 0);
}

TEST_F(TwoTurns, OneTurnIsBothAttempts) {
  options.dialogue.turns = 1;
  for (const auto& o : ask(options, pool)) {
    EXPECT_EQ(o.first.text, o.second.text);
    EXPECT_EQ(o.first.verdict.reward, o.second.verdict.reward);
  }
}

TEST_F(TwoTurns, GreedyAccuracyIsTheShareOfRightFirstAttempts) {
  options.dialogue.turns = 1;
  const auto outcomes = ask(options, pool);
  const auto share = [&](std::size_t count) {
    double right = 0;
    for (std::size_t i = 0; i < count; ++i) right += outcomes[i].first.verdict.reward;
    return right / static_cast<double>(count);
  };
  EXPECT_EQ(greedy_accuracy(model, problems, 10, even, 8, pool), share(10));
  EXPECT_EQ(greedy_accuracy(model, problems, 1000, even, 8, pool), share(30));
  const auto always = [](const tasks::Problem&, std::string_view) { return tasks::Verdict{1, ""}; };
  double cut = 0;
  for (const auto& o : outcomes) cut += o.first.verdict.reason == "cut at the length limit";
  EXPECT_DOUBLE_EQ(greedy_accuracy(model, problems, 30, always, 8, pool), 1 - cut / 30);
}

}  // namespace
}  // namespace hone::evaluate
