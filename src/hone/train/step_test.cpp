#include "hone/train/step.h"

#include "hone/base/error.h"
#include "hone/generate/test_models.h"
#include "hone/models/scalar.h"
#include "hone/objectives/lm.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hone::train {
namespace {

using models::Family;

tensor::Loss language_loss(const models::Decoder& model, const tensor::Batch& batch) {
  auto loss = objectives::lm_loss(models::logprobs(model, batch), batch.loss_mask_BT);
  loss.metrics["nll"] = loss.sum.item<double>();
  return loss;
}

MicroOptions micro(const models::Decoder& model, int64_t micro_tokens = 64, Rows rows = Rows::one_each) {
  return {.rows = rows,
          .micro_tokens = micro_tokens,
          .row_tokens = 48,
          .vocab = model.config.vocab,
          .context = model.config.context};
}

optim::AdamW adam(models::Decoder& model, const optim::OptimOptions& options = {}) {
  return {model.flat, decay_segments(model, options.weight_decay), options};
}

// The gradient of Σ sum over one batch, flat.
std::vector<float> whole_gradient(const models::Decoder& model, const tensor::Batch& batch) {
  auto replica = models::replica(model);
  language_loss(replica, batch).sum.backward();
  std::vector<float> flat;
  replica.visit([&](const std::string&, at::Tensor& t) {
    const auto grad = t.grad().contiguous();
    flat.insert(flat.end(), grad.data_ptr<float>(), grad.data_ptr<float>() + grad.numel());
  });
  return flat;
}

// Largest |a − b| over largest |b|.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double gap = 0, most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    gap = std::max(gap, static_cast<double>(std::abs(a[i] - b[i])));
    most = std::max(most, static_cast<double>(std::abs(b[i])));
  }
  return gap / most;
}

std::vector<float> numbers(const at::Tensor& t) { return {t.data_ptr<float>(), t.data_ptr<float>() + t.numel()}; }

class Step : public testing::TestWithParam<Family> {
 protected:
  models::Decoder model = generate::tiny_model(GetParam());
  std::vector<data::Example> examples = random_examples(23, 2, 40, 37);
};

TEST_P(Step, SlotsAddUpToTheGradientOfTheWholeBatch) {
  base::Pool pool(test_threads(2), tensor::set_single_threaded);
  const auto expected = whole_gradient(model, collate(examples, Rows::one_each, 0, 37, 96));
  for (const Rows rows : {Rows::one_each, Rows::packed}) {
    Slots slots(model, pool);
    auto optimizer = adam(model);
    const auto report = slots.step(micro_batches(examples, micro(model, 64, rows)), language_loss, optimizer, 0);
    EXPECT_LT(distance(numbers(slots.gradient()), expected), 1e-5);
    double norm = 0;
    for (const float g : expected) norm += static_cast<double>(g) * g;
    EXPECT_NEAR(report.grad_norm, std::sqrt(norm) / report.count, 1e-5 * report.grad_norm);
    EXPECT_NEAR(report.metrics.at("nll"), report.loss, 1e-9 * report.loss);
  }
}

constexpr int64_t kOneSlot = 0, kManySlots = kGradientBytes;  // bytes of gradients that force a regime

struct Way {
  int threads = 1;
  int64_t gradient_bytes = kManySlots;
};

TEST(SlotCount, DependsOnTheModelAlone) {
  EXPECT_EQ(slot_count(1000), 8);
  EXPECT_EQ(slot_count(kGradientBytes / 4 / 3), 3);
  EXPECT_EQ(slot_count(kGradientBytes / 4 / 2), 2);      // 64 M parameters
  EXPECT_EQ(slot_count(kGradientBytes / 4 / 2 + 1), 1);  // two gradients do not fit
  EXPECT_EQ(slot_count(int64_t{1} << 40), 1);
  EXPECT_EQ(slot_count(0), 8);
}

// Parameters after three steps.
std::vector<float> train(const models::Decoder& from, const std::vector<data::Example>& examples, Way way,
                         const MicroOptions& options, const optim::OptimOptions& optim) {
  auto model = models::copy(from);
  base::Pool pool(test_threads(way.threads), tensor::set_single_threaded);
  Slots slots(model, pool, way.gradient_bytes);
  auto optimizer = adam(model, optim);
  for (int i = 0; i < 3; ++i) slots.step(micro_batches(examples, options), language_loss, optimizer, 1e-2);
  return numbers_of(model);
}

TEST_P(Step, ThreadsDoNotChangeABit) {
  for (const Rows rows : {Rows::one_each, Rows::packed}) {
    for (const int64_t bytes : {kManySlots, kOneSlot}) {
      const auto options = micro(model, bytes == kOneSlot ? 400 : 64, rows);  // rows enough for several ranges
      const auto one = train(model, examples, {1, bytes}, options, {});
      EXPECT_NE(one, numbers_of(model));
      EXPECT_EQ(one, train(model, examples, {2, bytes}, options, {}));
      EXPECT_EQ(one, train(model, examples, {3, bytes}, options, {}));
    }
  }
}

TEST_P(Step, MicroBatchesChangeRoundingOnly) {
  // With a large eps an update is smooth in the gradient: Adam's usual one turns rounding at 0 into a full step.
  const optim::OptimOptions smooth{.eps = 1e-2};
  const auto whole = train(model, examples, {}, micro(model, 1 << 20), smooth);
  EXPECT_LT(distance(train(model, examples, {}, micro(model, 48), smooth), whole), 1e-5);
  EXPECT_LT(distance(train(model, examples, {2, kOneSlot}, micro(model, 48), smooth), whole), 1e-5);
  EXPECT_LT(distance(train(model, examples, {}, micro(model, 200, Rows::packed), smooth), whole), 1e-5);
}

TEST_P(Step, EvaluateIsTheLossWithoutGradients) {
  base::Pool pool(test_threads(2), tensor::set_single_threaded);
  Slots slots(model, pool);
  const auto micros = micro_batches(examples, micro(model));
  const auto before = numbers_of(model);
  const auto looked = slots.evaluate(micros, [](const models::Decoder& m, const tensor::Batch& batch) {
    auto loss = language_loss(m, batch);
    EXPECT_FALSE(loss.sum.requires_grad());
    return loss;
  });
  EXPECT_EQ(numbers_of(model), before);
  auto optimizer = adam(model);
  const auto stepped = slots.step(micros, language_loss, optimizer, 1e-3);
  EXPECT_NEAR(looked.loss, stepped.loss, 1e-6 * stepped.loss);
  EXPECT_EQ(looked.count, stepped.count);
  EXPECT_EQ(looked.tokens, stepped.tokens);
  EXPECT_NE(numbers_of(model), before);
}

TEST_P(Step, ScoresAreTheModelsLogProbs) {
  base::Pool pool(test_threads(2), tensor::set_single_threaded);
  const auto scores = score_examples(model, examples, micro(model), pool, 0.7);
  ASSERT_EQ(scores.size(), examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto alone = models::logprobs(model, collate({&examples[i], 1}, Rows::one_each, 0, 37, 96), 0.7);
    ASSERT_EQ(scores[i].size(), examples[i].ids.size());
    for (std::size_t t = 0; t < scores[i].size(); ++t) {
      EXPECT_NEAR(scores[i][t], alone.data_ptr<float>()[t], 1e-5);
      EXPECT_EQ(scores[i][t] == 0, examples[i].loss_mask[t] == 0);
    }
  }
  expect_error(ErrorKind::internal, {"packed rows"},
               [&] { score_examples(model, examples, micro(model, 64, Rows::packed), pool); });
}

// A scalar head is trained like everything else: by slots, AdamW and micro-batches, and read back per token.
TEST_P(Step, AScalarHeadLearns) {
  base::Pool pool(test_threads(2), tensor::set_single_threaded);
  const auto target = [](const tensor::Batch& b) { return b.ids_BT.eq(3).to(at::kFloat).cumsum(1) * 0.5 - 1; };
  const MicroLoss loss = [&](const models::Decoder& m, const tensor::Batch& b) {
    const auto gap = at::where(b.loss_mask_BT, models::values(m, b) - target(b), at::zeros({}, at::kFloat));
    return tensor::Loss{gap.pow(2).to(at::kDouble).sum(), static_cast<double>(b.loss_mask_BT.sum().item<int64_t>()), {}};
  };
  std::vector<std::vector<float>> runs;
  for (const int threads : {1, 2}) {
    auto critic = models::scalar_of(model);
    base::Pool own(test_threads(threads), tensor::set_single_threaded);
    Slots slots(critic, own);
    auto optimizer = adam(critic, {.weight_decay = 0});
    double first = 0, last = 0;
    for (int i = 0; i < 40; ++i) {
      last = slots.step(micro_batches(examples, micro(critic)), loss, optimizer, 5e-3).loss;
      if (i == 0) first = last;
    }
    EXPECT_LT(last, 0.2 * first);
    runs.push_back(numbers_of(critic));
    const auto finals = final_values(critic, examples, micro(critic), own);
    const auto before = value_examples(critic, examples, micro(critic), own);
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const auto alone = models::values(critic, collate({&examples[i], 1}, Rows::one_each, 0, 37, 96));
      const auto length = static_cast<int64_t>(examples[i].ids.size());
      EXPECT_NEAR(finals[i], alone[0][length - 1].item<double>(), 1e-4);
      for (int64_t t = 1; t < length; ++t)
        EXPECT_NEAR(before[i][static_cast<std::size_t>(t)],
                    examples[i].loss_mask[static_cast<std::size_t>(t)] ? alone[0][t - 1].item<double>() : 0, 1e-4);
    }
  }
  EXPECT_EQ(runs[0], runs[1]);
}

// Every parameter once, in the order of the flat buffer; matrices decay, what is added or scaled does not.
TEST_P(Step, DecaySegmentsCoverTheFlatBuffer) {
  const auto segments = decay_segments(model, 0.25);
  std::size_t i = 0;
  int64_t offset = 0, decayed = 0;
  model.visit([&](const std::string& name, at::Tensor& t) {
    ASSERT_LT(i, segments.size());
    EXPECT_EQ(segments[i].begin, offset) << name;
    EXPECT_EQ(segments[i].end, offset + t.numel()) << name;
    EXPECT_EQ(model.flat.data_ptr<float>() + offset, t.data_ptr<float>()) << name;
    const bool spared = name.find("norm") != std::string::npos || name.ends_with(".bias") || name == "positions.weight";
    EXPECT_EQ(segments[i].weight_decay, spared ? 0 : 0.25) << name;
    decayed += !spared;
    offset += t.numel();
    ++i;
  });
  EXPECT_EQ(i, segments.size());
  EXPECT_EQ(offset, model.flat.numel());
  EXPECT_EQ(decayed, GetParam() == Family::gpt2 ? 9 : 10);  // embedding, 4 matrices in each of 2 blocks, untied head
}

INSTANTIATE_TEST_SUITE_P(Families, Step, testing::Values(Family::gpt2, Family::llama),
                         [](const auto& info) { return info.param == Family::gpt2 ? "gpt2" : "llama"; });

// Whatever goes wrong in a step, the model and the optimiser stay as they were, and the next step is not touched by it.
TEST(StepErrors, NothingIsUpdated) {
  auto model = generate::tiny_model(Family::gpt2);
  const auto before = numbers_of(model);
  const auto examples = random_examples(9, 5, 30, 37);
  const auto micros = micro_batches(examples, micro(model));
  base::Pool pool(test_threads(2), tensor::set_single_threaded);
  Slots slots(model, pool);
  auto optimizer = adam(model);
  const auto with = [](double factor) -> MicroLoss {
    return [factor](const models::Decoder& m, const tensor::Batch& batch) {
      auto loss = language_loss(m, batch);
      loss.sum = loss.sum * factor;
      return loss;
    };
  };
  const double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();
  for (const double factor : {kNan, kInfinity, -kInfinity})
    expect_error(ErrorKind::numeric, {"loss is not finite"}, [&] { slots.step(micros, with(factor), optimizer, 1); });
  expect_error(ErrorKind::numeric, {"loss is not finite"}, [&] { slots.evaluate(micros, with(kNan)); });
  // A finite loss with a gradient that is not: the slope of √x at 0 is infinite.
  expect_error(ErrorKind::numeric, {"grad"}, [&] {
    slots.step(
        micros,
        [](const models::Decoder& m, const tensor::Batch& batch) {
          auto loss = language_loss(m, batch);
          loss.sum = loss.sum + (loss.sum - loss.sum.detach()).sqrt();
          return loss;
        },
        optimizer, 1);
  });
  const MicroLoss throws = [](const auto&, const auto&) -> tensor::Loss { throw std::bad_alloc(); };
  EXPECT_THROW(slots.step(micros, throws, optimizer, 1), std::bad_alloc);
  EXPECT_EQ(numbers_of(model), before);
  EXPECT_EQ(optimizer.steps(), 0);

  slots.step(micros, language_loss, optimizer, 1e-2);
  auto untroubled = generate::tiny_model(Family::gpt2);
  Slots fresh(untroubled, pool);
  auto other = adam(untroubled);
  fresh.step(micros, language_loss, other, 1e-2);
  EXPECT_EQ(numbers_of(model), numbers_of(untroubled));
}

TEST(StepErrors, ABatchWithoutLossChangesNothing) {
  auto model = generate::tiny_model(Family::llama);
  const auto before = numbers_of(model);
  auto examples = random_examples(3, 5, 9, 37);
  for (auto& e : examples) std::fill(e.loss_mask.begin(), e.loss_mask.end(), 0);
  base::Pool pool(test_threads(1));
  Slots slots(model, pool);
  auto optimizer = adam(model, {.weight_decay = 0.1});
  for (const auto& micros : {micro_batches(examples, micro(model)), std::vector<MicroBatch>{}}) {
    const auto report = slots.step(micros, language_loss, optimizer, 1);
    EXPECT_EQ(report.count, 0);
    EXPECT_EQ(report.loss, 0);
  }
  EXPECT_EQ(numbers_of(model), before);
  EXPECT_EQ(optimizer.steps(), 0);
}

}  // namespace
}  // namespace hone::train
