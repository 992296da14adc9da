#include "hone/data/pack.h"

#include "hone/base/rng.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace hone::data {
namespace {

using Groups = std::vector<std::vector<int64_t>>;

Groups packed(const std::vector<int64_t>& lengths, int64_t row_tokens) { return pack(lengths, row_tokens); }

// First-fit-decreasing as the textbook has it.
Groups plain(const std::vector<int64_t>& lengths, int64_t row_tokens) {
  std::vector<int64_t> order(lengths.size()), room;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return lengths[static_cast<std::size_t>(a)] > lengths[static_cast<std::size_t>(b)];
  });
  Groups groups;
  for (const int64_t index : order) {
    const int64_t length = lengths[static_cast<std::size_t>(index)];
    std::size_t group = 0;
    while (group < groups.size() && room[group] < length) ++group;
    if (group == groups.size()) groups.emplace_back(), room.push_back(row_tokens);
    groups[group].push_back(index);
    room[group] -= length;
  }
  for (auto& group : groups) std::sort(group.begin(), group.end());
  std::sort(groups.begin(), groups.end());
  return groups;
}

TEST(Pack, FillsRowsFirstFitDecreasing) {
  EXPECT_EQ(packed({5, 5, 5}, 10), (Groups{{0, 1}, {2}}));
  EXPECT_EQ(packed({3, 7, 6, 4}, 10), (Groups{{0, 1}, {2, 3}}));
  EXPECT_EQ(packed({10}, 10), (Groups{{0}}));
  EXPECT_EQ(packed({}, 10), Groups{});
  EXPECT_EQ(packed({0, 0}, 1), (Groups{{0, 1}}));
}

TEST(Pack, IsTheTextbookAlgorithmAndLosesNothing) {
  Rng rng(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<int64_t> lengths(rng.below(200));
    for (int64_t& length : lengths) length = static_cast<int64_t>(rng.below(64)) + 1;
    const Groups groups = packed(lengths, 64);
    EXPECT_EQ(groups, plain(lengths, 64));
    std::size_t count = 0;
    for (const auto& group : groups) {
      int64_t sum = 0;
      for (const int64_t index : group) sum += lengths[static_cast<std::size_t>(index)];
      EXPECT_LE(sum, 64);
      count += group.size();
    }
    EXPECT_EQ(count, lengths.size());
  }
}

TEST(Pack, RefusesWhatDoesNotFit) {
  EXPECT_EQ(text::error_of([] { packed({3, 11}, 10); }), "data: sequence 1 has 11 tokens; a row holds 0 to 10");
  EXPECT_EQ(text::error_of([] { packed({-1}, 10); }), "data: sequence 0 has -1 tokens; a row holds 0 to 10");
}

}  // namespace
}  // namespace hone::data
