#include "hone/kernels/attention_plan.h"

#include "hone/base/rng.h"

#include <gtest/gtest.h>

namespace hone::kernels::detail {
namespace {

void expect_the_definition(const AttentionSequence& s, const Visible& visible) {
  const int64_t padded = round_up(s.tokens, kBlockRows);
  ASSERT_EQ(static_cast<int64_t>(visible.own.first.size()), padded);
  for (int64_t i = 0; i < padded; ++i) {
    const auto at = static_cast<std::size_t>(i);
    for (int64_t j = 0; j < s.tokens; ++j) {
      const bool own = visible.own.first[at] <= j && j < visible.own.end[at];
      const bool shared = !visible.shared.end.empty() && visible.shared.first[at] <= j && j < visible.shared.end[at];
      ASSERT_EQ(own + shared, i < s.tokens && sees(s.mask, i, j) ? 1 : 0) << i << " " << j;
    }
  }
}

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
    expect_the_definition(s, visible);
  }
}

TEST(VisibleKeys, SharedTokensAreSeenByAllSegments) {
  Rng rng(2);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(rng.below(static_cast<uint64_t>(n))); };
  for (int turn = 0; turn < 200; ++turn) {
    const int64_t shared = 1 + below(30);
    std::vector<int64_t> segments(static_cast<std::size_t>(shared), 0);
    for (int64_t id = 1; id < 1 + below(6); ++id)
      segments.resize(segments.size() + static_cast<std::size_t>(below(20)), id);
    segments.resize(segments.size() + static_cast<std::size_t>(below(9)), -1);
    AttentionSequence s{static_cast<int64_t>(segments.size()), {}, {MaskKind::causal, 0, 0, segments.data(), shared}};
    const Visible visible = visible_keys(s);
    ASSERT_TRUE(visible.ranges);
    expect_the_definition(s, visible);
  }
}

TEST(VisibleKeys, SayWherePaddingLiesBetweenSegmentsThatShare) {
  const std::vector<int64_t> gap = {0, 0, 1, -1, 2}, end = {0, 0, 1, 2, -1};
  EXPECT_FALSE(visible_keys({5, {}, {MaskKind::causal, 0, 0, gap.data(), 2}}).ranges);
  EXPECT_TRUE(visible_keys({5, {}, {MaskKind::causal, 0, 0, end.data(), 2}}).ranges);
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
  EXPECT_EQ(seen_by(visible.own, 0, 2).from, 0);
  EXPECT_EQ(seen_by(visible.own, 0, 2).to, 2);
  EXPECT_EQ(seen_by(visible.own, 2, 2).from, 3);
  EXPECT_EQ(seen_by(visible.own, 0, 8).to, 5);
  EXPECT_TRUE(seen_by(visible.own, 2, 1).empty());
}

}  // namespace
}  // namespace hone::kernels::detail
