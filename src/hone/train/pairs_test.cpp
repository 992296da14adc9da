#include "hone/train/pairs.h"

#include "hone/generate/test_models.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::train {
namespace {

models::Decoder small() {
  auto config = generate::tiny_config(models::Family::llama);
  config.layers = 1;
  return models::fresh(config, Rng(3));
}

// Prompt "1 2"; the chosen completion is of even ids, the rejected one of odd ids.
std::vector<data::Pair> parity_pairs(int64_t count) {
  Rng rng(8);
  std::vector<data::Pair> pairs;
  for (int64_t i = 0; i < count; ++i) {
    text::Ids even = {1, 2}, odd = {1, 2};
    for (uint64_t t = 0; t < 2 + rng.below(3); ++t) even.push_back(static_cast<int32_t>(2 * rng.below(10)));
    for (uint64_t t = 0; t < 2 + rng.below(3); ++t) odd.push_back(static_cast<int32_t>(2 * rng.below(10) + 1));
    pairs.push_back({example_of(even, 2), example_of(odd, 2)});
  }
  return pairs;
}

PairOptions quick() {
  PairOptions o{.batch = 8, .epochs = 4};
  o.optim = {.lr = 5e-3, .weight_decay = 0, .schedule = "constant", .warmup = 0};
  return o;
}

struct Trained {
  explicit Trained(const PairOptions& o, const std::vector<data::Pair>& pairs, int threads = 1) {
    TestRun run(folder.path(), threads);
    Session session(run.env);
    const auto reference = models::copy(model);
    fit_pairs(run.env, session, "pairs", {model, reference, pairs, o, Rng(4)});
    rows = metric_rows(folder.path());
  }
  TempFolder folder;
  models::Decoder model = small();
  std::vector<Json> rows;
};

TEST(FitPairs, LearnsWhatIsPreferredAndReportsBothSides) {
  const auto pairs = parity_pairs(30);
  const Trained trained(quick(), pairs);
  ASSERT_EQ(trained.rows.size(), 16u);  // 4 epochs of 4 steps, the last of 6 pairs
  EXPECT_EQ(pair_steps(quick(), 30), 16);
  // The policy begins as its reference: no margin, log 2 of loss.
  EXPECT_NEAR(trained.rows.front().at("loss").get<double>(), std::log(2.0), 1e-6);
  EXPECT_NEAR(trained.rows.front().at("chosen_shift").get<double>(), 0, 1e-5);
  EXPECT_GT(trained.rows.back().at("accuracy").get<double>(), 0.9);
  EXPECT_LT(trained.rows.back().at("loss").get<double>(), 0.6);
  for (const char* name :
       {"chosen_logp", "rejected_logp", "chosen_length", "rejected_length", "rejected_shift", "margin"})
    EXPECT_TRUE(trained.rows.back().at(name).is_number()) << name;
}

TEST(FitPairs, DoesNotDependOnThreads) {
  const auto pairs = parity_pairs(20);
  const Trained one(quick(), pairs, 1), two(quick(), pairs, 2);
  EXPECT_EQ(numbers_of(one.model), numbers_of(two.model));
  EXPECT_EQ(one.rows, two.rows);
}

TEST(FitPairs, SoftTargetsTakeWinRates) {
  auto pairs = parity_pairs(20);
  for (auto& pair : pairs) {
    pair.chosen.advantage.assign(pair.chosen.ids.size(), 1.0f);
    pair.rejected.advantage.assign(pair.rejected.ids.size(), 0.0f);
  }
  auto options = quick();
  options.loss.target = "soft";
  const Trained trained(options, pairs);
  // −log of the loss can't fall below the entropy of p = σ(1).
  const double p = 1 / (1 + std::exp(-1.0)), entropy = -(p * std::log(p) + (1 - p) * std::log(1 - p));
  EXPECT_GE(trained.rows.back().at("loss").get<double>(), entropy);
  EXPECT_LT(trained.rows.back().at("loss").get<double>(), std::log(2.0));
}

TEST(FitPairs, SaysOnceThatChosenCompletionsFall) {
  auto options = quick();
  options.alarm = 0;
  options.optim.lr = 5e-2;
  auto pairs = parity_pairs(20);
  for (auto& pair : pairs) pair.rejected.ids.back() = pair.chosen.ids.back();  // so that both are pushed down together
  const Trained trained(options, pairs);
  std::size_t said = 0, fell = 0;
  for (const auto& line : lines_without_times(trained.folder / "events.jsonl"))
    said += line.find("chosen_falls") != std::string::npos;
  for (const auto& row : trained.rows) fell += row.at("chosen_shift").get<double>() < 0;
  EXPECT_EQ(said, fell > 0 ? 1u : 0u);
}

TEST(FitPairs, WithoutPairsNothingHappens) {
  const Trained trained(quick(), {});
  EXPECT_TRUE(trained.rows.empty());
  EXPECT_EQ(numbers_of(trained.model), numbers_of(small()));
}

TEST(AddReference, IsTheScoreOfEachExample) {
  auto pairs = parity_pairs(5);
  const auto model = small();
  base::Pool pool(test_threads(1));
  const MicroOptions micro{.vocab = model.config.vocab, .context = model.config.context};
  add_reference(pairs, model, micro, pool);
  const auto scores = score_examples(model, examples_of(pairs), micro, pool);
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    EXPECT_EQ(pairs[p].chosen.reference, scores[2 * p]);
    EXPECT_EQ(pairs[p].rejected.reference, scores[2 * p + 1]);
    EXPECT_EQ(pairs[p].chosen.reference[0], 0);
  }
}

}  // namespace
}  // namespace hone::train
