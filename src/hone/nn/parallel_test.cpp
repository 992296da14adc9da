#include "hone/nn/parallel.h"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace hone::nn {
namespace {

using Range = std::array<int64_t, 3>;

std::vector<Range> ranges_of(int64_t count, int64_t grain) {
  std::vector<Range> ranges(static_cast<std::size_t>(range_count(count, grain)));
  for_ranges(count, grain, [&](int64_t begin, int64_t end, int64_t index) {
    ranges[static_cast<std::size_t>(index)] = {begin, end, index};
  });
  return ranges;
}

TEST(Parallel, OneRangeOutsideFixedOnesInside) {
  EXPECT_EQ(ranges_of(10, 4), (std::vector<Range>{{0, 10, 0}}));
  EXPECT_TRUE(ranges_of(0, 4).empty());
  for (const int threads : {1, 2, 5}) {
    base::Pool pool(threads);
    const ParallelScope scope(pool);
    EXPECT_EQ(ranges_of(10, 4), (std::vector<Range>{{0, 4, 0}, {4, 8, 1}, {8, 10, 2}}));
    EXPECT_EQ(ranges_of(4, 4), (std::vector<Range>{{0, 4, 0}}));
    EXPECT_TRUE(ranges_of(0, 4).empty());
  }
  EXPECT_EQ(range_count(10, 4), 1);
}

TEST(Parallel, CallsInsideARangeRunThere) {
  base::Pool pool(2);
  const ParallelScope scope(pool);
  std::vector<int64_t> inner(4);
  for_ranges(4, 1, [&](int64_t begin, int64_t, int64_t) {
    for_ranges(6, 1, [&](int64_t from, int64_t to, int64_t) { inner[static_cast<std::size_t>(begin)] += to - from; });
  });
  EXPECT_EQ(inner, (std::vector<int64_t>{6, 6, 6, 6}));
  EXPECT_EQ(range_count(6, 1), 6);  // and the scope is back
}

TEST(Parallel, ErrorsComeOutAndTheScopeStays) {
  base::Pool pool(2);
  const ParallelScope scope(pool);
  EXPECT_THROW(for_ranges(4, 1, [](int64_t, int64_t, int64_t) { throw std::runtime_error("x"); }), std::runtime_error);
  EXPECT_EQ(ranges_of(2, 1).size(), 2u);
}

TEST(Parallel, SumsAreAddedInOrder) {
  // 1e8 + 1 − 1e8: from left to right the 1 is lost.
  const std::vector<float> x = {1e8f, 1, -1e8f};
  const auto sum = [&] {
    float y = 0;
    sum_over_ranges(3, 1, 1, &y, [&](int64_t begin, int64_t end, float* s) {
      for (int64_t i = begin; i < end; ++i) *s += x[static_cast<std::size_t>(i)];
    });
    return y;
  };
  EXPECT_EQ(sum(), 0);
  for (const int threads : {1, 3}) {
    base::Pool pool(threads);
    const ParallelScope scope(pool);
    EXPECT_EQ(sum(), 0);
  }
}

}  // namespace
}  // namespace hone::nn
