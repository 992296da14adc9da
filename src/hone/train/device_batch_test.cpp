#include "hone/train/device_batch.h"

#include "hone/objectives/lm.h"
#include "hone/train/step.h"
#include "hone/train/test_run.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace hone::train {
namespace {

models::DecoderConfig config() {
  return models::config_of({.family = "llama", .width = 32, .layers = 2, .heads = 2, .context = 32}, 23);
}

std::vector<MicroBatch> parts_of(const std::vector<data::Example>& examples, Rows rows) {
  return micro_batches(examples, {.rows = rows, .micro_tokens = 48, .row_tokens = 24, .vocab = 23, .context = 32});
}

tensor::Loss language_loss(const models::Decoder& model, const tensor::Batch& batch) {
  return objectives::lm_loss(models::logprobs(model, batch), batch.loss_mask_BT);
}

TEST(DeviceBatch, RowsStayWholeAndInOrder) {
  const auto examples = random_examples(40, 3, 20, 23);
  const auto parts = parts_of(examples, Rows::one_each);
  const auto all = joined(parts, 200);
  ASSERT_LT(all.size(), parts.size());
  ASSERT_GT(all.size(), 1u);
  std::vector<int64_t> order, expected;
  for (const auto& part : parts)
    for (const auto& place : part.places) expected.push_back(place.example);
  for (const auto& micro : all) {
    EXPECT_LE(micro.batch.ids_BT.numel(), 200);
    for (std::size_t row = 0; row < micro.places.size(); ++row) {
      const auto& e = examples[static_cast<std::size_t>(micro.places[row].example)];
      const auto ids = micro.batch.ids_BT[static_cast<int64_t>(row)];
      for (std::size_t t = 0; t < e.ids.size(); ++t) EXPECT_EQ(ids[static_cast<int64_t>(t)].item<int64_t>(), e.ids[t]);
      const auto mask = micro.batch.loss_mask_BT[static_cast<int64_t>(row)];
      EXPECT_EQ(mask.sum().item<int64_t>(), std::count(e.loss_mask.begin(), e.loss_mask.end(), 1));
    }
    for (const auto& place : micro.places) order.push_back(place.example);
  }
  EXPECT_EQ(order, expected);
}

TEST(DeviceBatch, TheLossIsThatOfTheParts) {
  const auto model = models::fresh(config(), Rng(3));
  for (const Rows rows : {Rows::one_each, Rows::packed}) {
    const auto parts = parts_of(random_examples(30, 3, 20, 23), rows);
    double expected = 0, sum = 0, expected_count = 0, count = 0;
    for (const auto& part : parts) {
      const auto loss = language_loss(model, part.batch);
      expected += loss.sum.item<double>(), expected_count += loss.count;
    }
    for (const auto& micro : joined(parts, 300)) {
      const auto loss = language_loss(model, micro.batch);
      sum += loss.sum.item<double>(), count += loss.count;
    }
    EXPECT_EQ(count, expected_count);
    EXPECT_NEAR(sum, expected, 1e-5 * expected);
  }
}

TEST(DeviceBatch, OnTheCpuTheyAreTheParts) {
  const auto parts = parts_of(random_examples(9, 3, 9, 23), Rows::one_each);
  EXPECT_EQ(JoinedBatches(parts, at::kCPU, 0).batches().data(), parts.data());
}

// What a GPU runs, on the CPU: bfloat16 products under float32 parameters.
TEST(DeviceBatch, TwentyStepsInBfloat16FollowThoseInFloat32) {
  base::Pool pool(test_threads(1), tensor::set_single_threaded);
  const auto parts = parts_of(random_examples(24, 6, 20, 23), Rows::one_each);
  std::vector<double> losses[2];
  for (const bool half : {false, true}) {
    auto model = models::fresh(config(), Rng(3));
    if (half) model.activations = at::kBFloat16;
    const optim::OptimOptions options;
    optim::AdamW optimizer(model.flat, decay_segments(model, 0.01), options);
    Slots slots(model, pool);
    for (int step = 0; step < 20; ++step)
      losses[half].push_back(slots.step(parts, language_loss, optimizer, 3e-3).loss);
  }
  EXPECT_LT(losses[0].back(), losses[0].front() - 0.3);
  for (int step = 0; step < 20; ++step) EXPECT_NEAR(losses[1][step], losses[0][step], 0.02) << step;
  EXPECT_NE(losses[1], losses[0]);
}

}  // namespace
}  // namespace hone::train
