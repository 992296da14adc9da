#include "hone/train/step_log.h"

#include "hone/train/test_run.h"

#include <gtest/gtest.h>

namespace hone::train {
namespace {

TEST(StepLog, WritesMetricsWithTheTimeBesideThem) {
  const TempFolder folder;
  {
    TestRun run(folder.path());
    StepLog log(run.env, "phase", 3);
    EXPECT_GT(log.stop(10), 0);
    log.write({{"loss", 2.5}}, {});
  }
  const Json row = base::parse_json(checkpoint::read_bytes(folder / "metrics.jsonl"), "metrics.jsonl");
  EXPECT_EQ(row.at("phase"), "phase");
  EXPECT_EQ(row.at("step"), 3);
  EXPECT_EQ(row.at("loss"), 2.5);
  EXPECT_GT(row.at("time").at("seconds").get<double>(), 0);
  EXPECT_GT(row.at("time").at("tokens_per_s").get<double>(), 0);
}

TEST(StepLog, AStepsMetricsIncludeThoseOfItsLoss) {
  StepReport step{.loss = 1, .grad_norm = 2, .lr = 3, .tokens = 4};
  step.metrics["accuracy"] = 0.5;
  const report::Metrics expected = {{"loss", 1}, {"grad_norm", 2}, {"lr", 3}, {"tokens", 4}, {"accuracy", 0.5}};
  EXPECT_EQ(metrics_of(step), expected);
}

}  // namespace
}  // namespace hone::train
