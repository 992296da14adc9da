#include "hone/evaluate/loss_summary.h"

#include "hone/evaluate/test_models.h"
#include "hone/train/collate.h"

#include <gtest/gtest.h>

namespace hone::evaluate {
namespace {

using train::TempFolder;

TEST(ExampleLosses, AreTheMeanOverTheirTokens) {
  const auto model = small_model();
  base::Pool pool(train::test_threads(2), tensor::set_single_threaded);
  const auto vocab = model.decoder.config.vocab;
  auto examples = train::random_examples(9, 3, 20, vocab);
  std::fill(examples[4].loss_mask.begin(), examples[4].loss_mask.end(), 0);  // nothing to learn: left out
  const auto losses = example_losses(model, examples, pool);
  ASSERT_EQ(losses.size(), 8u);
  std::size_t at = 0;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto batch = train::collate({&examples[i], 1}, train::Rows::one_each, 0, vocab, 40);
    const double count = batch.loss_mask_BT.sum().item<double>();
    if (count == 0) continue;
    EXPECT_NEAR(losses[at++], -models::logprobs(model.decoder, batch).sum().item<double>() / count, 1e-5);
  }
}

TEST(ExampleLosses, NothingToBeLearntIsAnError) {
  base::Pool pool(train::test_threads(1));
  train::expect_error(ErrorKind::data, {"none of the 2"},
                      [&] { example_losses(small_model(), {train::example_of({1}), train::example_of({2})}, pool); });
  EXPECT_THROW(example_losses(small_model(), {}, pool), Error);
}

TEST(ExampleLosses, SurviveJson) {
  const std::vector<double> losses = {0.1, 1.0 / 3, 2e-17};
  EXPECT_EQ(losses_from_json(base::parse_json(base::dump(to_json(losses)), "losses")), losses);
}

TEST(LossSummary, WritesWhatWasGained) {
  const TempFolder folder;
  train::TestRun run(folder.path());
  LossSummary summary;
  summary.add("base", {3, 1, 2});
  summary.add("sft", {1, 0.5, 0});
  summary.write(run.env, "sft");
  const auto json = read_json(folder / "summary.json");
  EXPECT_DOUBLE_EQ(json.at("arms").at("base").at("values").at("loss").at("mean").get<double>(), 2);
  EXPECT_DOUBLE_EQ(json.at("arms").at("sft").at("values").at("loss").at("mean").get<double>(), 0.5);
  EXPECT_EQ(json.at("held_out"), 3);
  EXPECT_EQ(json.at("metrics")[0].at("unit"), "nats/token");
  EXPECT_EQ(json.at("headline"), "held-out loss 2.0000 → 0.5000");
  EXPECT_EQ(read_json(folder / "outcomes.json").at("arms").at("sft").at("loss"), Json::array({1, 0.5, 0}));
}

}  // namespace
}  // namespace hone::evaluate
