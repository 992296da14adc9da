// A loop that is thrown out of, stopped or killed anywhere in any stage and resumed equals one that was left alone:
// the same files, the same record, the same model. Updates come from made-up gradients, as in session_test.cpp.
#include "hone/train/loop.h"

#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/generate/test_models.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <map>

namespace hone::train {
namespace {

namespace fs = std::filesystem;

constexpr double kNever = 1e9;
constexpr int64_t kIterations = 2, kParts = 3, kSteps = 3;

models::Decoder small() {
  auto config = generate::tiny_config(models::Family::llama);
  config.layers = 1;
  return models::fresh(config, Rng(3));
}

// Samples are numbers of the model and the round; the judge doubles them; the filter keeps the positive ones; training
// pulls the model by the sum of what was kept.
class Toy {
 public:
  Toy(Env& env, Session& session, Hook hook)
      : env_(env),
        session_(session),
        hook_(std::move(hook)),
        model(small()),
        optimizer_(model.flat, {{0, model.flat.numel(), 0.1}}, {}) {}

  LoopPlan plan() {
    LoopPlan plan{.name = "toy.arm", .iterations = kIterations, .parts = kParts};
    plan.sample = [this](const Round& round, int64_t part) { return sample(round, part); };
    plan.judge = [this](const Round& round, LoopRows rows) {
      hook_(fmt::format("{} judge", round.iteration));
      for (auto& row : rows) row["score"] = 2 * row.at("value").get<double>();
      return rows;
    };
    plan.filter = [this](const Round& round, const LoopRows& judged) {
      hook_(fmt::format("{} filter", round.iteration));
      LoopRows kept;
      for (const auto& row : judged)
        if (row.at("score").get<double>() > 0) kept.push_back({{"kept", row.at("score")}});
      return kept;
    };
    plan.train = [this](const Round& round, const LoopRows& kept) { train(round, kept); };
    return plan;
  }

 private:
  LoopRows sample(const Round& round, int64_t part) {
    hook_(fmt::format("{} sample {}", round.iteration, part));
    LoopRows rows;
    for (uint64_t i = 0; i < 4; ++i) {
      Rng rng = round.rng.fork("sample", {static_cast<uint64_t>(part), i});
      rows.push_back({{"problem", fmt::format("p{}", part)},
                      {"sample", i},
                      {"value", rng.normal() + model.flat.data_ptr<float>()[0]}});
    }
    hook_(fmt::format("{} sampled {}", round.iteration, part));
    return rows;
  }

  void train(const Round& round, const LoopRows& kept) {
    double sum = 0;
    for (const auto& row : kept) sum += row.at("kept").get<double>();
    const auto phase = fmt::format("toy.{}", round.iteration);
    TrainState state{model, optimizer_};
    session_.phase(phase, kSteps, state, [&](int64_t step) {
      hook_(fmt::format("{} step {}", round.iteration, step));
      at::Tensor gradient = model.flat * 0.1 + sum;
      optimizer_.step(gradient, 1, 1e-2, env_.pool);
      env_.record.metrics(phase, step, {{"sum", sum}}, {{"seconds", 0.5}});
      return Next::go_on;
    });
  }

  Env& env_;
  Session& session_;
  Hook hook_;

 public:
  models::Decoder model;

 private:
  optim::AdamW optimizer_;
};

std::vector<float> loop_in(const fs::path& dir, const Hook& hook, double checkpoint_seconds = kNever) {
  TestRun run(dir);
  run.env.checkpoint_seconds = checkpoint_seconds;
  Session session(run.env);
  Toy toy(run.env, session, hook);
  run_loop(run.env, session, toy.model, toy.plan());
  return numbers_of(toy.model);
}

void nothing(const std::string&) {}

// Every file of the loop and the record, without what depends on the clock.
std::map<std::string, std::string> files_of(const fs::path& dir) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir / "loop"))
    if (entry.is_regular_file()) files[entry.path().filename().string()] = checkpoint::read_bytes(entry.path());
  for (const char* log : {"metrics.jsonl", "events.jsonl"})
    for (const auto& line : lines_without_times(dir / log)) files[log] += line + "\n";
  return files;
}

struct Crash {};

struct Left {
  TempFolder folder;
  std::vector<std::string> points;
  std::vector<float> numbers = loop_in(folder.path(), [&](const auto& point) { points.push_back(point); });
};
const Left& left_alone() {
  static const Left left;
  return left;
}

TEST(Loop, LeavesItsStagesAsFilesWithProvenance) {
  const auto& whole = left_alone();
  const auto files = files_of(whole.folder.path());
  ASSERT_EQ(files.size(), 3 * kIterations + 2u) << "no part is left over";
  const auto model = model_hash(small());
  int64_t lines = 0;
  for (const auto& line : lines_without_times(whole.folder / "loop/toy.arm/1-judged.jsonl")) {
    const auto row = base::parse_json(line, "line");
    EXPECT_EQ(row.at("iteration"), 1);
    EXPECT_EQ(row.at("seed"), 1);
    EXPECT_EQ(row.at("model"), model);
    EXPECT_EQ(row.at("problem"), fmt::format("p{}", lines / 4));
    EXPECT_EQ(row.at("sample"), lines % 4);
    EXPECT_TRUE(row.at("score").is_number());
    ++lines;
  }
  EXPECT_EQ(lines, 12);
  const auto second =
      base::parse_json(lines_without_times(whole.folder / "loop/toy.arm/2-samples.jsonl").at(0), "line");
  EXPECT_EQ(second.at("iteration"), 2);
  EXPECT_NE(second.at("model"), model) << "the second round samples from the trained model";
  int64_t events = 0;
  for (const auto& line : lines_without_times(whole.folder / "events.jsonl"))
    events += line.find("\"loop\"") != std::string::npos;
  EXPECT_EQ(events, 3 * kIterations);
}

TEST(Loop, AnExceptionAtEveryPointAndAResumeChangeNothing) {
  const auto& whole = left_alone();
  ASSERT_EQ(whole.points.size(), static_cast<std::size_t>(kIterations * (2 * kParts + 2 + kSteps)));
  for (const auto& at : whole.points) {
    const TempFolder folder;
    EXPECT_THROW(loop_in(folder.path(),
                         [&](const auto& point) {
                           if (point == at) throw Crash();
                         }),
                 Crash);
    EXPECT_EQ(loop_in(folder.path(), nothing), whole.numbers) << at;
    EXPECT_EQ(files_of(folder.path()), files_of(whole.folder.path())) << at;
  }
}

TEST(Loop, GoesOnWhereItWas) {
  const auto first_point_after = [](const std::string& at) {
    const TempFolder folder;
    EXPECT_THROW(loop_in(folder.path(),
                         [&](const auto& point) {
                           if (point == at) throw Crash();
                         }),
                 Crash);
    std::string first;
    loop_in(folder.path(), [&](const auto& point) {
      if (first.empty()) first = point;
    });
    return first;
  };
  EXPECT_EQ(first_point_after("1 sample 2"), "1 sample 2") << "the parts before it are on the disk";
  EXPECT_EQ(first_point_after("1 judge"), "1 judge");
  EXPECT_EQ(first_point_after("2 filter"), "2 filter");
  EXPECT_EQ(first_point_after("2 step 1"), "2 step 0");
}

TEST(Loop, AStopIsObeyedBetweenParts) {
  const auto& whole = left_alone();
  for (const char* at : {"1 sample 0", "1 sampled 1", "1 judge", "2 sample 2", "2 step 1"}) {
    const TempFolder folder;
    {
      TestRun run(folder.path());
      Session session(run.env);
      Toy toy(run.env, session, [&](const auto& point) {
        if (point == at) run.stop = true;
      });
      EXPECT_THROW(run_loop(run.env, session, toy.model, toy.plan()), Interrupted) << at;
    }
    EXPECT_EQ(loop_in(folder.path(), nothing), whole.numbers) << at;
    EXPECT_EQ(files_of(folder.path()), files_of(whole.folder.path())) << at;
  }
}

int run_child(const fs::path& dir, int visits, useconds_t microseconds) {
  return in_child([&](const Hook& hook) { loop_in(dir, hook, 0); }, visits, microseconds);
}

TEST(Loop, KilledAgainAndAgainTheRunIsTheSame) {
  const auto& whole = left_alone();
  Rng rng(8);
  int killed = 0;
  for (int round = 0; round < 8; ++round) {
    const TempFolder folder;
    for (int code = 1; code != 0;) {
      const bool at_a_point = round % 2 == 0;
      code = at_a_point ? run_child(folder.path(), 1 + static_cast<int>(rng.below(6)), 0)
                        : run_child(folder.path(), -1, static_cast<useconds_t>(2000 + rng.below(30000)));
      ASSERT_TRUE(code == 0 || code == 50 || code == -SIGKILL) << code;
      ASSERT_LT(killed += code != 0, 1000) << "no progress between kills";
    }
    EXPECT_EQ(loop_in(folder.path(), nothing), whole.numbers);
    EXPECT_EQ(files_of(folder.path()), files_of(whole.folder.path()));
  }
  EXPECT_GT(killed, 8);
}

TEST(Loop, AFileThatChangedOrIsGoneIsNamed) {
  const TempFolder folder;
  EXPECT_THROW(loop_in(folder.path(),
                       [](const auto& point) {
                         if (point == "1 step 1") throw Crash();
                       }),
               Crash);
  const auto kept = folder / "loop/toy.arm/1-kept.jsonl";
  const auto text = checkpoint::read_bytes(kept);
  for (const auto& changed : {text.substr(0, text.size() / 2), text + "{}\n", std::string()}) {
    checkpoint::write_bytes(kept, changed);
    expect_error(ErrorKind::data, {"1-kept.jsonl", "has changed"}, [&] { loop_in(folder.path(), nothing); });
  }
  fs::remove(kept);
  expect_error(ErrorKind::io, {"1-kept.jsonl", "is missing"}, [&] { loop_in(folder.path(), nothing); });
  checkpoint::write_bytes(kept, text);
  EXPECT_EQ(loop_in(folder.path(), nothing), left_alone().numbers) << "nothing was lost";
}

// What lies where a part would be is used only if it is of this model.
TEST(Loop, APartOfAnotherModelIsMadeAnew) {
  const auto& whole = left_alone();
  const TempFolder folder;
  base::make_folders(folder / "loop/toy.arm");
  checkpoint::write_bytes(folder / "loop/toy.arm/1-samples.part0.jsonl",
                          "{\"model\":\"0123456789abcdef\",\"problem\":\"x\",\"sample\":0,\"value\":1}\n");
  EXPECT_EQ(loop_in(folder.path(), nothing), whole.numbers);
}

TEST(Loop, RowsWithoutTheirFieldsAreRefused) {
  const auto with = [](const std::function<void(LoopPlan&)>& change) {
    const TempFolder folder;
    TestRun run(folder.path());
    Session session(run.env);
    Toy toy(run.env, session, nothing);
    auto plan = toy.plan();
    change(plan);
    run_loop(run.env, session, toy.model, plan);
  };
  expect_error(ErrorKind::internal, {"names no problem or sample"}, [&] {
    with([](auto& plan) { plan.sample = [](const Round&, int64_t) { return LoopRows{{{"problem", "p"}}}; }; });
  });
  expect_error(ErrorKind::internal, {"judged 1 of 12"}, [&] {
    with([](auto& plan) {
      plan.judge = [](const Round&, LoopRows rows) {
        rows.resize(1);
        return rows;
      };
    });
  });
  expect_error(ErrorKind::internal, {"0 parts"}, [&] { with([](auto& plan) { plan.parts = 0; }); });
}

TEST(RolloutRow, ComesBack) {
  const auto tokenizer = text::Tokenizer::bytes(text::standard_specials());
  generate::Rollout rollout{.request = 3, .sample = 5};
  rollout.turns.push_back({tokenizer.encode("3 + 4 = 7"), {-0.5f, -0.25f}, text::Finish::stop});
  rollout.turns.push_back({tokenizer.encode("é"), {-1}, text::Finish::length});
  tasks::Problem problem;
  problem.id = "p";
  const Json row = base::parse_json(base::dump(rollout_row(problem, rollout, tokenizer)), "row");
  EXPECT_EQ(row.at("problem"), "p");
  EXPECT_EQ(row.at("sample"), 5);
  EXPECT_EQ(row.at("turns")[0].at("text"), "3 + 4 = 7");
  EXPECT_EQ(row.at("turns")[0].at("logprob"), -0.75);
  const auto turns = turns_of(row, "here");
  ASSERT_EQ(turns.size(), 2u);
  for (std::size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(turns[t].ids, rollout.turns[t].ids);
    EXPECT_EQ(turns[t].finish, rollout.turns[t].finish);
  }
  for (const char* bad : {"{}", R"({"turns":1})", R"({"turns":[{}]})", R"({"turns":[{"ids":[-1],"finish":"stop"}]})",
                          R"({"turns":[{"ids":["a"],"finish":"stop"}]})", R"({"turns":[{"ids":[1]}]})", "[]"})
    expect_error(ErrorKind::format, {"here"}, [&] { turns_of(base::parse_json(bad, "bad"), "here"); });
}

TEST(PartOf, CoversEverythingOnce) {
  for (const std::size_t count : {0u, 1u, 7u, 100u}) {
    std::size_t next = 0;
    for (int64_t part = 0; part < 8; ++part) {
      const auto [begin, end] = part_of(count, part, 8);
      EXPECT_EQ(begin, next);
      next = end;
    }
    EXPECT_EQ(next, count);
  }
}

TEST(PartOf, ProblemsWithTheirPlace) {
  std::vector<tasks::Problem> all(5);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].id = std::to_string(i);
  std::size_t next = 0;
  for (int64_t part = 0; part < 3; ++part) {
    const auto [problems, begin] = part_of(all, part, 3);
    EXPECT_EQ(begin, next);
    for (const auto& problem : problems) EXPECT_EQ(problem.id, std::to_string(next++));
  }
  EXPECT_EQ(next, all.size());
}

TEST(Asked, FindsTheProblemsThatRowsName) {
  std::vector<tasks::Problem> problems(2);
  problems[0].id = "a";
  problems[1].id = "b";
  const Asked asked(problems);
  EXPECT_EQ(asked.place_of({{"problem", "b"}}), 1u);
  EXPECT_EQ(asked.of({{"problem", "a"}}).id, "a");
  expect_error(ErrorKind::data, {"not asked", "\"c\""}, [&] { asked.place_of({{"problem", "c"}}); });
}

}  // namespace
}  // namespace hone::train
