#include "hone/train/base_model.h"

#include "hone/base/error.h"
#include "hone/train/test_run.h"

#include <gtest/gtest.h>

namespace hone::train {
namespace {

tasks::TaskOptions smoke_task() {
  tasks::TaskOptions task;
  task.world = "cd3-smoke";
  task.train_problems = 100;
  task.test_problems = 20;
  return task;
}

BaseOptions tiny(int64_t steps) {
  BaseOptions o;
  o.fresh = {.width = 32, .layers = 1, .heads = 2, .context = 40};
  o.fit.steps = steps;
  o.fit.batch = 16;
  o.fit.check_every = 4;
  o.fit.optim = {.lr = 3e-3, .weight_decay = 0, .warmup = 2};
  return o;
}

using Accuracy = std::function<double(const models::Model&)>;

models::Model train_in(const std::filesystem::path& dir, const BaseOptions& options, const Accuracy& accuracy,
                       int threads = 1) {
  TestRun run(dir, threads);
  Session session(run.env);
  return base_model(run.env, session, options, smoke_task(), tasks::load_tasks(smoke_task(), Rng(1)), accuracy);
}

TEST(BaseModel, TrainsUntilItsStepsAreSpent) {
  const TempFolder folder;
  int asked = 0;
  const auto model = train_in(folder.path(), tiny(10), [&](const models::Model& m) {
    EXPECT_EQ(m.decoder.config.width, 32);
    return ++asked, 0.25;
  });
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(model.tokenizer.size(), model.decoder.config.vocab);
  EXPECT_TRUE(model.tokenizer.find("36").has_value());  // the world's cap
  const auto lines = lines_without_times(folder / "metrics.jsonl");
  ASSERT_EQ(lines.size(), 10u);
  const auto first = base::parse_json(lines.front(), "first"), look = base::parse_json(lines[7], "look");
  EXPECT_EQ(first.at("phase"), "base");
  EXPECT_EQ(look.at("accuracy"), 0.25);
  EXPECT_LT(look.at("loss").get<double>(), first.at("loss").get<double>());
}

TEST(BaseModel, StopsWhenItIsRightOftenEnough) {
  const TempFolder folder;
  auto options = tiny(100);
  options.accuracy = 0.5;
  double accuracy = 0.2;
  train_in(folder.path(), options, [&](const models::Model&) { return accuracy += 0.15; });  // 0.35, 0.5
  EXPECT_EQ(lines_without_times(folder / "metrics.jsonl").size(), 8u);
}

TEST(BaseModel, DoesNotDependOnThreadsAndIsMadeOnce) {
  const TempFolder one, two;
  const auto never = [](const models::Model&) { return 0.0; };
  const auto first = train_in(one.path(), tiny(6), never), other = train_in(two.path(), tiny(6), never, 2);
  EXPECT_EQ(numbers_of(first.decoder), numbers_of(other.decoder));
  EXPECT_EQ(lines_without_times(one / "metrics.jsonl"), lines_without_times(two / "metrics.jsonl"));
  const auto again = train_in(one.path(), tiny(6), [](const models::Model&) -> double {
    throw Error(ErrorKind::internal, "a finished phase was run again");
  });
  EXPECT_EQ(numbers_of(again.decoder), numbers_of(first.decoder));
}

TEST(BaseModel, AFolderIsOpenedAndNotTrained) {
  const TempFolder made, folder;
  const auto model = train_in(made.path(), tiny(3), [](const models::Model&) { return 0.0; });
  models::save(made / "model", model.decoder, model.tokenizer);
  auto options = tiny(100);
  options.model = (made / "model").string();
  const auto opened = train_in(folder.path(), options, [](const models::Model&) -> double {
    throw Error(ErrorKind::internal, "a given model was measured for its training");
  });
  EXPECT_EQ(numbers_of(opened.decoder), numbers_of(model.decoder));
  EXPECT_EQ(opened.tokenizer.to_json(), model.tokenizer.to_json());
  EXPECT_TRUE(lines_without_times(folder / "metrics.jsonl").empty());
}

TEST(BaseModel, ProblemsFromAFileNeedAModel) {
  const TempFolder folder;
  TestRun run(folder.path());
  Session session(run.env);
  auto task = smoke_task();
  task.data = "problems.jsonl";
  const auto error = checkpoint::error_of([&] {
    base_model(run.env, session, tiny(3), task, tasks::TaskSet{}, [](const models::Model&) { return 0.0; });
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::usage);
  EXPECT_NE(std::string(error->what()).find("problems.jsonl"), std::string::npos);
  EXPECT_NE(error->remedy().find("--model"), std::string::npos);
}

TEST(BaseModel, SizesThatDoNotDivideAreAUsageError) {
  const TempFolder folder;
  auto options = tiny(3);
  options.fresh.heads = 3;
  expect_error(ErrorKind::usage, {"heads"},
               [&] { train_in(folder.path(), options, [](const models::Model&) { return 0.0; }); });
}

}  // namespace
}  // namespace hone::train
