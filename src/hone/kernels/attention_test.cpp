#include "hone/kernels/test_attention.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace hone::kernels {
namespace {

// CPU targets with fused multiply-add, which the promise of equal bits covers.
constexpr int64_t kFusedTargets = HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL | HWY_NEON;

bool allowed(const Case& c, int64_t i, int64_t j) {
  const AttentionMask& m = c.sequence.mask;
  bool yes = j <= i || m.kind == MaskKind::bidirectional;
  if (m.kind == MaskKind::prefix) yes |= i < m.prefix && j < m.prefix;
  if (m.window > 0) yes &= i - j < m.window;
  if (c.segments.empty()) return yes;
  const int64_t of_query = c.segments[at(i)], of_key = c.segments[at(j)];
  return of_query >= 0 && (of_query == of_key ? yes : j < m.shared);
}

// The formula in double, from inputs in double: y of one token and head.
std::vector<double> exact_row(const Case& c, const std::vector<double>& qkv, int64_t t, int64_t h) {
  const int64_t heads = c.sequence.shape.heads, kv_heads = c.sequence.shape.kv_heads, d = c.sequence.shape.head_dim;
  const int64_t kv = h / (heads / kv_heads), width = c.sequence.qkv_width();
  const auto turned = [&](int64_t token, int64_t head, int64_t i) {
    const double x = qkv[at(token * width + head * d + i)];
    if (c.cos.empty()) return x;
    const int64_t half = d / 2, pair = token * half + i % half;
    const double other = qkv[at(token * width + head * d + (i + half) % d)];
    return x * c.cos[at(pair)] + (i < half ? -other : other) * c.sin[at(pair)];
  };
  std::vector<double> y(at(d), 0.0), scores(at(c.sequence.tokens), -INFINITY);
  double most = -INFINITY, sum = 0;
  for (int64_t j = 0; j < c.sequence.tokens; ++j) {
    if (!allowed(c, t, j)) continue;
    double dot = 0;
    for (int64_t i = 0; i < d; ++i) dot += turned(t, h, i) * turned(j, heads + kv, i);
    most = std::max(most, scores[at(j)] = dot / std::sqrt(static_cast<double>(d)));
  }
  for (int64_t j = 0; j < c.sequence.tokens; ++j) {
    if (!allowed(c, t, j)) continue;
    const double weight = std::exp(scores[at(j)] - most);
    sum += weight;
    for (int64_t i = 0; i < d; ++i) y[at(i)] += weight * qkv[at(j * width + (heads + kv_heads + kv) * d + i)];
  }
  for (double& v : y) v = sum > 0 ? v / sum : 0;
  return y;
}

// Σ dy∘y in double; optionally compares y with what a kernel found.
double exact_loss(const Case& c, const std::vector<double>& qkv, const Values* found = nullptr) {
  const auto [heads, kv_heads, d] = c.sequence.shape;
  double loss = 0;
  for (int64_t t = 0; t < c.sequence.tokens; ++t)
    for (int64_t h = 0; h < heads; ++h) {
      const auto y = exact_row(c, qkv, t, h);
      for (int64_t i = 0; i < d; ++i) {
        const int64_t place = (t * heads + h) * d + i;
        loss += y[at(i)] * c.dy[at(place)];
        if (found) {
          EXPECT_NEAR((*found)[at(place)], y[at(i)], 2e-6) << t << " " << h << " " << i;
        }
      }
    }
  return loss;
}

bool all_finite(const Values& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

const AttentionMask kMasks[] = {{MaskKind::causal},        {MaskKind::bidirectional},   {MaskKind::prefix, 4},
                                {MaskKind::causal, 0, 3},  {MaskKind::prefix, 5, 2},    {MaskKind::bidirectional, 0, 3},
                                {MaskKind::causal, 0, 20}, {MaskKind::prefix, 1000, 0}, {MaskKind::prefix, 0, 0}};

TEST(Attention, WhoSeesWhomByHand) {
  // Queries are 0, so that y is the mean of the values seen; token j's value is 2^j: times their number, y lists them.
  struct Row {
    AttentionMask mask;
    std::vector<int64_t> segments;
    std::vector<std::vector<int64_t>> seen;
  };
  const Row rows[] = {
      {{MaskKind::causal}, {}, {{0}, {0, 1}, {0, 1, 2}, {0, 1, 2, 3}}},
      {{MaskKind::bidirectional}, {}, {{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}}},
      {{MaskKind::prefix, 3}, {}, {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}, {0, 1, 2, 3}}},
      {{MaskKind::causal, 0, 2}, {}, {{0}, {0, 1}, {1, 2}, {2, 3}}},
      {{MaskKind::bidirectional, 0, 2}, {}, {{0, 1, 2, 3}, {0, 1, 2, 3}, {1, 2, 3}, {2, 3}}},
      {{MaskKind::causal}, {7, 7, 2, -1}, {{0}, {0, 1}, {2}, {}}},
      {{MaskKind::bidirectional}, {0, -1, -1, 1}, {{0}, {}, {}, {3}}},
      {{MaskKind::bidirectional}, {0, 1, 0, 1}, {{0, 2}, {1, 3}, {0, 2}, {1, 3}}},
      {{MaskKind::prefix, 2}, {0, 0, 0, 1}, {{0, 1}, {0, 1}, {0, 1, 2}, {3}}},
      {{MaskKind::causal, 0, 0, nullptr, 2}, {0, 0, 1, 2}, {{0}, {0, 1}, {0, 1, 2}, {0, 1, 3}}},
      {{MaskKind::causal, 0, 0, nullptr, 1}, {0, 1, 1, -1}, {{0}, {0, 1}, {0, 1, 2}, {}}},
      {{MaskKind::causal, 0, 0, nullptr, 1}, {0, 1, -1, 2}, {{0}, {0, 1}, {}, {0, 3}}},
  };
  for (const Row& row : rows) {
    Case c(4, {1, 1, 1}, row.mask);
    if (!row.segments.empty()) c.cut(row.segments);
    for (int64_t t = 0; t < 4; ++t) c.qkv[at(3 * t)] = 0, c.qkv[at(3 * t + 2)] = static_cast<float>(1 << t);
    for (const Mode form : {Mode::fused, Mode::reference}) {
      const auto out = run(c, form);
      for (std::size_t t = 0; t < 4; ++t) {
        const auto count = static_cast<float>(row.seen[t].size());
        float listed = 0;
        for (const int64_t j : row.seen[t]) listed += static_cast<float>(1 << j);
        EXPECT_NEAR(out.y[t] * count, listed, 1e-5) << name_of(c) << " token " << t;
        EXPECT_NEAR(out.lse[t], count > 0 ? std::log(count) : 0, 1e-6);
        EXPECT_TRUE(count > 0 || out.y[t] == 0);
      }
    }
  }
}

TEST(Attention, EqualsTheFormulaAndItsFiniteDifferences) {
  for (const HeadShape shape : {HeadShape{1, 1, 1}, {2, 1, 4}, {4, 4, 2}, {3, 1, 6}})
    for (const AttentionMask& mask : kMasks)
      for (const int variant : {0, 1, 2, 3, 4, 5}) {
        Case c(8, shape, variant < 4 ? mask : AttentionMask{});
        if (variant % 2 == 1 && variant < 4) c.pack();
        if (variant / 2 == 1 && shape.head_dim > 1) c.rotate();
        if (variant >= 4) c.share(variant - 2);
        SCOPED_TRACE(name_of(c));
        const std::vector<double> qkv(c.qkv.begin(), c.qkv.end());
        const Results fused = run(c), plain = run(c, Mode::reference);
        exact_loss(c, qkv, &fused.y);
        exact_loss(c, qkv, &plain.y);
        for (int64_t i = 0; i < static_cast<int64_t>(qkv.size()); i += 3) {
          constexpr double kStep = 1e-5;
          auto above = qkv, below = qkv;
          above[at(i)] += kStep;
          below[at(i)] -= kStep;
          const double slope = (exact_loss(c, above) - exact_loss(c, below)) / (2 * kStep);
          ASSERT_NEAR(fused.dqkv[at(i)], slope, 1e-5) << i;
          ASSERT_NEAR(plain.dqkv[at(i)], slope, 1e-5) << i;
        }
      }
}

TEST(Attention, FormsAgreeAtEverySize) {
  int64_t turn = 0;
  for (const int64_t tokens : {1, 2, 3, 17, 33, 64, 65, 130})
    for (const int64_t d : {1, 5, 8, 16, 24, 32, 64, 80, 128})
      for (const HeadShape heads : {HeadShape{1, 1, d}, {4, 4, d}, {4, 2, d}, {6, 1, d}}) {
        Case c(tokens, heads, kMasks[turn % static_cast<int64_t>(std::size(kMasks))]);
        if (turn % 2 == 1) c.pack();
        if (turn % 3 != 0 && d % 2 == 0) c.rotate();
        const Results fused = run(c), plain = run(c, Mode::reference);
        // Weights add up to 1, scores are of order 1: a few roundings of numbers below 4, more in sums over queries.
        EXPECT_LT(distance(fused.y, plain.y), 4e-6) << name_of(c);
        EXPECT_LT(distance(fused.lse, plain.lse), 4e-6) << name_of(c);
        EXPECT_LT(distance(fused.dqkv, plain.dqkv), 3e-5) << name_of(c);
        ++turn;
      }
}

TEST(Attention, LongSequencesRescale) {
  for (const AttentionMask mask : {AttentionMask{MaskKind::causal},
                                   {MaskKind::causal, 0, 600},
                                   {MaskKind::prefix, 900},
                                   {MaskKind::causal, 0, 0, nullptr, 700}}) {
    Case c(1100, {1, 1, 16}, mask);
    if (mask.shared > 0) c.share(mask.shared);
    // Later keys score higher: every block raises the maximum.
    for (int64_t t = 0; t < 1100; ++t) c.qkv[at(t * 48)] = 4, c.qkv[at(t * 48 + 16)] = static_cast<float>(t) / 100;
    const Results fused = run(c), plain = run(c, Mode::reference);
    EXPECT_LT(distance(fused.y, plain.y), 1e-5) << name_of(c);
    EXPECT_LT(distance(fused.lse, plain.lse), 1e-5) << name_of(c);
    EXPECT_LT(distance(fused.dqkv, plain.dqkv), 1e-4) << name_of(c);
  }
}

TEST(Attention, BitsDependNeitherOnTheTargetNorOnAlignment) {
  for (const HeadShape shape : {HeadShape{2, 1, 5}, {4, 2, 24}, {2, 2, 64}})
    for (const int64_t tokens : {3, 65, 600}) {
      Case c(tokens, shape, {MaskKind::causal, 0, tokens == 65 ? 0 : 540});
      if (tokens == 65) c.share(19);
      if (shape.head_dim % 2 == 0) c.rotate();
      const Results first = run(c);
      for (const int64_t offset : {0, 1, 3, 7}) {
        const Results again = run(c, Mode::fused, offset);
        EXPECT_TRUE(same_bits(again.y, first.y) && same_bits(again.lse, first.lse)) << name_of(c);
        EXPECT_TRUE(same_bits(again.dqkv, first.dqkv)) << name_of(c);
      }
      for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().DeInit();
        const Results other = run(c);
        EXPECT_LT(distance(other.dqkv, first.dqkv), 3e-5) << name_of(c) << hwy::TargetName(target);
        if ((target & kFusedTargets) == 0) continue;
        EXPECT_EQ(other.y, first.y) << name_of(c) << hwy::TargetName(target);
        EXPECT_EQ(other.lse, first.lse) << name_of(c) << hwy::TargetName(target);
        EXPECT_EQ(other.dqkv, first.dqkv) << name_of(c) << hwy::TargetName(target);
      }
      hwy::SetSupportedTargetsForTest(0);
      hwy::GetChosenTarget().DeInit();
    }
}

TEST(Attention, LargeScoresTakeEverything) {
  for (const float size : {100.0f, 1e4f, 1e15f}) {
    Case c(40, {1, 1, 1});
    for (int64_t t = 0; t < 40; ++t) {  // scores −size … size, the same for all queries
      c.qkv[at(3 * t)] = 1;
      c.qkv[at(3 * t + 1)] = size * static_cast<float>((t * 7) % 41 - 20) / 20;
    }
    for (const Mode form : {Mode::fused, Mode::reference}) {
      const Results out = run(c, form);
      EXPECT_TRUE(all_finite(out.y) && all_finite(out.lse) && all_finite(out.dqkv)) << size;
    }
    const Results fused = run(c), plain = run(c, Mode::reference);
    // The log-sum-exp is rounded to float: at 1e4 weights are off by up to 5e-4.
    EXPECT_LT(distance(fused.y, plain.y), 1e-5) << size;
    EXPECT_TRUE(size > 1e4f || distance(fused.dqkv, plain.dqkv) < 2e-6 * size + 1e-4) << size;
  }
}

TEST(Attention, WhatPaddingHoldsChangesNothing) {
  for (const AttentionMask& mask : kMasks) {
    Case clean(50, {4, 2, 8}, mask), dirty(50, {4, 2, 8}, mask);
    for (Case* c : {&clean, &dirty}) {
      c->rotate().pack();
      for (int64_t t = 20; t < 24; ++t) c->segments[at(t)] = -1;  // padding in the middle as well
    }
    // Of the segment around the hole, the later part would come back: a new one.
    for (Case* c : {&clean, &dirty})
      for (int64_t t = 24; t < 50; ++t)
        if (c->segments[at(t)] >= 0) c->segments[at(t)] += 100;
    for (int64_t t = 0; t < 50; ++t) {
      if (dirty.segments[at(t)] >= 0) continue;
      dirty.fill_token(t, t % 2 ? NAN : INFINITY);
      std::fill_n(dirty.dy.begin() + t * 32, 32, NAN);
    }
    const Results a = run(clean), b = run(dirty), plain = run(dirty, Mode::reference);
    EXPECT_TRUE(same_bits(a.y, b.y) && same_bits(a.lse, b.lse) && same_bits(a.dqkv, b.dqkv)) << name_of(clean);
    EXPECT_LT(distance(b.dqkv, plain.dqkv), 3e-5) << name_of(clean);
    for (int64_t t = 0; t < 50; ++t) {
      if (dirty.segments[at(t)] >= 0) continue;
      for (int64_t i = 0; i < 32; ++i) EXPECT_EQ(b.y[at(t * 32 + i)], 0);
      for (int64_t i = 0; i < 64; ++i) EXPECT_EQ(b.dqkv[at(t * 64 + i)], 0);
    }
  }
}

TEST(Attention, NanStaysWhereItIsSeen) {
  // Token 12 of 0..19 | 20..39 is NaN: tokens 12..19 are lost, all others are as before.
  Case clean(40, {2, 1, 8}), dirty(40, {2, 1, 8});
  std::vector<int64_t> ids(20, 0);
  ids.resize(40, 1);
  clean.rotate().cut(ids);
  dirty.rotate().cut(ids);
  dirty.fill_token(12, NAN);
  for (const Mode form : {Mode::fused, Mode::reference}) {
    const Results a = run(clean), b = run(dirty, form);
    for (int64_t t = 0; t < 40; ++t)
      for (int64_t i = 0; i < 16; ++i) {
        if (t >= 12 && t < 20) {
          EXPECT_TRUE(std::isnan(b.y[at(t * 16 + i)])) << t;
        } else {
          EXPECT_NEAR(b.y[at(t * 16 + i)], a.y[at(t * 16 + i)], 2e-6) << t;
        }
      }
    for (int64_t n = 20 * 32; n < 40 * 32; ++n) EXPECT_NEAR(b.dqkv[at(n)], a.dqkv[at(n)], 3e-5) << n;
  }
  // A gradient that is NaN at token 12 reaches the keys it saw, no others and no other query.
  dirty.qkv = clean.qkv;
  std::fill_n(dirty.dy.begin() + 12 * 16, 16, NAN);
  const Results a = run(clean), b = run(dirty);
  for (int64_t t = 0; t < 40; ++t)
    for (int64_t i = 0; i < 32; ++i) {
      const bool lost = i < 16 ? t == 12 : t <= 12;
      if (lost) {
        EXPECT_TRUE(std::isnan(b.dqkv[at(t * 32 + i)])) << t << " " << i;
      } else {
        EXPECT_NEAR(b.dqkv[at(t * 32 + i)], a.dqkv[at(t * 32 + i)], 3e-5) << t << " " << i;
      }
    }
}

TEST(Attention, LaterTokensAreNotSeen) {
  for (const int64_t cut : {1, 16, 37, 64}) {
    Case before(70, {2, 1, 16}), after(70, {2, 1, 16});
    for (int64_t t = cut; t < 70; ++t) after.fill_token(t, 1e3f);
    const Results a = run(before), b = run(after);
    EXPECT_EQ(std::memcmp(a.y.data(), b.y.data(), at(cut * 32) * sizeof(float)), 0) << cut;
    EXPECT_NE(std::memcmp(a.y.data(), b.y.data(), at(cut * 32 + 32) * sizeof(float)), 0) << cut;
  }
}

TEST(Attention, ForwardAloneNeedsNoLogSumExp) {
  Case c(33, {2, 2, 8});
  Values y(at(33 * 16)), scratch(at(attention_scratch(c.sequence)));
  attention_forward(c.sequence, c.qkv.data(), {y.data(), nullptr, scratch.data()});
  EXPECT_TRUE(same_bits(y, run(c).y));
}

}  // namespace
}  // namespace hone::kernels
