#include "hone/base/error.h"
#include "hone/optim/options.h"

#include <gtest/gtest.h>

namespace hone::optim {
namespace {

OptimOptions options(const char* schedule, int64_t warmup) {
  OptimOptions o;
  o.lr = 1;
  o.schedule = schedule;
  o.warmup = warmup;
  o.final_lr = 0.1;
  return o;
}

TEST(LearningRate, WarmsUpInEqualPartsAndPeaksOnce) {
  const OptimOptions o = options("cosine", 4);
  for (int64_t step = 0; step <= 4; ++step) EXPECT_DOUBLE_EQ(learning_rate(o, step, 100), 0.2 * (step + 1));
  EXPECT_LT(learning_rate(o, 5, 100), 1);
}

TEST(LearningRate, CosineByHand) {
  // Steps 0 … 8, no warm-up: progress step/8; lr = 0.1 + 0.9·(1 + cos(π·progress))/2.
  const OptimOptions o = options("cosine", 0);
  EXPECT_DOUBLE_EQ(learning_rate(o, 0, 9), 1.0);
  EXPECT_NEAR(learning_rate(o, 2, 9), 0.1 + 0.9 * 0.5 * (1 + 0.70710678118654752), 1e-12);  // cos(π/4)
  EXPECT_NEAR(learning_rate(o, 4, 9), 0.55, 1e-12);                                         // cos(π/2) = 0
  EXPECT_NEAR(learning_rate(o, 8, 9), 0.1, 1e-12);
}

TEST(LearningRate, LinearByHand) {
  // Warm-up 2 then steps 2 … 11: at step 5 progress is 3/9, lr = 1 − 0.9/3 = 0.7.
  const OptimOptions o = options("linear", 2);
  EXPECT_DOUBLE_EQ(learning_rate(o, 2, 12), 1);
  EXPECT_NEAR(learning_rate(o, 5, 12), 0.7, 1e-12);
  EXPECT_NEAR(learning_rate(o, 11, 12), 0.1, 1e-12);
}

TEST(LearningRate, ConstantStaysAtThePeak) {
  const OptimOptions o = options("constant", 1);
  EXPECT_DOUBLE_EQ(learning_rate(o, 0, 10), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(o, 9, 10), 1);
}

TEST(LearningRate, ShortRunsAndLateStepsAreDefined) {
  EXPECT_DOUBLE_EQ(learning_rate(options("cosine", 0), 0, 1), 1);            // one step: the peak
  EXPECT_DOUBLE_EQ(learning_rate(options("cosine", 50), 9, 10), 10.0 / 51);  // never leaves warm-up
  EXPECT_NEAR(learning_rate(options("linear", 0), 30, 10), 0.1, 1e-12);      // beyond the end: the last value
  EXPECT_NEAR(learning_rate(options("cosine", 9), 9, 10), 1, 1e-12);         // warm-up ends at the last step
}

TEST(LearningRate, RejectsNonsense) {
  try {
    learning_rate(options("cosin", 0), 0, 10);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
  }
  EXPECT_THROW(learning_rate(options("linear", 0), -1, 10), Error);
  EXPECT_THROW(learning_rate(options("linear", 0), 0, 0), Error);
}

}  // namespace
}  // namespace hone::optim
