#include "hone/nn/attention.h"

#include "hone/base/error.h"
#include "hone/base/rng.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace hone::nn {
namespace {

constexpr double kTheta = 100;

at::Tensor random(at::IntArrayRef shape, uint64_t seed, double scale = 1) {
  auto t = at::empty(shape, at::kFloat);
  Rng rng(seed);
  for (int64_t i = 0; i < t.numel(); ++i) t.data_ptr<float>()[i] = static_cast<float>(scale * rng.normal());
  return t;
}

at::Tensor long_rows(const std::vector<std::vector<int64_t>>& rows) {
  std::vector<at::Tensor> stacked;
  for (const auto& row : rows) stacked.push_back(at::tensor(row));
  return at::stack(stacked);
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// What a case is made of; undefined segments = one sequence a row, undefined positions = no rotation.
struct Case {
  AttentionShape shape;
  at::Tensor qkv, segments, positions;
};

// One head's vector of `part` (0 query, 1 key, 2 value) in double, rotated where the case has positions: the pair
// (x_i, x_{i+d/2}) is turned by the angle position · θ^(-2i/d).
std::vector<double> head_vector(const Case& c, int part, int64_t row, int64_t token, int64_t head) {
  const int64_t d = c.shape.head_dim;
  const int64_t starts[3] = {0, c.shape.heads * d, (c.shape.heads + c.shape.kv_heads) * d};
  std::vector<double> v, turned;
  for (int64_t i = 0; i < d; ++i) v.push_back(c.qkv[row][token][starts[part] + head * d + i].item<double>());
  if (part == 2 || !c.positions.defined()) return v;
  turned = v;
  for (int64_t i = 0; i < d / 2; ++i) {
    const double position = c.positions[row][token].item<double>();
    const double angle = position * std::pow(kTheta, -2.0 * static_cast<double>(i) / static_cast<double>(d));
    const double a = v[i], b = v[i + d / 2];
    turned[i] = a * std::cos(angle) - b * std::sin(angle);
    turned[i + d / 2] = b * std::cos(angle) + a * std::sin(angle);
  }
  return turned;
}

// One output vector, from the definition.
std::vector<double> mixed_values(const Case& c, int64_t row, int64_t token, int64_t head) {
  const int64_t d = c.shape.head_dim, kv = head / (c.shape.heads / c.shape.kv_heads);
  const auto q = head_vector(c, 0, row, token, head);
  std::vector<double> weights(token + 1, 0), out(d, 0);
  double total = 0;
  for (int64_t s = 0; s <= token; ++s) {
    const bool same =
        !c.segments.defined() || c.segments[row][s].item<int64_t>() == c.segments[row][token].item<int64_t>();
    if (!same) continue;
    const auto k = head_vector(c, 1, row, s, kv);
    double dot = 0;
    for (int64_t i = 0; i < d; ++i) dot += q[i] * k[i];
    total += weights[s] = std::exp(dot / std::sqrt(static_cast<double>(d)));
  }
  for (int64_t s = 0; s <= token; ++s) {
    const auto v = head_vector(c, 2, row, s, kv);
    for (int64_t i = 0; i < d; ++i) out[i] += weights[s] / total * v[i];
  }
  return out;
}

at::Tensor naive(const Case& c) {
  const int64_t rows = c.qkv.size(0), tokens = c.qkv.size(1), d = c.shape.head_dim;
  auto out = at::empty({rows, tokens, c.shape.heads * d}, at::kDouble);
  for (int64_t b = 0; b < rows; ++b)
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t h = 0; h < c.shape.heads; ++h) {
        const auto v = mixed_values(c, b, t, h);
        for (int64_t i = 0; i < d; ++i) out[b][t][h * d + i] = v[i];
      }
  return out;
}

at::Tensor run(const Case& c) {
  std::optional<Rope> rope;
  if (c.positions.defined()) rope = make_rope(c.positions, c.shape.head_dim, kTheta);
  return attention(c.qkv, c.shape, {.segments_BT = c.segments}, rope ? &*rope : nullptr);
}

at::Tensor random_qkv(const AttentionShape& s, int64_t rows, int64_t tokens, uint64_t seed) {
  return random({rows, tokens, (s.heads + 2 * s.kv_heads) * s.head_dim}, seed);
}

// Runs `work` under a form of the kernels, then returns to the one before.
template <class Work>
auto under(kernels::Mode form, const Work& work) {
  struct Restore {
    kernels::Mode before = kernels::mode();
    ~Restore() { kernels::set_mode(before); }
  } restore;
  kernels::set_mode(form);
  return work();
}

// The result, and the gradient of Σ mix∘result.
std::pair<at::Tensor, at::Tensor> both_passes(const at::Tensor& qkv, const AttentionShape& shape,
                                              const AttentionMask& mask, const Rope* rope) {
  const auto leaf = qkv.detach().clone().requires_grad_();
  const auto y = attention(leaf, shape, mask, rope);
  (y * random(y.sizes(), 77)).sum().backward();
  return {y.detach(), leaf.grad()};
}

TEST(AttentionMask, CausalByHand) {
  const auto mask = additive_mask({}, at::zeros({1, 3, 1}));
  EXPECT_EQ(mask.sizes().vec(), (std::vector<int64_t>{1, 1, 3, 3}));
  const float no = -std::numeric_limits<float>::infinity();
  EXPECT_TRUE(at::equal(mask.view({3, 3}), at::tensor({0.0f, no, no, 0.0f, 0.0f, no, 0.0f, 0.0f, 0.0f}).view({3, 3})));
}

TEST(AttentionMask, SegmentsByHand) {
  const auto mask = additive_mask({.segments_BT = long_rows({{0, 0, 1}, {7, 8, 9}})}, at::zeros({2, 3, 1}));
  EXPECT_EQ(mask.sizes().vec(), (std::vector<int64_t>{2, 1, 3, 3}));
  const float no = -std::numeric_limits<float>::infinity();
  EXPECT_TRUE(at::equal(mask[0][0], at::tensor({0.0f, no, no, 0.0f, 0.0f, no, no, no, 0.0f}).view({3, 3})));
  EXPECT_TRUE(at::equal(mask[1][0], at::tensor({0.0f, no, no, no, 0.0f, no, no, no, 0.0f}).view({3, 3})));
}

TEST(AttentionMask, PrefixWindowAndPaddingByHand) {
  const auto seen = [](const AttentionMask& mask, int64_t rows) {
    return additive_mask(mask, at::zeros({rows, 3, 1}, at::kDouble)).eq(0).squeeze(1).to(at::kLong);
  };
  const auto prefix = seen({.kind = MaskKind::prefix, .prefix_B = at::tensor(std::vector<int64_t>{2, 0})}, 2);
  EXPECT_TRUE(at::equal(prefix[0], long_rows({{1, 1, 0}, {1, 1, 0}, {1, 1, 1}})));
  EXPECT_TRUE(at::equal(prefix[1], long_rows({{1, 0, 0}, {1, 1, 0}, {1, 1, 1}})));
  EXPECT_TRUE(at::equal(seen({.kind = MaskKind::bidirectional, .window = 2}, 1)[0],
                        long_rows({{1, 1, 1}, {1, 1, 1}, {0, 1, 1}})));
  // Padding sees itself alone.
  EXPECT_TRUE(at::equal(seen({.kind = MaskKind::bidirectional, .segments_BT = long_rows({{4, -1, -1}})}, 1)[0],
                        long_rows({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})));
}

TEST(AttentionMask, ASharedPromptByHand) {
  const AttentionMask mask{.segments_BT = long_rows({{0, 0, 1, 2, -1}}), .shared_B = at::full({1}, 2, at::kLong)};
  const auto seen = additive_mask(mask, at::zeros({1, 5, 1}, at::kDouble)).eq(0).squeeze(1).to(at::kLong);
  EXPECT_TRUE(at::equal(
      seen[0], long_rows({{1, 0, 0, 0, 0}, {1, 1, 0, 0, 0}, {1, 1, 1, 0, 0}, {1, 1, 0, 1, 0}, {0, 0, 0, 0, 1}})));
}

TEST(Attention, FormsAgreeWhereAPromptIsShared) {
  const AttentionShape shape{4, 2, 6};
  const AttentionMask mask{.segments_BT = long_rows({{0, 0, 0, 1, 1, 2, 3}, {0, 1, 1, 2, 2, -1, -1}}),
                           .shared_B = at::tensor(std::vector<int64_t>{3, 1})};
  const auto rope = make_rope(long_rows({{0, 1, 2, 3, 4, 3, 3}, {0, 1, 2, 1, 2, 0, 0}}), 6, kTheta);
  const auto qkv = random_qkv(shape, 2, 7, 4);
  const auto fused = under(kernels::Mode::fused, [&] { return both_passes(qkv, shape, mask, &rope); });
  const auto plain = under(kernels::Mode::reference, [&] { return both_passes(qkv, shape, mask, &rope); });
  const auto real = mask.segments_BT.ge(0).unsqueeze(2);
  EXPECT_LT(distance(fused.first * real, plain.first * real), 2e-6);
  EXPECT_LT(distance(fused.second, plain.second), 1e-5);
}

TEST(Attention, APromptIsSharedCausallyAndWithoutAWindowOnly) {
  const auto qkv = random_qkv({2, 2, 4}, 1, 4, 4);
  AttentionMask mask{.segments_BT = long_rows({{0, 0, 1, 2}}), .shared_B = at::full({1}, 2, at::kLong)};
  attention(qkv, {2, 2, 4}, mask, nullptr);
  auto window = mask, full = mask, whole = mask;
  window.window = 2;
  full.kind = MaskKind::bidirectional;
  whole.segments_BT = at::Tensor();
  for (const auto& bad : {window, full, whole}) EXPECT_THROW(attention(qkv, {2, 2, 4}, bad, nullptr), Error);
}

TEST(Rope, TablesFromTheFormula) {
  const auto positions = long_rows({{0, 1, 2, 100'000}});
  const auto rope = make_rope(positions, 6, 10'000);
  ASSERT_EQ(rope.cos_BTd.sizes().vec(), (std::vector<int64_t>{1, 4, 3}));
  for (int64_t t = 0; t < 4; ++t)
    for (int64_t i = 0; i < 3; ++i) {
      const double angle = positions[0][t].item<double>() * std::pow(10'000.0, -static_cast<double>(i) / 3);
      EXPECT_NEAR(rope.cos_BTd[0][t][i].item<double>(), std::cos(angle), 1e-7) << t << " " << i;
      EXPECT_NEAR(rope.sin_BTd[0][t][i].item<double>(), std::sin(angle), 1e-7) << t << " " << i;
    }
}

TEST(Attention, OneHeadByHand) {
  // d = 1. Queries 1 2, keys 0 ln2, values 3 6. Token 0 sees itself: 3. Token 1: weights e^0 : e^(2 ln2) = 1 : 4,
  // (3 + 4·6) / 5 = 5.4
  const float ln2 = std::log(2.0f);
  const auto qkv = at::tensor({1.0f, 0.0f, 3.0f, 2.0f, ln2, 6.0f}).view({1, 2, 3});
  const auto out = attention(qkv, {1, 1, 1}, {}, nullptr);
  EXPECT_LT(distance(out.view(-1), at::tensor({3.0, 5.4})), 1e-6);
}

TEST(Attention, EqualsTheNaiveLoops) {
  const auto segments = long_rows({{0, 0, 0, 1, 1, 1, 2}, {0, 1, 1, 1, 1, 2, 2}});
  const auto positions = long_rows({{0, 1, 2, 0, 1, 2, 0}, {0, 0, 1, 2, 3, 0, 1}});
  for (const AttentionShape shape : {AttentionShape{4, 4, 6}, {4, 2, 6}, {6, 2, 4}, {3, 1, 2}})
    for (const bool packed : {false, true})
      for (const bool rotated : {false, true}) {
        const Case c{shape, random_qkv(shape, 2, 7, 3), packed ? segments : at::Tensor(),
                     rotated ? positions : at::Tensor()};
        EXPECT_LT(distance(run(c), naive(c)), 3e-6) << shape.heads << " " << shape.kv_heads << packed << rotated;
      }
}

TEST(Attention, LaterTokensAreNotSeen) {
  const AttentionShape shape{4, 2, 4};
  const Case c{shape, random_qkv(shape, 2, 6, 5), {}, at::arange(6).expand({2, 6})};
  for (int64_t cut = 1; cut < 6; ++cut) {
    Case changed = c;
    changed.qkv = c.qkv.clone();
    changed.qkv.narrow(1, cut, 6 - cut).fill_(1e3);
    EXPECT_TRUE(at::equal(run(changed).narrow(1, 0, cut), run(c).narrow(1, 0, cut))) << cut;
    EXPECT_FALSE(at::equal(run(changed).narrow(1, cut, 1), run(c).narrow(1, cut, 1))) << cut;
  }
}

TEST(Attention, PackedSegmentsDoNotSeeEachOther) {
  const AttentionShape shape{4, 2, 4};
  const auto segments = long_rows({{0, 0, 0, 1, 1, 2, 2}});
  const Case c{shape, random_qkv(shape, 1, 7, 6), segments, long_rows({{0, 1, 2, 0, 1, 0, 1}})};
  const auto whole = run(c);
  for (int64_t which = 0; which < 3; ++which) {
    Case changed = c;
    changed.qkv = at::where(segments.eq(which).unsqueeze(2), c.qkv + 50, c.qkv);
    const auto others = segments[0].ne(which);
    EXPECT_TRUE(at::equal(run(changed)[0].index({others}), whole[0].index({others}))) << which;
  }
  // Alone in a row of its own, the middle one gives the same.
  const Case alone{shape, c.qkv.narrow(1, 3, 2), {}, c.positions.narrow(1, 3, 2)};
  EXPECT_LT(distance(run(alone), whole.narrow(1, 3, 2)), 1e-6);
}

TEST(Attention, RotationDependsOnDistanceOnly) {
  const AttentionShape shape{2, 2, 8};
  Case c{shape, random_qkv(shape, 1, 5, 7), {}, at::arange(5).unsqueeze(0)};
  const auto near = run(c);
  c.positions = c.positions + 1000;
  EXPECT_LT(distance(run(c), near), 1e-5);
  c.positions = c.positions * 2;
  EXPECT_GT(distance(run(c), near), 1e-2);
}

TEST(Attention, ExtremeScoresStayFinite) {
  const AttentionShape shape{2, 1, 4};
  const auto segments = long_rows({{0, 1, 2, 2, 3}});  // lonely tokens see nothing but themselves
  const auto leaf = (random_qkv(shape, 1, 5, 8) * 1e8).requires_grad_();
  const auto out = run({shape, leaf, segments, at::arange(5).unsqueeze(0)});
  EXPECT_TRUE(at::isfinite(out).all().item<bool>());
  out.sum().backward();
  EXPECT_TRUE(at::isfinite(leaf.grad()).all().item<bool>());
}

TEST(Attention, GradientAgreesWithFiniteDifferences) {
  const AttentionShape shape{2, 1, 2};
  const auto qkv = random_qkv(shape, 1, 4, 9).to(at::kDouble), mix = random({1, 4, 4}, 10).to(at::kDouble);
  const auto segments = long_rows({{0, 0, 0, 1}}), positions = long_rows({{0, 1, 2, 0}});
  const auto loss = [&](const at::Tensor& input) { return (run({shape, input, segments, positions}) * mix).sum(); };
  const auto leaf = qkv.clone().requires_grad_();
  loss(leaf).backward();
  for (int64_t i = 0; i < qkv.numel(); ++i) {
    constexpr double kStep = 1e-5;
    auto above = qkv.clone(), below = qkv.clone();
    above.view(-1)[i] += kStep;
    below.view(-1)[i] -= kStep;
    const double slope = (loss(above) - loss(below)).item<double>() / (2 * kStep);
    EXPECT_NEAR(leaf.grad().view(-1)[i].item<double>(), slope, 1e-7) << i;
  }
}

// Masks for rows of 40 tokens, two of them.
std::vector<AttentionMask> masks() {
  auto segments = at::arange(40).floor_divide(9).repeat({2, 1});
  segments.narrow(1, 31, 9).fill_(-1);
  segments[1].narrow(0, 4, 5).fill_(-1);
  const auto prefix = at::tensor(std::vector<int64_t>{7, 33});
  std::vector<AttentionMask> all;
  for (const auto& packed : {at::Tensor(), segments})
    for (const int64_t window : {0, 5}) {
      all.push_back({MaskKind::causal, packed, {}, window});
      all.push_back({MaskKind::bidirectional, packed, {}, window});
      all.push_back({MaskKind::prefix, packed, prefix, window});
    }
  return all;
}

TEST(Attention, FormsAgree) {
  int turn = 0;
  for (const AttentionMask& mask : masks())
    for (const AttentionShape shape : {AttentionShape{4, 4, 16}, {4, 2, 24}, {6, 1, 10}}) {
      const auto qkv = random_qkv(shape, 2, 40, 11);
      // One table for all rows, one for each, none.
      const auto positions = turn % 3 == 0 ? at::arange(40).unsqueeze(0) : at::arange(80).view({2, 40});
      const auto rope = make_rope(positions, shape.head_dim, kTheta);
      const auto pass = [&] { return both_passes(qkv, shape, mask, turn % 3 == 2 ? nullptr : &rope); };
      const auto [y, gradient] = under(kernels::Mode::fused, pass);
      const auto [y_aten, gradient_aten] = under(kernels::Mode::reference, pass);
      EXPECT_LT(distance(y, y_aten), 3e-6) << turn;
      EXPECT_LT(distance(gradient, gradient_aten), 2e-5) << turn;
      ++turn;
    }
}

TEST(Attention, PaddingGivesZeroAndChangesNothing) {
  const AttentionShape shape{2, 1, 8};
  const auto segments = long_rows({{0, 0, -1, 1, 1, -1}});
  const auto clean = random_qkv(shape, 1, 6, 12);
  const auto dirty = clean.masked_fill(segments.lt(0).unsqueeze(2), std::nan(""));
  for (const auto form : {kernels::Mode::fused, kernels::Mode::reference}) {
    const auto pass = [&](const at::Tensor& qkv) {
      return under(form, [&] { return both_passes(qkv, shape, {.segments_BT = segments}, nullptr); });
    };
    const auto a = pass(clean), b = pass(dirty);
    EXPECT_TRUE(at::equal(a.first, b.first) && at::equal(a.second, b.second));
    for (const int64_t t : {2, 5}) {
      EXPECT_EQ(b.first[0][t].abs().sum().item<float>(), 0);
      EXPECT_EQ(b.second[0][t].abs().sum().item<float>(), 0);
    }
  }
}

TEST(Attention, TakesViewsOfAnyStride) {
  const AttentionShape shape{2, 1, 8};
  const auto wide = random({3, 5, 64}, 13).transpose(0, 1).narrow(2, 3, 32);
  EXPECT_TRUE(at::equal(attention(wide, shape, {}, nullptr), attention(wide.contiguous(), shape, {}, nullptr)));
  EXPECT_TRUE(at::equal(both_passes(wide, shape, {}, nullptr).second,
                        both_passes(wide.contiguous(), shape, {}, nullptr).second));
}

TEST(Attention, SavesNothingWithoutGradients) {
  const AttentionShape shape{2, 1, 8};
  const auto qkv = random_qkv(shape, 1, 9, 14), leaf = qkv.clone().requires_grad_();
  const auto y = attention(leaf, shape, {}, nullptr);
  EXPECT_TRUE(y.requires_grad());
  {
    const at::NoGradGuard none;
    const auto alone = attention(leaf, shape, {}, nullptr);
    EXPECT_FALSE(alone.requires_grad());
    EXPECT_TRUE(at::equal(alone, y));
  }
  EXPECT_FALSE(attention(qkv, shape, {}, nullptr).requires_grad());
  EXPECT_EQ(attention(at::empty({0, 4, 32}), shape, {}, nullptr).sizes().vec(), (std::vector<int64_t>{0, 4, 16}));
}

TEST(Attention, RefusesASecondDerivativeInsteadOfLosingIt) {
  const auto twice = [] {
    const AttentionShape shape{1, 1, 2};
    const auto leaf = random_qkv(shape, 1, 3, 15).requires_grad_();
    const auto y = attention(leaf, shape, {}, nullptr).square().sum();
    const auto first = torch::autograd::grad({y}, {leaf}, {}, true, true);
    return torch::autograd::grad({first[0].sum()}, {leaf})[0];
  };
  EXPECT_THROW(under(kernels::Mode::fused, twice), Error);
  EXPECT_TRUE(at::isfinite(under(kernels::Mode::reference, twice)).all().item<bool>());
}

TEST(Attention, RefusesShapesThatDoNotFit) {
  const auto refused = [](const at::Tensor& qkv, const AttentionShape& shape, const AttentionMask& mask,
                          const Rope* rope) {
    try {
      attention(qkv, shape, mask, rope);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::internal;
    }
    return false;
  };
  const auto qkv = random({2, 4, 12}, 16), ids = at::zeros({2, 4}, at::kLong);
  const AttentionShape shape{2, 2, 2};
  const auto prefix = at::zeros({2}, at::kLong);
  const Rope rope = make_rope(ids, 2, kTheta), odd = make_rope(ids, 3, kTheta), wide = make_rope(ids, 4, kTheta);
  EXPECT_FALSE(refused(qkv, shape, {MaskKind::prefix, ids, prefix, 1}, &rope));
  EXPECT_TRUE(refused(qkv, {3, 2, 2}, {}, nullptr));
  EXPECT_TRUE(refused(qkv, {2, 2, 3}, {}, nullptr));
  EXPECT_TRUE(refused(qkv[0], shape, {}, nullptr));
  EXPECT_TRUE(refused(qkv, shape, {.segments_BT = ids.narrow(1, 0, 3)}, nullptr));
  EXPECT_TRUE(refused(qkv, shape, {.window = -1}, nullptr));
  EXPECT_TRUE(refused(qkv, shape, {.prefix_B = prefix}, nullptr));
  EXPECT_TRUE(refused(qkv, shape, {.kind = MaskKind::prefix}, nullptr));
  EXPECT_TRUE(refused(qkv, shape, {.kind = MaskKind::prefix, .prefix_B = ids}, nullptr));
  EXPECT_TRUE(refused(qkv, shape, {}, &wide));
  EXPECT_TRUE(refused(random({2, 4, 9}, 17), {1, 1, 3}, {}, &odd));
}

}  // namespace
}  // namespace hone::nn
