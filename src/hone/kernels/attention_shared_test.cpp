// A prompt that several completions share.
#include "hone/kernels/test_attention.h"

#include <gtest/gtest.h>

namespace hone::kernels {
namespace {

TEST(SharedPrompt, FormsAgree) {
  int64_t turn = 0;
  for (const int64_t tokens : {1, 2, 17, 33, 64, 65, 130, 300})
    for (const int64_t shared : {1, 7, 16, 31, 64, 100})
      for (const HeadShape heads : {HeadShape{1, 1, 5}, {4, 4, 16}, {4, 2, 32}, {6, 1, 64}}) {
        Case c(tokens, heads);
        c.share(shared);
        if (turn++ % 3 != 0 && heads.head_dim % 2 == 0) c.rotate();
        const Results fused = run(c), plain = run(c, Mode::reference);
        EXPECT_LT(distance(fused.y, plain.y), 4e-6) << name_of(c);
        EXPECT_LT(distance(fused.lse, plain.lse), 4e-6) << name_of(c);
        EXPECT_LT(distance(fused.dqkv, plain.dqkv), 5e-5) << name_of(c);  // a prompt's keys add up all completions
      }
}

TEST(SharedPrompt, IsEachCompletionWithItsOwn) {
  constexpr int64_t kPrompt = 37, kEach = 21, kCompletions = 5, kWidth = (4 + 2 * 2) * 16, kOut = 4 * 16;
  Case shared(kPrompt + kCompletions * kEach, {4, 2, 16});
  std::vector<int64_t> ids(kPrompt, 0);
  for (int64_t k = 1; k <= kCompletions; ++k) ids.resize(ids.size() + kEach, k);
  shared.sequence.mask.shared = kPrompt;
  shared.cut(ids);
  std::fill_n(shared.dy.begin(), kPrompt * kOut, 0.0f);
  const Results together = run(shared);
  Values prompt_gradient(at(kPrompt * kWidth), 0.0f);
  for (int64_t k = 0; k < kCompletions; ++k) {
    Case alone(kPrompt + kEach, {4, 2, 16});
    const int64_t begin = kPrompt + k * kEach;
    std::copy_n(shared.qkv.begin(), kPrompt * kWidth, alone.qkv.begin());
    std::copy_n(shared.qkv.begin() + begin * kWidth, kEach * kWidth, alone.qkv.begin() + kPrompt * kWidth);
    std::fill_n(alone.dy.begin(), kPrompt * kOut, 0.0f);
    std::copy_n(shared.dy.begin() + begin * kOut, kEach * kOut, alone.dy.begin() + kPrompt * kOut);
    const Results one = run(alone);
    for (int64_t i = 0; i < kEach * kOut; ++i)
      ASSERT_NEAR(together.y[at(begin * kOut + i)], one.y[at(kPrompt * kOut + i)], 2e-6);
    for (int64_t i = 0; i < kEach * kWidth; ++i)
      ASSERT_NEAR(together.dqkv[at(begin * kWidth + i)], one.dqkv[at(kPrompt * kWidth + i)], 1e-5);
    for (int64_t i = 0; i < kPrompt * kWidth; ++i) prompt_gradient[at(i)] += one.dqkv[at(i)];
  }
  for (int64_t i = 0; i < kPrompt * kWidth; ++i) ASSERT_NEAR(together.dqkv[at(i)], prompt_gradient[at(i)], 2e-5) << i;
}

TEST(SharedPrompt, IsNotSeenByPaddingAndSeesNoCompletion) {
  Case clean(60, {2, 1, 8}), dirty(60, {2, 1, 8});
  for (Case* c : {&clean, &dirty}) c->rotate().share(20);
  for (int64_t t = 20; t < 60; ++t)
    if (dirty.segments[at(t)] < 0) {
      dirty.fill_token(t, NAN);
      std::fill_n(dirty.dy.begin() + t * 16, 16, NAN);
    }
  const Results a = run(clean), b = run(dirty);
  EXPECT_TRUE(same_bits(a.y, b.y) && same_bits(a.lse, b.lse) && same_bits(a.dqkv, b.dqkv));
  for (int64_t t = 20; t < 60; ++t) dirty.fill_token(t, 3);
  EXPECT_EQ(std::memcmp(run(dirty).y.data(), a.y.data(), 20 * 16 * sizeof(float)), 0);
}

}  // namespace
}  // namespace hone::kernels
