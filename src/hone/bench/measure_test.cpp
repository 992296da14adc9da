#include "hone/bench/measure.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::bench {
namespace {

TEST(Measure, MeanAndDeviationOfSamples) {
  const Json row = with_samples({{"unit", "tokens/s"}}, {2, 4, 9});
  EXPECT_DOUBLE_EQ(row["mean"].get<double>(), 5);
  EXPECT_DOUBLE_EQ(row["sd"].get<double>(), std::sqrt((9 + 1 + 16) / 2.0));
  EXPECT_DOUBLE_EQ(row["best"].get<double>(), 9);
  EXPECT_EQ(row["samples"].size(), 3u);
}

TEST(Measure, OneSampleHasNoDeviation) {
  EXPECT_EQ(with_samples({}, {3})["sd"].get<double>(), 0);
  EXPECT_FALSE(with_samples({{"unit", "x"}}, {}).contains("mean"));
}

TEST(Measure, WarmsUpOnceAndRepeats) {
  int calls = 0;
  const Json row = measured({}, {.repeats = 4, .seconds = 0}, [&] { return ++calls, 1.0; });
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(row["samples"].size(), 4u);
}

TEST(Measure, ARepetitionLastsItsSeconds) {
  int calls = 0;
  measured({}, {.repeats = 1, .seconds = 0.02}, [&] { return ++calls, 1.0; });
  EXPECT_GT(calls, 3);
}

TEST(Measure, SharesAreOfTheMean) {
  const Json row =
      measured({{"flops_per_unit", 2e9}, {"roof_rate", 1e12}}, {.repeats = 2, .seconds = 0}, [] { return 3.0; });
  const double mean = row["mean"].get<double>();
  EXPECT_DOUBLE_EQ(row["gflops"].get<double>(), 2 * mean);
  EXPECT_DOUBLE_EQ(row["roof"].get<double>(), mean / 1e12);
}

TEST(Measure, AnotherSetsThePace) {
  std::vector<Json> heard;
  int asked = 0;
  Pace pace{.repeats = 1};
  pace.next = [&]() -> std::optional<double> { return ++asked <= 2 ? std::optional<double>(0) : std::nullopt; };
  pace.tell = [&](const Json& line) { heard.push_back(line); };
  const Json row = measured({{"unit", "steps/s"}}, pace, [] { return 1.0; });
  EXPECT_EQ(row["samples"].size(), 2u);
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_TRUE(heard[0]["ready"].get<bool>());
  EXPECT_EQ(heard[0]["row"]["unit"], "steps/s");
  EXPECT_GT(heard[2]["rate"].get<double>(), 0);
}

}  // namespace
}  // namespace hone::bench
