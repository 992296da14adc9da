#include "hone/kernels/attention.h"

#include "hone/base/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace hone::kernels {
namespace {

using Values = std::vector<float>;

Values random_floats(int64_t n, Rng rng) {
  Values values(static_cast<std::size_t>(n));
  for (float& v : values) v = static_cast<float>(rng.normal());
  return values;
}

// y and dqkv; the scratch memory holds NaN.
std::pair<Values, Values> run(const AttentionSequence& s, const Values& qkv, const Values& dy, Mode form) {
  const auto room = [](int64_t n) { return Values(static_cast<std::size_t>(n), NAN); };
  Values y = room(s.tokens * s.out_width()), lse = room(s.tokens * s.shape.heads),
         dqkv = room(s.tokens * s.qkv_width());
  Values scratch = room(attention_scratch(s)), more = room(attention_backward_scratch(s));
  set_mode(form);
  attention_forward(s, qkv.data(), {y.data(), lse.data(), scratch.data()});
  attention_backward(s, {qkv.data(), y.data(), lse.data(), dy.data()}, {dqkv.data(), more.data()});
  set_mode(Mode::fused);
  return {y, dqkv};
}

void expect_near(const Values& a, const Values& b, double tolerance) {
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(AttentionBackward, RandomMasksAgreeWithThePlainLoops) {
  Rng rng(5);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(rng.below(static_cast<uint64_t>(n))); };
  for (uint64_t turn = 0; turn < 300; ++turn) {
    const int64_t tokens = 1 + below(150), mean = 1 + below(40);
    std::vector<int64_t> segments;
    for (int64_t id = 0; static_cast<int64_t>(segments.size()) < tokens; ++id)
      segments.resize(segments.size() + static_cast<std::size_t>(1 + below(mean)), below(3) == 0 ? -1 : id);
    AttentionSequence s{tokens, {2, 1 + below(2), 1 + below(20)}};
    s.mask = {static_cast<MaskKind>(below(3)), below(tokens + 5), below(2) ? 0 : below(tokens) + 1};
    if (below(2)) s.mask.segments = segments.data();
    const Values qkv = random_floats(tokens * s.qkv_width(), Rng(turn)),
                 dy = random_floats(tokens * s.out_width(), Rng(turn + 1000));
    const auto fused = run(s, qkv, dy, Mode::fused), plain = run(s, qkv, dy, Mode::reference);
    SCOPED_TRACE(turn);
    expect_near(fused.first, plain.first, 4e-6);
    expect_near(fused.second, plain.second, 3e-5);
    if (HasFatalFailure()) return;
  }
}

TEST(AttentionBackward, AGradientOfOneTokenByHand) {
  // d = 1, two tokens with q = 0, so that token 1 weighs both values by 1/2: v = 2, 6, y = 4. With dy = 1 for token 1
  // alone: dv = 1/2, 1/2; ds_j = 1/2 (v_j − 4) = −1, 1; dq = Σ ds_j k_j = −3 + 5 = 2; dk_j = ds_j q = 0.
  const Values qkv = {0, 3, 2, 0, 5, 6}, dy = {0, 1};
  const AttentionSequence s{2, {1, 1, 1}};
  for (const Mode form : {Mode::fused, Mode::reference})
    expect_near(run(s, qkv, dy, form).second, {0, 0, 0.5, 2, 0, 0.5}, 1e-6);
}

}  // namespace
}  // namespace hone::kernels
