#include "hone/kernels/attention_plan.h"

#include "hone/base/rng.h"

#include <gtest/gtest.h>

namespace hone::kernels::detail {
namespace {

TEST(VisibleKeys, AreTheDefinitionForRandomMasks) {
  Rng rng(1);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(rng.uniform() * static_cast<double>(n)); };
  for (int turn = 0; turn < 400; ++turn) {
    const int64_t tokens = 1 + below(70);
    std::vector<int64_t> segments;
    for (int64_t id = 0; static_cast<int64_t>(segments.size()) < tokens; ++id)
      segments.resize(segments.size() + static_cast<std::size_t>(1 + below(20)), below(4) == 0 ? -1 - below(2) : id);
    AttentionSequence s{tokens, {}, {static_cast<MaskKind>(below(3)), below(tokens + 5), below(3) ? 0 : below(tokens)}};
    if (below(2)) s.mask.segments = segments.data();
    const Visible visible = visible_keys(s);
    ASSERT_TRUE(visible.ranges);
    ASSERT_EQ(static_cast<int64_t>(visible.first.size()), round_up(tokens, kBlockRows));
    for (int64_t i = 0; i < round_up(tokens, kBlockRows); ++i) {
      const auto at = static_cast<std::size_t>(i);
      for (int64_t j = 0; j < tokens; ++j)
        ASSERT_EQ(visible.first[at] <= j && j < visible.end[at], i < tokens && sees(s.mask, i, j)) << i << " " << j;
    }
  }
}

TEST(VisibleKeys, SayWhereSegmentsComeBack) {
  const auto ranges = [](const std::vector<int64_t>& segments) {
    return visible_keys({static_cast<int64_t>(segments.size()), {}, {MaskKind::causal, 0, 0, segments.data()}}).ranges;
  };
  EXPECT_TRUE(ranges({3, 3, 1, 1, 2}));
  EXPECT_TRUE(ranges({-1, 0, -1, 1, -1}));
  EXPECT_FALSE(ranges({0, 1, 0}));
  EXPECT_FALSE(ranges({0, -1, 0}));
}

TEST(SeenBy, IsTheHullOfRowsThatSeeSomething) {
  const std::vector<int64_t> segments = {0, 0, -1, 1, 1};
  const Visible visible = visible_keys({5, {}, {MaskKind::causal, 0, 0, segments.data()}});
  EXPECT_EQ(seen_by(visible, 0, 2).from, 0);
  EXPECT_EQ(seen_by(visible, 0, 2).to, 2);
  EXPECT_EQ(seen_by(visible, 2, 2).from, 3);
  EXPECT_EQ(seen_by(visible, 0, 8).to, 5);
  EXPECT_TRUE(seen_by(visible, 2, 1).empty());
}

}  // namespace
}  // namespace hone::kernels::detail
