// A run that is thrown out of, stopped or killed at any point and resumed equals one that was left alone. The updates
// here come from made-up gradients: no autograd engine, whose threads would not survive a fork.
#include "hone/train/session.h"

#include "hone/base/error.h"
#include "hone/generate/test_models.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace hone::train {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSteps = 6;
constexpr double kNever = 1e9;

models::Decoder small() {
  auto config = generate::tiny_config(models::Family::llama);
  config.layers = 1;
  return models::fresh(config, Rng(3));
}

// Called at every point of a run where something may go wrong.

// A model and its optimiser that take part in phases.
class Learner {
 public:
  explicit Learner(models::Decoder decoder)
      : model(std::move(decoder)), optimizer(model.flat, {{0, model.flat.numel(), 0.1}}, {}) {
    state.companions.push_back({"critic", critic, &critic_optimizer});
    state.companions.push_back({"reference", reference});
  }

  /// One step: the update and the record depend on the parameters, the moments, the notes and the step.
  Next step(Env& env, const std::string& phase, int64_t step, const Hook& hook) {
    hook(fmt::format("{} {} begin", phase, step));
    at::Tensor gradient = model.flat.clone();
    Rng rng = env.rng.fork(phase, {static_cast<uint64_t>(step)});
    for (int64_t i = 0; i < gradient.numel(); ++i) gradient.data_ptr<float>()[i] += static_cast<float>(rng.normal());
    const auto info = optimizer.step(gradient, 1, 1e-2, env.pool);
    critic_optimizer.step(gradient + critic.flat, 1, 1e-3, env.pool);
    if (step % 3 == 1) critic_optimizer.set_steps(0);
    if (step % 2 == 1) models::assign(reference, model);
    hook(fmt::format("{} {} updated", phase, step));
    state.notes["sum"] = state.notes.value("sum", 0.0) + info.grad_norm;
    env.record.metrics(phase, step, {{"grad_norm", info.grad_norm}, {"sum", state.notes["sum"].get<double>()}},
                       {{"seconds", 0.5}});
    hook(fmt::format("{} {} logged", phase, step));
    return Next::go_on;
  }

  /// All that a resumed run must find again.
  std::vector<float> numbers() {
    auto all = numbers_of(model);
    for (const auto* more : {&critic, &reference}) {
      const auto numbers = numbers_of(*more);
      all.insert(all.end(), numbers.begin(), numbers.end());
    }
    all.push_back(static_cast<float>(critic_optimizer.steps()));
    return all;
  }

  models::Decoder model, critic = models::copy(model), reference = models::copy(model);
  optim::AdamW optimizer, critic_optimizer{critic.flat, {{0, critic.flat.numel(), 0.0}}, {}};
  TrainState state{model, optimizer};
};

struct Outcome {
  std::vector<float> numbers;
  int64_t updates = 0;
  Json notes, value;
};

// Two phases with a computation after each; the second phase trains a copy of the first one's model.
Outcome chain(const fs::path& dir, double checkpoint_seconds, const Hook& hook, int64_t steps = kSteps) {
  TestRun run(dir);
  run.env.checkpoint_seconds = checkpoint_seconds;
  Session session(run.env);
  Learner first(small());
  session.phase("one.base", steps, first.state,
                [&](int64_t step) { return first.step(run.env, "one.base", step, hook); });
  const Json value = session.once("measure.one", [&] {
    hook("once begin");
    run.record.event("measured", {{"norm", first.model.flat.norm().item<double>()}});
    hook("once logged");
    return Json{{"norm", first.model.flat.norm().item<double>()}};
  });
  Learner second(models::copy(first.model));
  session.phase("two", steps / 2, second.state, [&](int64_t step) { return second.step(run.env, "two", step, hook); });
  const Json last = session.once("measure.two", [&] { return Json(second.model.flat.sum().item<double>()); });
  return {second.numbers(), second.optimizer.steps(), second.state.notes, {value, last}};
}

void nothing(const std::string&) {}

void expect_same(const Outcome& a, const fs::path& a_dir, const Outcome& b, const fs::path& b_dir) {
  EXPECT_EQ(a.numbers, b.numbers);
  EXPECT_EQ(a.updates, b.updates);
  EXPECT_EQ(a.notes, b.notes);
  EXPECT_EQ(a.value, b.value);
  for (const char* log : {"metrics.jsonl", "events.jsonl", "samples.jsonl"})
    EXPECT_EQ(lines_without_times(a_dir / log), lines_without_times(b_dir / log)) << log;
}

struct Crash {};

// The chain left alone, made once, with its points.
struct Left {
  TempFolder folder;
  std::vector<std::string> points;
  Outcome outcome = chain(folder.path(), kNever, [&](const std::string& point) { points.push_back(point); });
};
const Left& left_alone() {
  static const Left left;
  return left;
}

TEST(Session, AnExceptionAtEveryPointAndAResumeChangeNothing) {
  const auto& whole = left_alone();
  ASSERT_EQ(whole.points.size(), 3 * (kSteps + kSteps / 2) + 2);
  for (const double seconds : {0.0, kNever}) {
    for (const auto& at : whole.points) {
      const TempFolder folder;
      EXPECT_THROW(chain(folder.path(), seconds,
                         [&](const auto& point) {
                           if (point == at) throw Crash();
                         }),
                   Crash);
      expect_same(chain(folder.path(), seconds, nothing), folder.path(), whole.outcome, whole.folder.path());
    }
  }
}

TEST(Session, CheckpointsSaveWork) {
  const TempFolder folder;
  EXPECT_THROW(chain(folder.path(), 0,
                     [](const auto& point) {
                       if (point == "one.base 4 begin") throw Crash();
                     }),
               Crash);
  std::vector<std::string> points;
  chain(folder.path(), 0, [&](const auto& point) { points.push_back(point); });
  EXPECT_EQ(points.front(), "one.base 4 begin");
}

TEST(Session, FinishedUnitsAreNotRunAgain) {
  const auto& whole = left_alone();
  const TempFolder folder;
  const auto first = chain(folder.path(), kNever, nothing);
  std::vector<std::string> points;
  const auto again = chain(folder.path(), kNever, [&](const auto& point) { points.push_back(point); });
  EXPECT_TRUE(points.empty()) << points.front();
  expect_same(first, folder.path(), whole.outcome, whole.folder.path());
  expect_same(again, folder.path(), whole.outcome, whole.folder.path());
}

TEST(Session, OneCheckpointAUnitIsKept) {
  const TempFolder folder;
  chain(folder.path(), 0, nothing);
  std::vector<std::string> labels;
  for (const auto& saved : checkpoint::list_states(folder / "ckpt")) labels.push_back(saved.label);
  EXPECT_EQ(labels, (std::vector<std::string>{"phase-one-base", "once-measure-one", "phase-two", "once-measure-two"}));
}

TEST(Session, OnceIsComputedOnceAndMayBeAnything) {
  const TempFolder folder;
  const Json values[] = {nullptr, 7, "text", Json::array({1, 2}), {{"a", 0.1}}};
  int computed = 0;
  for (int round = 0; round < 2; ++round) {
    TestRun run(folder.path());
    Session session(run.env);
    for (std::size_t i = 0; i < std::size(values); ++i) {
      EXPECT_EQ(session.has(fmt::format("value.{}", i)), round == 1);
      EXPECT_EQ(session.once(fmt::format("value.{}", i), [&] { return ++computed, values[i]; }), values[i]);
      EXPECT_TRUE(session.has(fmt::format("value.{}", i)));
      EXPECT_EQ(session.once(fmt::format("value.{}", i), [&] { return ++computed, Json(); }), values[i]);
    }
  }
  EXPECT_EQ(computed, 5);
}

TEST(Session, AStopEndsInACommit) {
  const auto& whole = left_alone();
  for (const auto& at : whole.points) {
    const TempFolder folder;
    bool interrupted = false;
    {
      TestRun run(folder.path());
      run.env.checkpoint_seconds = kNever;
      Session session(run.env);
      Learner learner(small());
      const Hook hook = [&](const auto& point) {
        if (point == at) run.stop = true;
      };
      const auto body = [&](int64_t step) { return learner.step(run.env, "one.base", step, hook); };
      try {
        session.phase("one.base", kSteps, learner.state, body);
        session.once("measure.one", []() -> Json { return Json("not reached when stopped"); });
      } catch (const Interrupted&) {
        interrupted = true;
      }
    }
    EXPECT_EQ(interrupted, at.starts_with("one.base")) << at;
    if (!interrupted) continue;
    std::vector<std::string> points;
    const auto resumed = chain(folder.path(), kNever, [&](const auto& point) { points.push_back(point); });
    expect_same(resumed, folder.path(), whole.outcome, whole.folder.path());
    // The step that was under way when the stop came is not repeated.
    EXPECT_NE(points.front().substr(0, 10), at.substr(0, 10));
  }
}

TEST(Session, APhaseEndsWhereItsBodySays) {
  const TempFolder folder;
  std::vector<int64_t> steps;
  for (int round = 0; round < 2; ++round) {
    TestRun run(folder.path());
    Session session(run.env);
    Learner learner(small());
    session.phase("short", 100, learner.state, [&](int64_t step) {
      steps.push_back(step);
      return step == 2 ? Next::stop : Next::go_on;
    });
    session.phase("empty", 0, learner.state, [&](int64_t) -> Next { throw Crash(); });
  }
  EXPECT_EQ(steps, (std::vector<int64_t>{0, 1, 2}));
}

TEST(Session, AnotherModelsCheckpointIsRefused) {
  const TempFolder folder;
  chain(folder.path(), kNever, nothing);
  TestRun run(folder.path());
  Session session(run.env);
  Learner other(models::fresh(generate::tiny_config(models::Family::llama), Rng(3)));
  expect_error(ErrorKind::format, {"does not fit this run's model"},
               [&] { session.phase("one.base", kSteps, other.state, [](int64_t) { return Next::go_on; }); });
}

int run_child(const fs::path& dir, int visits, useconds_t microseconds) {
  return in_child([&](const Hook& hook) { chain(dir, 0, hook); }, visits, microseconds);
}

TEST(Session, KilledAgainAndAgainTheRunIsTheSame) {
  const auto& whole = left_alone();
  Rng rng(8);
  int killed = 0;
  for (int round = 0; round < 6; ++round) {
    const TempFolder folder;
    for (int code = 1; code != 0;) {
      const bool at_a_point = round % 2 == 0;
      // Long enough for a few commits, short enough to be killed inside one.
      code = at_a_point ? run_child(folder.path(), static_cast<int>(rng.below(8)), 0)
                        : run_child(folder.path(), -1, static_cast<useconds_t>(2000 + rng.below(30000)));
      ASSERT_TRUE(code == 0 || code == 50 || code == -SIGKILL) << code;
      ASSERT_LT(killed += code != 0, 1000) << "no progress between kills";
    }
    expect_same(chain(folder.path(), kNever, nothing), folder.path(), whole.outcome, whole.folder.path());
  }
  EXPECT_GT(killed, 6);
}

}  // namespace
}  // namespace hone::train
