#include "hone/train/fit.h"

#include "hone/base/error.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace hone::train {
namespace {

constexpr int64_t kVocab = 12;

models::Decoder small(uint64_t seed = 1) {
  const models::ModelOptions size{.width = 32, .layers = 1, .heads = 2, .context = 16};
  return models::fresh(models::config_of(size, kVocab), Rng(seed));
}

// "a b c d a b c d" with loss on the copy.
std::vector<data::Example> copies(int64_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<data::Example> examples;
  for (int64_t i = 0; i < count; ++i) {
    text::Ids ids;
    for (int t = 0; t < 4; ++t) ids.push_back(static_cast<int32_t>(rng.below(kVocab)));
    ids.insert(ids.end(), ids.begin(), ids.end());
    examples.push_back(example_of(std::move(ids), 4));
  }
  return examples;
}

FitOptions options_of(const std::string& rows, int64_t steps) {
  FitOptions o{.steps = steps, .batch = 32, .row_tokens = 16, .rows = rows, .optim = {.lr = 1e-2, .warmup = 5}};
  o.check_every = 10;
  return o;
}

std::vector<Json> rows_of(const std::filesystem::path& dir) {
  std::vector<Json> rows;
  for (const auto& line : lines_without_times(dir / "metrics.jsonl")) rows.push_back(base::parse_json(line, "log"));
  return rows;
}

// Copying is learnt on fresh examples, and holds on ones never seen.
TEST(Fit, LearnsToCopy) {
  for (const std::string rows : {"one_each", "packed"}) {
    const TempFolder folder;
    TestRun run(folder.path());
    Session session(run.env);
    auto model = small();
    const auto options = options_of(rows, 120);
    const auto held_out = copies(40, 999);
    const double before = held_out_loss(run.env, model, options, held_out);
    EXPECT_NEAR(before, std::log(12.0), 0.1);
    fit(run.env, session, "copy", model, options,
        [](int64_t step) { return copies(32, static_cast<uint64_t>(step)); });
    const auto logged = rows_of(folder.path());
    ASSERT_EQ(logged.size(), 120u);
    EXPECT_LT(logged.back().at("loss").get<double>(), 0.5 * logged.front().at("loss").get<double>());
    EXPECT_LT(held_out_loss(run.env, model, options, held_out), 0.5 * before);
    EXPECT_EQ(logged.front().at("tokens"), 32 * 8);
    EXPECT_EQ(logged.front().at("phase"), "copy");
    EXPECT_NEAR(logged.front().at("lr").get<double>(), 1e-2 / 6, 1e-9);  // first of 5 steps of warm-up
  }
}

TEST(Fit, TheMonitorIsAskedEveryNthStepAndMayStop) {
  const TempFolder folder;
  TestRun run(folder.path());
  Session session(run.env);
  auto model = small();
  std::vector<int64_t> asked;
  fit(run.env, session, "short", model, options_of("one_each", 100), [](int64_t) { return copies(4, 1); },
      [&](int64_t step, Json& notes) {
        asked.push_back(step);
        notes["looks"] = notes.value("looks", 0) + 1;
        return Check{{{"looks", notes["looks"].get<double>()}}, asked.size() == 3 ? Next::stop : Next::go_on};
      });
  EXPECT_EQ(asked, (std::vector<int64_t>{9, 19, 29}));
  const auto rows = rows_of(folder.path());
  ASSERT_EQ(rows.size(), 30u);
  EXPECT_EQ(rows[9].at("looks"), 1);
  EXPECT_FALSE(rows[10].contains("looks"));
  EXPECT_EQ(rows[29].at("looks"), 3);
}

// One epoch in a run; stopped in step `stop_at` when that is not negative.
std::vector<float> epoch_run(const std::filesystem::path& dir, int64_t stop_at) {
  TestRun run(dir);
  Session session(run.env);
  auto model = small();
  const auto examples = copies(50, 3);
  const auto source = cycle(examples, 7, run.env.rng.fork("order"));
  auto options = options_of("packed", 20);
  options.check_every = 3;
  fit(run.env, session, "epoch", model, options,
      [&](int64_t step) {
        if (step == stop_at) run.stop = true;
        return source(step);
      },
      [&](int64_t, Json& notes) {
        const double loss = held_out_loss(run.env, model, options, examples);
        return Check{{{"held_out_loss", loss}}, early_stop(loss, 5, notes)};
      });
  return numbers_of(model);
}

TEST(Fit, StoppedAndResumedIsTheSame) {
  const TempFolder whole, stopped;
  const auto expected = epoch_run(whole.path(), -1);
  EXPECT_THROW(epoch_run(stopped.path(), 4), Interrupted);
  EXPECT_THROW(epoch_run(stopped.path(), 11), Interrupted);
  EXPECT_EQ(epoch_run(stopped.path(), -1), expected);
  EXPECT_EQ(lines_without_times(stopped / "metrics.jsonl"), lines_without_times(whole / "metrics.jsonl"));
}

// ---- the order of examples ----

// Examples that are told apart by their one id.
std::vector<data::Example> numbered(int32_t count) {
  std::vector<data::Example> examples;
  for (int32_t i = 0; i < count; ++i) examples.push_back(example_of({i}));
  return examples;
}

text::Ids ids_at(const ExampleSource& source, int64_t step) {
  text::Ids ids;
  for (const auto& e : source(step)) ids.push_back(e.ids[0]);
  return ids;
}

TEST(Cycle, VisitsEachExampleOnceAnEpoch) {
  const auto examples = numbered(30);
  for (const int64_t batch : {1, 7, 30, 45}) {
    const auto source = cycle(examples, batch, Rng(4));
    text::Ids seen;
    for (int64_t step = 0; step * batch < 90; ++step) {
      const auto ids = ids_at(source, step);
      EXPECT_EQ(static_cast<int64_t>(ids.size()), batch);
      seen.insert(seen.end(), ids.begin(), ids.end());
    }
    std::vector<text::Ids> orders;
    for (std::ptrdiff_t epoch = 0; epoch < 3; ++epoch) {
      orders.emplace_back(seen.begin() + 30 * epoch, seen.begin() + 30 * (epoch + 1));
      auto sorted = orders.back();
      std::sort(sorted.begin(), sorted.end());
      for (int32_t i = 0; i < 30; ++i) EXPECT_EQ(sorted[static_cast<std::size_t>(i)], i) << "epoch " << epoch;
    }
    EXPECT_NE(orders[0], orders[1]);
    EXPECT_NE(orders[1], orders[2]);
  }
}

TEST(Cycle, IsAFunctionOfTheStep) {
  const auto examples = numbered(10);
  const auto in_order = cycle(examples, 4, Rng(4)), jumping = cycle(examples, 4, Rng(4));
  std::map<int64_t, text::Ids> expected;
  for (int64_t step = 0; step < 12; ++step) expected[step] = ids_at(in_order, step);
  for (const int64_t step : {11, 0, 5, 5, 2, 7, 1, 10, 3, 0}) EXPECT_EQ(ids_at(jumping, step), expected[step]) << step;
  EXPECT_NE(ids_at(cycle(examples, 4, Rng(5)), 0), expected[0]);
}

TEST(Cycle, NothingToCycleThroughIsAnError) {
  const std::vector<data::Example> none;
  expect_error(ErrorKind::internal, {"no examples"}, [&] { cycle(none, 4, Rng(1)); });
}

// ---- early stop ----

TEST(EarlyStop, CountsLooksWithoutGain) {
  Json notes = Json::object();
  const double losses[] = {3, 2, 2, 2.5, 1, 1.5, 1.25, 1};  // an equal loss is no gain
  for (std::size_t i = 0; i < std::size(losses); ++i) {
    notes = base::parse_json(base::dump(notes), "notes");  // as after a resume
    EXPECT_EQ(early_stop(losses[i], 3, notes), i == 7 ? Next::stop : Next::go_on) << i;
  }
  EXPECT_EQ(notes["best_loss"], 1);
  EXPECT_EQ(notes["looks_without_gain"], 3);
}

TEST(EarlyStop, NoPatienceNeverStops) {
  Json notes = Json::object();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(early_stop(1, 0, notes), Next::go_on);
}

TEST(EarlyStop, ALossThatIsNotANumberIsNoGain) {
  Json notes = Json::object();
  EXPECT_EQ(early_stop(2, 2, notes), Next::go_on);
  EXPECT_EQ(early_stop(std::numeric_limits<double>::quiet_NaN(), 2, notes), Next::go_on);
  EXPECT_EQ(early_stop(std::numeric_limits<double>::quiet_NaN(), 2, notes), Next::stop);
  EXPECT_EQ(notes["best_loss"], 2);
}

}  // namespace
}  // namespace hone::train
