#include "hone/base/rng.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

namespace hone {
namespace {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  std::array<uint32_t, 4> out{};
  philox4x32(counter.data(), key.data(), out.data());
  return out;
}

TEST(Philox, KnownAnswersOfRandom123) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, StreamIsTheBlocksInOrder) {
  Rng rng(0);
  for (const uint32_t expected : philox({0, 0, 0, 0}, {0, 0})) EXPECT_EQ(rng.u32(), expected);
  for (const uint32_t expected : philox({1, 0, 0, 0}, {0, 0})) EXPECT_EQ(rng.u32(), expected);
  EXPECT_EQ(rng.position(), 8u);
}

TEST(Rng, SeedFillsBothHalvesOfTheKey) {
  Rng rng(0x299f31d0a4093822ULL);
  EXPECT_EQ(rng.u32(), philox({0, 0, 0, 0}, {0xa4093822, 0x299f31d0})[0]);
}

TEST(Rng, CopyContinuesWithoutMovingTheOriginal) {
  Rng rng(7);
  rng.u32();
  Rng copy = rng;
  EXPECT_EQ(copy.u32(), copy.key() == rng.key() ? rng.u32() : 0);
  EXPECT_EQ(copy.position(), rng.position());
}

TEST(Rng, ForkIgnoresAndKeepsThePosition) {
  Rng rng(7);
  const Rng before = rng.fork("roll", {3});
  rng.u32();
  EXPECT_EQ(rng.fork("roll", {3}).key(), before.key());
  EXPECT_EQ(rng.position(), 1u);
  EXPECT_EQ(before.position(), 0u);
}

// Forks must not coincide for any two ways of writing purpose and indices, and never with the parent.
TEST(Rng, ForksAreDistinct) {
  std::set<uint64_t> keys;
  std::size_t made = 0;
  const auto add = [&](const Rng& rng) {
    keys.insert(rng.key());
    ++made;
  };
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Rng rng(seed);
    add(rng);
    for (const char* purpose : {"", "a", "b", "ab", "ba", "roll", "rolls"}) {
      add(rng.fork(purpose));
      for (uint64_t i = 0; i < 10; ++i) {
        add(rng.fork(purpose, {i}));
        for (uint64_t j = 0; j < 10; ++j) add(rng.fork(purpose, {i, j}));
      }
    }
  }
  EXPECT_EQ(keys.size(), made);
}

TEST(Rng, StreamsOfForksAreUncorrelated) {
  const Rng rng(1);
  Rng a = rng.fork("roll", {0}), b = rng.fork("roll", {1}), c(1);
  const int n = 100000;
  double ab = 0, ac = 0;
  for (int i = 0; i < n; ++i) {
    const double x = a.uniform() - 0.5;
    ab += x * (b.uniform() - 0.5);
    ac += x * (c.uniform() - 0.5);
  }
  // The mean of a product has standard deviation (1/12)/sqrt(n).
  const double sigma = 1.0 / 12 / std::sqrt(n);
  EXPECT_LT(std::abs(ab / n), 4 * sigma);
  EXPECT_LT(std::abs(ac / n), 4 * sigma);
}

TEST(Rng, UniformLiesInTheHalfOpenUnitIntervalAndFitsAFloat) {
  Rng rng(2);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const double u = rng.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ASSERT_EQ(static_cast<double>(static_cast<float>(u)), u);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 4 * std::sqrt(1.0 / 12 / 100000));
}

TEST(Rng, BelowIsBoundedAndEven) {
  Rng rng(3);
  EXPECT_EQ(rng.below(1), 0u);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts.at(rng.below(7));
  double chi_squared = 0;
  for (const int count : counts) chi_squared += (count - 10000.0) * (count - 10000.0) / 10000.0;
  EXPECT_LT(chi_squared, 22.5);  // 6 degrees of freedom, p = 0.001
}

TEST(Rng, BelowTakesHugeBounds) {
  Rng rng(4);
  const uint64_t two_thirds = UINT64_MAX / 3 * 2;  // a third of all draws is rejected here
  int low = 0;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t draw = rng.below(two_thirds);
    ASSERT_LT(draw, two_thirds);
    low += draw < two_thirds / 2;
  }
  EXPECT_NEAR(low / 20000.0, 0.5, 4 * std::sqrt(0.25 / 20000));  // with modulo bias it would be 2/3
  EXPECT_LT(rng.below(UINT64_MAX), UINT64_MAX);
}

TEST(Rng, BelowPinsTheOrderOfItsTwoDraws) {
  Rng rng(0);
  // High half first: the same on every compiler.
  EXPECT_EQ(rng.below(uint64_t{1} << 63), (uint64_t{0x6627e8d5} << 32 | 0xe169c58d) & ~(uint64_t{1} << 63));
}

TEST(Rng, BelowZeroIsRefused) {
  Rng rng(0);
  EXPECT_THROW(rng.below(0), Error);
}

TEST(Rng, NormalMoments) {
  Rng rng(5);
  const int n = 200000;
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  int beyond_two = 0;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    ASSERT_TRUE(std::isfinite(x));
    m1 += x, m2 += x * x, m3 += x * x * x, m4 += x * x * x * x;
    beyond_two += std::abs(x) > 2;
  }
  EXPECT_NEAR(m1 / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(m2 / n, 1, 4 * std::sqrt(2.0 / n));
  EXPECT_NEAR(m3 / n, 0, 4 * std::sqrt(15.0 / n));
  EXPECT_NEAR(m4 / n, 3, 4 * std::sqrt(96.0 / n));
  EXPECT_NEAR(static_cast<double>(beyond_two) / n, 0.0455, 0.002);
}

TEST(Rng, ShufflePermutesAndRepeats) {
  std::vector<int> items(100), sorted(100);
  std::iota(items.begin(), items.end(), 0);
  sorted = items;
  std::vector<int> again = items;
  Rng(6).shuffle(items);
  Rng(6).shuffle(again);
  EXPECT_EQ(items, again);
  EXPECT_NE(items, sorted);
  std::sort(items.begin(), items.end());
  EXPECT_EQ(items, sorted);
  std::vector<int> none;
  Rng(6).shuffle(none);
}

}  // namespace
}  // namespace hone
