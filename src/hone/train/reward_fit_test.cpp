#include "hone/train/reward_fit.h"

#include "hone/adapters/lora.h"
#include "hone/generate/test_models.h"
#include "hone/models/scalar.h"
#include "hone/objectives/actor_critic.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace hone::train {
namespace {

models::DecoderConfig config() {
  auto c = generate::tiny_config(models::Family::llama);
  c.layers = 1;
  return c;
}

// A scalar model whose head is not 0.
models::Decoder judge() {
  auto model = models::scalar_of(models::fresh(config(), Rng(3)));
  Rng rng(4);
  for (int64_t i = 0; i < model.score.numel(); ++i)
    model.score.data_ptr<float>()[i] = 0.2f * static_cast<float>(rng.normal());
  return model;
}

// Prompt "1 2"; the chosen completion is of even ids, the rejected one of odd ids. Three pairs a prompt.
data::PairSet parity_pairs(int64_t count) {
  Rng rng(8);
  data::PairSet set;
  for (int64_t i = 0; i < count; ++i) {
    text::Ids even = {1, 2}, odd = {1, 2};
    for (uint64_t t = 0; t < 2 + rng.below(3); ++t) even.push_back(static_cast<int32_t>(2 * rng.below(10)));
    for (uint64_t t = 0; t < 2 + rng.below(3); ++t) odd.push_back(static_cast<int32_t>(2 * rng.below(10) + 1));
    set.pairs.push_back({example_of(even, 2), example_of(odd, 2)});
    set.prompts.push_back(static_cast<std::size_t>(i / 3));
  }
  return set;
}

MicroOptions micro(int64_t tokens = 1024) {
  return {.micro_tokens = tokens, .vocab = config().vocab, .context = config().context};
}

RewardOptions quick() {
  RewardOptions o{.batch = 9, .epochs = 3};
  o.optim = {.lr = 5e-3, .weight_decay = 0, .schedule = "constant", .warmup = 0};
  return o;
}

struct Trained {
  explicit Trained(const RewardOptions& o, const data::PairSet& set, int threads = 1) {
    TestRun run(folder.path(), threads);
    Session session(run.env);
    fit_rewards(run.env, session, "rewards", {model, set, o, Rng(4)});
    rows = metric_rows(folder.path());
  }
  TempFolder folder;
  models::Decoder model = models::scalar_of(models::fresh(config(), Rng(3)));
  std::vector<Json> rows;
};

tensor::Loss loss_of(const models::Decoder& model, const tensor::Batch& batch) {
  return objectives::bradley_terry_loss(models::last_values(models::values(model, batch), batch.loss_mask_BT), 0.3);
}

std::vector<data::Pair> at_ends(const data::PairSet& set) {
  std::vector<data::Pair> out;
  for (const auto& pair : set.pairs) out.push_back({read_at_end(pair.chosen), read_at_end(pair.rejected)});
  return out;
}

TEST(ReadAtEnd, IsTheLastTokenWhateverCarriedLoss) {
  EXPECT_EQ(read_at_end(example_of({5, 6, 7}, 1)).loss_mask, (std::vector<uint8_t>{0, 0, 1}));
  // Cut inside its prompt: no token of the completion is left.
  EXPECT_EQ(read_at_end(example_of({5, 6, 7}, 3)).loss_mask, (std::vector<uint8_t>{0, 0, 1}));
  expect_error(ErrorKind::data, {"1 tokens"}, [] { read_at_end(example_of({5}, 1)); });
}

TEST(PromptBatches, APromptsPairsGoTogetherAndEachOnce) {
  std::vector<std::size_t> prompts;
  for (std::size_t i = 0; i < 60; ++i) prompts.push_back(i % 17);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto batches = prompt_batches(prompts, 10, Rng(seed));
    std::set<std::size_t> seen;
    std::map<std::size_t, std::set<std::size_t>> steps;
    for (std::size_t b = 0; b < batches.size(); ++b) {
      EXPECT_LE(batches[b].size(), 10u);
      for (const auto pair : batches[b]) {
        EXPECT_TRUE(seen.insert(pair).second);
        steps[prompts[pair]].insert(b);
      }
    }
    EXPECT_EQ(seen.size(), prompts.size());
    for (const auto& [prompt, where] : steps) EXPECT_EQ(where.size(), 1u) << prompt;
  }
  EXPECT_NE(prompt_batches(prompts, 10, Rng(1)), prompt_batches(prompts, 10, Rng(2)));
  EXPECT_EQ(prompt_batches(prompts, 10, Rng(1)), prompt_batches(prompts, 10, Rng(1)));
}

TEST(PromptBatches, APromptWithManyPairsIsCut) {
  const std::vector<std::size_t> one(25, 7);
  const auto batches = prompt_batches(one, 10, Rng(1));
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[2].size(), 5u);
  EXPECT_TRUE(prompt_batches({}, 10, Rng(1)).empty());
}

TEST(FitRewards, LearnsWhatIsChosen) {
  const auto set = parity_pairs(60);
  const Trained trained(quick(), set);
  ASSERT_GE(trained.rows.size(), 21u);  // 60 pairs in steps of at most 9, three times
  EXPECT_NEAR(trained.rows.front().at("loss").get<double>(), std::log(2.0), 1e-6) << "a fresh head says nothing";
  EXPECT_GT(trained.rows.back().at("accuracy").get<double>(), 0.9);
  EXPECT_GT(trained.rows.back().at("gap").get<double>(), 0.5);
  EXPECT_LT(trained.rows.back().at("loss").get<double>(), 0.5);
  base::Pool pool(test_threads(1));
  const auto rewards = final_values(trained.model, examples_of(set.pairs), micro(), pool);
  int won = 0;
  for (std::size_t p = 0; p < set.pairs.size(); ++p) won += rewards[2 * p] > rewards[2 * p + 1];
  EXPECT_GT(won, 54) << "what is trained is what final_values reads";
}

TEST(FitRewards, DoesNotDependOnThreads) {
  const auto set = parity_pairs(30);
  const Trained one(quick(), set, 1), two(quick(), set, 2);
  EXPECT_EQ(numbers_of(one.model), numbers_of(two.model));
  EXPECT_EQ(one.rows, two.rows);
}

TEST(FitRewards, WithoutPairsNothingHappensAndALanguageModelIsRefused) {
  const Trained trained(quick(), {});
  EXPECT_TRUE(trained.rows.empty());
  const TempFolder folder;
  TestRun run(folder.path());
  Session session(run.env);
  auto language = models::fresh(config(), Rng(3));
  const data::PairSet set = parity_pairs(3);
  const auto options = quick();
  expect_error(ErrorKind::usage, {"scalar head"}, [&] {
    fit_rewards(run.env, session, "rewards", {language, set, options, Rng(4)});
  });
}

TEST(FitRewards, TheGradientIsThatOfFiniteDifferences) {
  auto model = judge();
  base::Pool pool(test_threads(1));
  const auto micros = pair_micro_batches(at_ends(parity_pairs(6)), micro());
  Slots slots(model, pool);
  optim::AdamW still(model.trained(), decay_segments(model, 0), {});
  const double count = slots.step(micros, loss_of, still, 0).count;
  EXPECT_EQ(count, 6);
  const at::Tensor gradient = slots.gradient().clone();
  float* numbers = model.flat.data_ptr<float>();
  for (int64_t i = 0; i < model.flat.numel(); i += 211) {
    const float kept = numbers[i], step = 1e-2f;
    numbers[i] = kept + step;
    const double above = slots.evaluate(micros, loss_of).loss * count;
    numbers[i] = kept - step;
    const double below = slots.evaluate(micros, loss_of).loss * count;
    numbers[i] = kept;
    const double expected = (above - below) / (2 * step), found = gradient[i].item<double>();
    EXPECT_NEAR(found, expected, 0.02 * std::abs(expected) + 5e-3) << i;
  }
}

// Cutting a batch into other micro-batches, and with it other padding, changes nothing but rounding.
TEST(FitRewards, MicroBatchesAddUpToTheWhole) {
  auto model = judge();
  base::Pool pool(test_threads(1));
  auto pairs = at_ends(parity_pairs(12));
  pairs.push_back({read_at_end(example_of(text::Ids(40, 4), 2)), read_at_end(example_of({1, 2}, 1))});
  Slots slots(model, pool);
  const auto whole = slots.evaluate(pair_micro_batches(pairs, micro(100000)), loss_of),
             cut = slots.evaluate(pair_micro_batches(pairs, micro(8)), loss_of);
  EXPECT_EQ(whole.count, 13);
  EXPECT_NEAR(whole.loss, cut.loss, 1e-6);
  double alone = 0;
  for (const auto& pair : pairs) alone += slots.evaluate(pair_micro_batches({&pair, 1}, micro()), loss_of).loss;
  EXPECT_NEAR(whole.loss, alone / 13, 1e-6);
}

// Two equal completions pull the model both ways.
TEST(FitRewards, EqualCompletionsTeachNothing) {
  auto model = judge();
  base::Pool pool(test_threads(1));
  const auto same = read_at_end(example_of({1, 2, 3, 4}, 2));
  const std::vector<data::Pair> pairs = {{same, same}};
  Slots slots(model, pool);
  optim::AdamW still(model.trained(), decay_segments(model, 0), {});
  const auto r = slots.step(pair_micro_batches(pairs, micro()), loss_of, still, 0);
  EXPECT_NEAR(r.loss, std::log1p(std::exp(0.3)), 1e-6);
  EXPECT_LT(slots.gradient().abs().max().item<float>(), 1e-6);
}

TEST(CentreRewards, TheMeanBecomesZeroAndTheOrderStays) {
  base::Pool pool(test_threads(1));
  auto model = judge();
  const auto body = model.flat.narrow(0, 0, model.flat.numel() - model.score.numel()).clone();
  const auto examples = random_examples(60, 3, 12, config().vocab);
  const auto before = final_values(model, examples, micro(), pool);
  double mean = 0;
  for (const double value : before) mean += value / 60;
  EXPECT_NEAR(centre_rewards(model, examples, micro(), pool), mean, 1e-5);
  const auto after = final_values(model, examples, micro(), pool);
  double now = 0, moved = 0, spread = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    now += after[i] / 60;
    moved += std::pow(after[i] - (before[i] - mean), 2);
    spread += std::pow(before[i] - mean, 2);
  }
  EXPECT_NEAR(now, 0, 1e-5);
  EXPECT_LT(moved, spread) << "differences between rewards are mostly what they were";
  EXPECT_TRUE(at::equal(model.flat.narrow(0, 0, body.numel()), body)) << "nothing but the head has moved";
}

// Where all states are nearly alike the move is a pure shift.
TEST(CentreRewards, AShiftLeavesDifferences) {
  base::Pool pool(test_threads(1));
  auto model = judge();
  std::vector<data::Example> examples;
  for (auto& example : random_examples(6, 3, 12, config().vocab)) examples.push_back(example);
  const auto before = final_values(model, examples, micro(), pool);
  const double mean = centre_rewards(model, examples, micro(), pool);
  const auto after = final_values(model, examples, micro(), pool);
  // Six states of width 24: a direction in which they are exactly alike exists.
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], before[i] - mean, 5e-3) << i;
}

TEST(CentreRewards, AnAdaptersHeadMovesAndItsBaseStays) {
  base::Pool pool(test_threads(1));
  models::Model base{models::fresh(config(), Rng(3)), {}};
  auto model = adapters::adapted(base, {.rank = 2, .alpha = 4}, Rng(5), "base");
  model.decoder = models::scalar_of(model.decoder);
  model.decoder.adapter.flat.add_(0.05);
  const auto kept = base.decoder.flat.clone();
  const auto examples = random_examples(40, 3, 12, config().vocab);
  EXPECT_NE(centre_rewards(model.decoder, examples, micro(), pool), 0);
  EXPECT_NEAR(centre_rewards(model.decoder, examples, micro(), pool), 0, 1e-5);
  EXPECT_TRUE(at::equal(base.decoder.flat, kept));
  EXPECT_EQ(model.decoder.score.data_ptr<float>() + model.decoder.score.numel(),
            model.decoder.adapter.flat.data_ptr<float>() + model.decoder.adapter.flat.numel())
      << "the head is still the adapter's";
}

TEST(CentreRewards, DegenerateCases) {
  base::Pool pool(test_threads(1));
  auto silent = models::scalar_of(models::fresh(config(), Rng(3)));
  const auto examples = random_examples(5, 3, 6, config().vocab);
  EXPECT_EQ(centre_rewards(silent, examples, micro(), pool), 0);
  EXPECT_EQ(silent.score.abs().max().item<float>(), 0);
  auto model = judge();
  const std::vector<data::Example> one = {example_of({1, 2, 3}, 1)}, same(4, one[0]);
  centre_rewards(model, one, micro(), pool);
  EXPECT_NEAR(final_values(model, one, micro(), pool)[0], 0, 1e-4);
  EXPECT_NEAR(centre_rewards(model, same, micro(), pool), 0, 1e-4);
  auto language = models::fresh(config(), Rng(3));
  expect_error(ErrorKind::usage, {"scalar head"}, [&] { centre_rewards(language, examples, micro(), pool); });
}

}  // namespace
}  // namespace hone::train
