// Adapted models in training: what is trained, what is allocated, what is the same, and what a resume restores.
#include "hone/train/policy.h"

#include "hone/adapters/lora.h"
#include "hone/base/error.h"
#include "hone/generate/test_models.h"
#include "hone/objectives/lm.h"
#include "hone/train/policy_data.h"
#include "hone/train/step.h"
#include "hone/train/test_run.h"

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <limits>

namespace hone::train {
namespace {

using models::Family;

tensor::Loss language_loss(const models::Decoder& model, const tensor::Batch& batch) {
  return objectives::lm_loss(models::logprobs(model, batch), batch.loss_mask_BT);
}

MicroOptions micro_of(const models::Decoder& model, int64_t micro_tokens = 64) {
  return {.micro_tokens = micro_tokens, .vocab = model.config.vocab, .context = model.config.context};
}

models::Decoder adapted(Family family, const adapters::LoraOptions& options = {.rank = 3, .alpha = 6, .dropout = 0.2}) {
  models::Decoder model = generate::tiny_model(family);
  adapters::attach(model, adapters::config_of(options, model), Rng(5));
  return model;
}

std::vector<float> numbers(const at::Tensor& t) { return {t.data_ptr<float>(), t.data_ptr<float>() + t.numel()}; }

constexpr int64_t kOneSlot = 0, kManySlots = kGradientBytes;  // bytes of gradients that force a regime

struct Way {
  int threads = 1;
  int64_t gradient_bytes = kManySlots, micro_tokens = 64;
};

// The adapter after some steps, and the last loss.
std::pair<std::vector<float>, double> train(models::Decoder model, const Way& way, int steps = 3) {
  model = models::copy(model);
  base::Pool pool(test_threads(way.threads), tensor::set_single_threaded);
  Slots slots(model, pool, way.gradient_bytes);
  optim::AdamW optimizer(model.trained(), decay_segments(model, 0.1), {});
  const auto micros = micro_batches(random_examples(23, 2, 40, 37), micro_of(model, way.micro_tokens));
  double loss = 0;
  for (int i = 0; i < steps; ++i) loss = slots.step(micros, language_loss, optimizer, 1e-2).loss;
  return {numbers(model.trained()), loss};
}

class AdaptedTraining : public testing::TestWithParam<Family> {};

TEST_P(AdaptedTraining, ThreadsDoNotChangeABit) {
  const auto model = adapted(GetParam());
  for (const int64_t bytes : {kManySlots, kOneSlot}) {
    const int64_t micro_tokens = bytes == kOneSlot ? 400 : 64;  // rows enough for several ranges
    const auto one = train(model, {1, bytes, micro_tokens});
    EXPECT_NE(one.first, numbers(model.trained()));
    EXPECT_EQ(one, train(model, {2, bytes, micro_tokens}));
    EXPECT_EQ(one, train(model, {3, bytes, micro_tokens}));
  }
}

// Masks depend on the micro-batch, not on the slot that runs it: numbers of slots differ in the order of sums alone.
TEST_P(AdaptedTraining, SlotsDoNotChangeTheMasks) {
  base::Pool pool(test_threads(2), tensor::set_single_threaded);
  const auto gradient = [&](int64_t bytes, int64_t updates) {
    auto model = adapted(GetParam());
    model.adapter.flat.fill_(0.05);
    Slots slots(model, pool, bytes);
    optim::AdamW optimizer(model.trained(), decay_segments(model, 0), {});
    optimizer.set_steps(updates);
    slots.step(micro_batches(random_examples(23, 2, 40, 37), micro_of(model)), language_loss, optimizer, 0);
    return slots.gradient().clone();
  };
  const auto two_slots = 2 * static_cast<int64_t>(sizeof(float)) * adapted(GetParam()).flat.numel();
  const auto many = gradient(kManySlots, 0), two = gradient(two_slots, 0);
  EXPECT_LE((many - two).abs().max().item<double>(), 1e-4 * (1 + many.abs().max().item<double>()));
  EXPECT_GT((many - gradient(kManySlots, 1)).abs().max().item<double>(), 1e-2) << "another update has other masks";
}

TEST_P(AdaptedTraining, LearnsAndLeavesTheBaseAlone) {
  const auto model = adapted(GetParam());
  const auto before = numbers(model.flat);
  const auto held_out = [&](const std::vector<float>& adapter) {
    auto trained = models::copy(model);
    std::memcpy(trained.adapter.flat.data_ptr(), adapter.data(), adapter.size() * sizeof(float));
    base::Pool pool(test_threads(1), tensor::set_single_threaded);
    const auto micros = micro_batches(random_examples(23, 2, 40, 37), micro_of(model));
    return Slots(trained, pool).evaluate(micros, language_loss).loss;
  };
  models::Decoder shared = model;  // trains in the storage that `model` shares
  base::Pool pool(test_threads(2), tensor::set_single_threaded);
  Slots slots(shared, pool);
  optim::AdamW optimizer(shared.trained(), decay_segments(shared, 0.1), {});
  const auto start = numbers(shared.trained());
  const auto micros = micro_batches(random_examples(23, 2, 40, 37), micro_of(shared));
  for (int i = 0; i < 30; ++i) slots.step(micros, language_loss, optimizer, 1e-2);
  EXPECT_EQ(numbers(model.flat), before);
  EXPECT_LT(held_out(numbers(shared.trained())), held_out(start) - 0.1);
}

TEST_P(AdaptedTraining, ExtremeDropoutStaysFinite) {
  const auto [after, loss] = train(adapted(GetParam(), {.rank = 2, .dropout = 0.99}), {2}, 5);
  EXPECT_TRUE(std::isfinite(loss));
  for (const float x : after) ASSERT_TRUE(std::isfinite(x));
}

TEST_P(AdaptedTraining, ANumberThatIsNoneIsAnErrorAndChangesNothing) {
  auto model = adapted(GetParam());
  model.adapter.flat[7] = std::numeric_limits<float>::quiet_NaN();
  const auto before = model.adapter.flat.clone();
  base::Pool pool(test_threads(1), tensor::set_single_threaded);
  Slots slots(model, pool);
  optim::AdamW optimizer(model.trained(), decay_segments(model, 0), {});
  const auto micros = micro_batches(random_examples(5, 5, 20, 37), micro_of(model));
  expect_error(ErrorKind::numeric, {"not finite"}, [&] { slots.step(micros, language_loss, optimizer, 1e-2); });
  EXPECT_TRUE(at::equal(model.adapter.flat.isnan(), before.isnan()));
  EXPECT_EQ(optimizer.steps(), 0);
}

TEST_P(AdaptedTraining, TheSamplerSeesTheAdapter) {
  auto model = adapted(GetParam());
  Rng rng(8);
  for (int64_t i = 0; i < model.adapter.flat.numel(); ++i)
    model.adapter.flat.data_ptr<float>()[i] = static_cast<float>(0.1 * rng.normal());
  base::Pool pool(test_threads(2), tensor::set_single_threaded);
  generate::Engine engine(generate::tiny_model(GetParam()), pool);  // of the base
  engine.refresh(model);
  std::vector<generate::Request> requests;
  for (uint64_t i = 0; i < 12; ++i)
    requests.push_back({{3, static_cast<int32_t>(4 + i)}, {{{}, {{1, 2}, {}, 9}}}, 3, i});
  std::vector<data::Example> examples;
  const std::array<double, 1> advantage{1};
  for (const auto& rollout : engine.roll(requests, {}, Rng(2)))
    examples.push_back(policy_example(requests[static_cast<std::size_t>(rollout.request)], rollout, advantage));
  EXPECT_LT(check_on_policy(model, examples, micro_of(model), pool), 1e-4);
  adapters::detach(model);  // the base, as reference, computes something else from the same storage
  EXPECT_THROW(check_on_policy(model, examples, micro_of(model), pool), Error);
}

INSTANTIATE_TEST_SUITE_P(Families, AdaptedTraining, testing::Values(Family::gpt2, Family::llama),
                         [](const auto& info) { return info.param == Family::gpt2 ? "gpt2" : "llama"; });

// Stands in for libtorch's allocator and remembers the largest request. Some versions of libtorch declare allocate()
// const and others don't, and newer ones ask for copy_data(): whichever is virtual there is overridden here.
class Watched : public c10::Allocator {
 public:
  explicit Watched(c10::Allocator* real) : real_(real) {}
  at::DataPtr allocate(std::size_t bytes) const { return seen(bytes); }
  at::DataPtr allocate(std::size_t bytes) { return seen(bytes); }
  void copy_data(void* to, const void* from, std::size_t bytes) const { std::memcpy(to, from, bytes); }
  c10::DeleterFnPtr raw_deleter() const override { return real_->raw_deleter(); }
  static std::size_t largest() { return largest_; }

 private:
  at::DataPtr seen(std::size_t bytes) const {
    std::size_t most = largest_;
    while (bytes > most && !largest_.compare_exchange_weak(most, bytes)) {
    }
    return real_->allocate(bytes);
  }
  c10::Allocator* real_;
  static inline std::atomic<std::size_t> largest_{0};
};

TEST(AdaptedMemory, NothingOfTheBasesSizeIsAllocated) {
  models::DecoderConfig config = generate::tiny_config(Family::llama);
  config.vocab = 20000;  // the base outweighs every activation of a short batch
  config.tied = true;
  models::Decoder model = models::fresh(config, Rng(1));
  const auto base_bytes = static_cast<std::size_t>(model.flat.numel()) * sizeof(float);
  auto* real = c10::GetCPUAllocator();
  static Watched watched(real);  // outlives every tensor
  c10::SetCPUAllocator(&watched);
  {
    adapters::attach(model, adapters::config_of({.rank = 2, .dropout = 0.1}, model), Rng(1));
    base::Pool pool(test_threads(2), tensor::set_single_threaded);
    Slots slots(model, pool);
    optim::AdamW optimizer(model.trained(), decay_segments(model, 0), {});
    const std::vector<data::Example> examples = {example_of({3, 19999, 5, 6}), example_of({7, 8, 9})};
    slots.step(micro_batches(examples, micro_of(model)), language_loss, optimizer, 1e-2);
    EXPECT_EQ(slots.gradient().numel(), model.trained().numel());
  }
  c10::SetCPUAllocator(real);
  EXPECT_GT(Watched::largest(), 1000u) << "the allocator was not asked";
  EXPECT_LT(Watched::largest(), base_bytes);
  EXPECT_GT(model.flat.numel(), 100 * model.trained().numel());
}

// A phase of six steps that may stop on the way, with the adapter it ends with.
std::vector<float> phase(const std::filesystem::path& dir, int64_t stop_at, uint64_t base_seed = 1) {
  TestRun run(dir);
  run.env.checkpoint_seconds = 1e9;
  Session session(run.env);
  models::Decoder model = generate::tiny_model(Family::llama, base_seed);
  adapters::attach(model, adapters::config_of({.rank = 2, .dropout = 0.3}, model), run.env.rng.fork("lora"));
  Slots slots(model, run.pool);
  optim::AdamW optimizer(model.trained(), decay_segments(model, 0.1), {});
  TrainState state{model, optimizer};
  const auto micros = micro_batches(random_examples(23, 2, 40, 37), micro_of(model));
  session.phase("lora", 6, state, [&](int64_t step) {
    const auto r = slots.step(micros, language_loss, optimizer, 1e-2);
    run.record.metrics("lora", step, {{"loss", r.loss}});
    if (step == stop_at) run.stop = true;
    return Next::go_on;
  });
  return numbers(model.trained());
}

TEST(AdaptedSession, AResumeIsBitExactAndCheckpointsHoldTheAdapterAlone) {
  const TempFolder whole, cut;
  const auto expected = phase(whole.path(), -1);
  EXPECT_THROW(phase(cut.path(), 2), Interrupted);
  const auto saved = checkpoint::list_states(cut / "ckpt");
  ASSERT_EQ(saved.size(), 1u);
  const auto file = checkpoint::open_state_tensors(saved[0], "train");
  EXPECT_EQ(file.find("parameters")->elements(), static_cast<int64_t>(expected.size()));
  EXPECT_EQ(checkpoint::load_state(saved[0]).at("base_sha256"), models::hash_of(generate::tiny_model(Family::llama)));
  EXPECT_EQ(phase(cut.path(), -1), expected);
  for (const char* log : {"metrics.jsonl", "events.jsonl"})
    EXPECT_EQ(lines_without_times(cut / log), lines_without_times(whole / log)) << log;
  const Json event = base::parse_json(lines_without_times(whole / "events.jsonl").at(0), "events");
  EXPECT_EQ(event.at("trained_parameters"), expected.size());
}

TEST(AdaptedSession, AnotherBaseIsRefused) {
  const TempFolder folder;
  EXPECT_THROW(phase(folder.path(), 2), Interrupted);
  expect_error(ErrorKind::data, {"other weights", "ckpt"}, [&] { phase(folder.path(), -1, 2); });
}

TEST(PolicyOf, SharesOrCopiesTheBaseAndNamesItsFolder) {
  const TempFolder folder;
  TestRun run(folder.path());
  const models::Model base{generate::tiny_model(Family::llama), text::Tokenizer{}};
  const auto full = policy_of(run.env, base, {}, "arm");
  EXPECT_NE(full.decoder.flat.data_ptr(), base.decoder.flat.data_ptr());
  const auto lora = policy_of(run.env, base, {.rank = 2}, "arm"), other = policy_of(run.env, base, {.rank = 2}, "arm2");
  EXPECT_EQ(lora.decoder.flat.data_ptr(), base.decoder.flat.data_ptr());
  EXPECT_EQ(lora.decoder.adapter.config->base, (folder / "models" / "base").string());
  EXPECT_NE(numbers(lora.decoder.adapter.flat), numbers(other.decoder.adapter.flat));
}

}  // namespace
}  // namespace hone::train
