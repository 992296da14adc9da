#include "hone/models/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace hone::models {
namespace {

TEST(Rope, PlainFrequenciesFallByPowersOfTheBase) {
  // 100^0, 100^(−1/2), so 1 and 0.1.
  const auto f = rope_frequencies(4, 100, {});
  ASSERT_EQ(f.size(), 2u);
  EXPECT_DOUBLE_EQ(f[0], 1);
  EXPECT_NEAR(f[1], 0.1, 1e-15);
  EXPECT_EQ(rope_frequencies(4, 100, {.type = RopeType::dynamic, .factor = 8}), f);
}

TEST(Rope, LinearDividesAll) {
  const auto f = rope_frequencies(4, 100, {.type = RopeType::linear, .factor = 4});
  EXPECT_DOUBLE_EQ(f[0], 0.25);
  EXPECT_NEAR(f[1], 0.025, 1e-15);
}

TEST(Rope, Llama3DividesSlowPairsOnly) {
  // Turns within 20π tokens: 10 · f for f = 1, 0.1, 0.01 (base 1000, head of 6): 10, 1, 0.1.
  // Between 0.5 and 4 turns the second keeps (1 − 0.5)/(4 − 0.5) = 1/7 of itself: 0.1 · (6/7 / 8 + 1/7) = 0.025.
  const RopeScaling s{
      .type = RopeType::llama3, .factor = 8, .original_context = 63, .low_freq_factor = 0.5, .high_freq_factor = 4};
  const auto f = rope_frequencies(6, 1000, s);
  EXPECT_DOUBLE_EQ(f[0], 1);
  EXPECT_NEAR(f[1], 0.025, 1e-4);  // 63 is not quite 20π
  EXPECT_NEAR(f[2], 0.01 / 8, 1e-15);
}

TEST(Rope, YarnBlendsByDimension) {
  // Base e², head of 8: pair i turns by e^(−i/2). Pairs with 4 and 0.5 turns within 32π tokens (16 · f turns):
  // 8 · ln(16/4) / (2 · 2) = 2.77, down to 2; 8 · ln(16/0.5) / 4 = 6.93, up to 7. Pair 3 is a fifth of the way.
  RopeScaling s{.type = RopeType::yarn, .factor = 3, .original_context = 101, .beta_fast = 4, .beta_slow = 0.5};
  const double theta = std::exp(2.0);
  const auto f = rope_frequencies(8, theta, s);
  for (int i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(f[static_cast<std::size_t>(i)], std::pow(theta, -i / 4.0)) << i;
  EXPECT_NEAR(f[3], std::exp(-1.5) * (0.8 + 0.2 / 3), 1e-12);
  // Not cut to whole pairs, the ramp begins at 2.77…: pair 3 has come a little of the way.
  s.truncate = false;
  const double turns = 101 / (2 * std::numbers::pi), low = 2 * std::log(turns / 4), high = 2 * std::log(turns / 0.5);
  const double part = (3 - low) / (high - low);
  EXPECT_NEAR(rope_frequencies(8, theta, s)[3], std::exp(-1.5) * (1 - part + part / 3), 1e-12);
}

TEST(Rope, YarnMagnitude) {
  EXPECT_EQ(yarn_magnitude(1), 1);
  EXPECT_NEAR(yarn_magnitude(std::exp(1.0)), 1.1, 1e-15);
  EXPECT_NEAR(yarn_magnitude(std::exp(1.0), 2), 1.2, 1e-15);
}

}  // namespace
}  // namespace hone::models
