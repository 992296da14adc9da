#include "hone/kernels/attend.h"

#include "hone/base/rng.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace hone::kernels {
namespace {

// CPU targets with fused multiply-add, which the promise of equal bits covers.
constexpr int64_t kFusedTargets = HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL | HWY_NEON;

std::vector<float> random_floats(int64_t n, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values) v = static_cast<float>(rng.normal());
  return values;
}

// A sequence of random keys, values and queries, and caches made of it.
struct Sequence {
  HeadShape shape;
  int64_t tokens;
  std::vector<float> q, k, v;

  Sequence(HeadShape s, int64_t n)
      : shape(s),
        tokens(n),
        q(random_floats(n * s.heads * s.head_dim, 1)),
        k(random_floats(n * s.kv_heads * s.head_dim, 2)),
        v(random_floats(n * s.kv_heads * s.head_dim, 3)) {}
};

// Tokens [begin, end) in a cache of their own; what lies beyond them is NaN, since nobody may use it.
struct Cache {
  Floats keys, values;
  KvSegment segment;

  Cache(const Sequence& s, int64_t begin, int64_t end, int64_t room_tokens = 0) {
    const int64_t room = panel_tokens(std::max(room_tokens, end - begin)), stride = room * s.shape.head_dim;
    keys = Floats(s.shape.kv_heads * stride);
    values = Floats(s.shape.kv_heads * stride);
    for (int64_t i = 0; i < keys.size(); ++i) keys.data()[i] = values.data()[i] = NAN;
    const int64_t width = s.shape.kv_heads * s.shape.head_dim;
    for (int64_t t = begin; t < end; ++t)
      store_kv(s.k.data() + t * width, s.v.data() + t * width, s.shape,
               {keys.data(), values.data(), t - begin, stride});
    segment = {keys.data(), values.data(), end - begin, stride};
  }
};

// The last `count` queries over the sequence cut at `cuts`.
std::vector<float> run(const Sequence& s, const std::vector<int64_t>& cuts, int64_t count, int64_t window = 0) {
  std::vector<Cache> caches;
  std::vector<KvSegment> past;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    caches.emplace_back(s, cuts[i], cuts[i + 1], 40);
    past.push_back(caches.back().segment);
  }
  const int64_t width = s.shape.heads * s.shape.head_dim;
  std::vector<float> out(static_cast<std::size_t>(count * width)),
      scratch(static_cast<std::size_t>(attend_scratch(s.shape, s.tokens, static_cast<int64_t>(past.size()))));
  std::fill(scratch.begin(), scratch.end(), NAN);  // what lies before the window is not read
  attend({s.q.data() + (s.tokens - count) * width, count, width, window}, past, s.shape,
         {out.data(), width, scratch.data()});
  return out;
}

// The formula in double, for the query of token t, which sees the tokens from `first` on.
double exact(const Sequence& s, int64_t t, int64_t head, int64_t i, int64_t first = 0) {
  const int64_t d = s.shape.head_dim, kv = head / (s.shape.heads / s.shape.kv_heads);
  const float* q = s.q.data() + (t * s.shape.heads + head) * d;
  double sum = 0, mixed = 0;
  for (int64_t j = first; j <= t; ++j) {
    const int64_t at = (j * s.shape.kv_heads + kv) * d;
    double dot = 0;
    for (int64_t n = 0; n < d; ++n) dot += static_cast<double>(q[n]) * s.k[static_cast<std::size_t>(at + n)];
    const double weight = std::exp(dot / std::sqrt(static_cast<double>(d)));
    sum += weight;
    mixed += weight * s.v[static_cast<std::size_t>(at + i)];
  }
  return mixed / sum;
}

const HeadShape kShapes[] = {{1, 1, 1}, {2, 1, 3}, {4, 2, 8}, {3, 3, 20}, {4, 4, 32}, {6, 2, 64}, {2, 2, 127}};

TEST(Attend, EqualsTheFormulaUnderEveryForm) {
  for (const Mode form : {Mode::reference, Mode::fused}) {
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      set_mode(form);
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().DeInit();
      for (const HeadShape& shape : kShapes) {
        for (const int64_t tokens : {1, 2, 7, 16, 17, 33, 100}) {
          const Sequence s(shape, tokens);
          const int64_t count = std::min<int64_t>(tokens, 5);
          const auto out = run(s, {0, tokens}, count);
          std::size_t at = 0;
          for (int64_t t = tokens - count; t < tokens; ++t) {
            for (int64_t h = 0; h < shape.heads; ++h) {
              for (int64_t i = 0; i < shape.head_dim; ++i) ASSERT_NEAR(out[at++], exact(s, t, h, i), 2e-5);
            }
          }
        }
      }
    }
  }
  set_mode(Mode::fused);
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

TEST(Attend, BitsDependNeitherOnSegmentsNorOnQueriesNorOnTheTarget) {
  for (const HeadShape& shape : kShapes) {
    const int64_t tokens = 71, count = 9, width = shape.heads * shape.head_dim;
    const Sequence s(shape, tokens);
    const auto whole = run(s, {0, tokens}, count);
    for (const auto& cuts : {std::vector<int64_t>{0, 7, tokens}, {0, 16, tokens}, {0, 1, 33, tokens}})
      EXPECT_EQ(run(s, cuts, count), whole);
    EXPECT_EQ(run(s, {0, 30, tokens}, 1), std::vector<float>(whole.end() - width, whole.end()));
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      if ((target & kFusedTargets) == 0) continue;
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().DeInit();
      EXPECT_EQ(run(s, {0, 5, tokens}, count), whole) << hwy::TargetName(target);
    }
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }
}

TEST(Attend, AWindowHidesOlderTokensUnderEveryForm) {
  for (const Mode form : {Mode::reference, Mode::fused}) {
    set_mode(form);
    for (const HeadShape& shape : kShapes) {
      for (const int64_t window : {1, 2, 5, 16, 17, 40, 100}) {
        const int64_t tokens = 75, count = 6;
        const Sequence s(shape, tokens);
        const auto out = run(s, {0, tokens}, count, window);
        std::size_t at = 0;
        for (int64_t t = tokens - count; t < tokens; ++t) {
          for (int64_t h = 0; h < shape.heads; ++h) {
            for (int64_t i = 0; i < shape.head_dim; ++i)
              ASSERT_NEAR(out[at++], exact(s, t, h, i, std::max<int64_t>(0, t + 1 - window)), 2e-5) << window;
          }
        }
        for (const auto& cuts : {std::vector<int64_t>{0, 7, tokens}, {0, 33, tokens}, {0, 1, 70, tokens}})
          EXPECT_EQ(run(s, cuts, count, window), out) << window;
        EXPECT_EQ(run(s, {0, tokens}, count) == out, window >= tokens) << window;
      }
    }
  }
  set_mode(Mode::fused);
}

TEST(Attend, EarlierQueriesDoNotSeeLaterTokens) {
  const HeadShape shape{2, 1, 8};
  Sequence s(shape, 20);
  const auto before = run(s, {0, 20}, 20);
  for (int64_t i = 10 * 8; i < 20 * 8; ++i) s.k[static_cast<std::size_t>(i)] = s.v[static_cast<std::size_t>(i)] = 1e6f;
  const auto after = run(s, {0, 20}, 20);
  EXPECT_EQ(std::memcmp(before.data(), after.data(), 10 * 16 * sizeof(float)), 0);
  EXPECT_NE(std::memcmp(before.data(), after.data(), 11 * 16 * sizeof(float)), 0);
}

TEST(Attend, ALargeScoreTakesEverything) {
  const HeadShape shape{1, 1, 2};
  Sequence s(shape, 3);
  s.q = {0, 0, 0, 0, 1e4f, 0};
  s.k = {1e4f, 0, -1e4f, 0, 0, 0};
  s.v = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(run(s, {0, 3}, 1), (std::vector<float>{1, 2}));
}

}  // namespace
}  // namespace hone::kernels
