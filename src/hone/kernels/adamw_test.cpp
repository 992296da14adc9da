#include "hone/kernels/adamw.h"

#include "hone/base/rng.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace hone::kernels {
namespace {

// Numbers of the update t of AdamW with the defaults of optim/options.h.
AdamwCoefficients coefficients(int t, double lr, double decay) {
  return {.grad_scale = 0.5f,
          .one_minus_beta1 = 0.1f,
          .one_minus_beta2 = 0.05f,
          .step_size = static_cast<float>(lr / (1 - std::pow(0.9, t))),
          .root_scale = static_cast<float>(1 / std::sqrt(1 - std::pow(0.95, t))),
          .eps = 1e-8f,
          .decay = static_cast<float>(lr * decay)};
}

struct Buffers {
  std::vector<float> p, m, v, g;

  explicit Buffers(int64_t count, uint64_t seed = 1) : p(count), m(count), v(count), g(count) {
    Rng rng(seed);
    for (int64_t i = 0; i < count; ++i) {
      p[i] = static_cast<float>(rng.normal());
      m[i] = static_cast<float>(0.1 * rng.normal());
      v[i] = static_cast<float>(0.01 * rng.uniform());
      g[i] = static_cast<float>(rng.normal());
    }
  }
  AdamwRange range(int64_t begin, int64_t end) {
    return {p.data() + begin, m.data() + begin, v.data() + begin, g.data() + begin, end - begin};
  }
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Adamw, FirstUpdateByHand) {
  // g = 0.5·4 = 2; m = 0.1·2 = 0.2; v = 0.05·4 = 0.2; m̂ = 0.2/0.1 = 2; v̂ = 0.2/0.05 = 4; m̂/√v̂ = 1.
  // p = 3 − 0.01·(1 + 0.1·3) = 2.987
  float p = 3, m = 0, v = 0;
  const float g = 4;
  adamw({&p, &m, &v, &g, 1}, coefficients(1, 0.01, 0.1));
  EXPECT_FLOAT_EQ(m, 0.2f);
  EXPECT_FLOAT_EQ(v, 0.2f);
  EXPECT_NEAR(p, 2.987, 1e-6);
}

TEST(Adamw, EqualsTheReferenceAtEverySizeAndOffset) {
  for (int64_t count = 0; count < 70; ++count) {
    for (int64_t offset = 0; offset < 3; ++offset) {
      Buffers fused(count + offset), plain(count + offset);
      for (int t = 1; t <= 3; ++t) {
        adamw(fused.range(offset, offset + count), coefficients(t, 0.01, 0.1));
        adamw_reference(plain.range(offset, offset + count), coefficients(t, 0.01, 0.1));
      }
      for (int64_t i = 0; i < count + offset; ++i) {
        EXPECT_NEAR(fused.p[i], plain.p[i], 2e-6) << "count " << count << " offset " << offset << " element " << i;
        EXPECT_NEAR(fused.m[i], plain.m[i], 1e-6);
        EXPECT_NEAR(fused.v[i], plain.v[i], 1e-6);
      }
    }
  }
}

TEST(Adamw, AnySplitGivesTheSameBits) {
  constexpr int64_t kCount = 1000;
  Buffers whole(kCount);
  adamw(whole.range(0, kCount), coefficients(2, 0.01, 0.1));
  for (int64_t piece : {1, 3, 7, 16, 17, 333}) {
    Buffers pieces(kCount);
    for (int64_t at = 0; at < kCount; at += piece) {
      adamw(pieces.range(at, std::min(kCount, at + piece)), coefficients(2, 0.01, 0.1));
    }
    EXPECT_TRUE(same_bits(whole.p, pieces.p) && same_bits(whole.m, pieces.m) && same_bits(whole.v, pieces.v))
        << "pieces of " << piece;
  }
}

TEST(Adamw, WritesNothingOutsideItsRange) {
  Buffers before(40), after(40);
  adamw(after.range(5, 28), coefficients(1, 0.01, 0.1));
  for (int64_t i = 0; i < 40; ++i) {
    if (i >= 5 && i < 28) continue;
    EXPECT_EQ(before.p[i], after.p[i]);
    EXPECT_EQ(before.m[i], after.m[i]);
    EXPECT_EQ(before.v[i], after.v[i]);
  }
  EXPECT_TRUE(same_bits(before.g, after.g));
}

TEST(SquaredNorm, EqualsTheReferenceBitForBit) {
  for (int64_t count : {0, 1, 15, 16, 17, 31, 100, 4095, 4096}) {
    for (int64_t offset : {0, 1, 3}) {
      Buffers b(count + offset);
      // Sizes from 2⁻²⁰ to 2²⁰, so that another order of adding would show.
      Rng rng(7);
      for (float& g : b.g) g = std::ldexp(g, static_cast<int>(rng.below(41)) - 20);
      EXPECT_EQ(squared_norm(b.g.data() + offset, count), squared_norm_reference(b.g.data() + offset, count)) << count;
    }
  }
}

TEST(SquaredNorm, SurvivesTheLargestAndSmallestFloats) {
  const std::vector<float> large(100, std::numeric_limits<float>::max());
  EXPECT_DOUBLE_EQ(std::sqrt(squared_norm(large.data(), 100)), 10 * double{std::numeric_limits<float>::max()});
  const std::vector<float> small(100, std::numeric_limits<float>::denorm_min());
  EXPECT_DOUBLE_EQ(std::sqrt(squared_norm(small.data(), 100)), 10 * double{std::numeric_limits<float>::denorm_min()});
}

TEST(SquaredNorm, IsNotFiniteWhereverTheBadValueIs) {
  for (int64_t place : {0, 15, 16, 36}) {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      std::vector<float> values(37, 1.0f);
      values[place] = bad;
      EXPECT_FALSE(std::isfinite(squared_norm(values.data(), 37))) << bad << " at " << place;
    }
  }
}

// Runs `work` once with every instruction set that this CPU has.
template <class Work>
void for_each_instruction_set(const Work& work) {
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::GetChosenTarget().Update(target);
    work(target);
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(InstructionSets, GiveTheSameNormBits) {
  Buffers b(1000);
  const double expected = squared_norm_reference(b.g.data(), 1000);
  for_each_instruction_set(
      [&](int64_t target) { EXPECT_EQ(squared_norm(b.g.data(), 1000), expected) << hwy::TargetName(target); });
}

TEST(InstructionSets, GiveTheSameUpdate) {
  Buffers expected(1000);
  adamw_reference(expected.range(0, 1000), coefficients(2, 0.01, 0.1));
  std::vector<Buffers> found;
  for_each_instruction_set([&](int64_t target) {
    found.emplace_back(1000);
    adamw(found.back().range(0, 1000), coefficients(2, 0.01, 0.1));
    for (int64_t i = 0; i < 1000; ++i) EXPECT_NEAR(found.back().p[i], expected.p[i], 2e-6) << hwy::TargetName(target);
    // The better sets come first; those with fused multiply-add agree to the bit.
    const bool fused = HWY_ARCH_X86 && (target & (HWY_SSE4 | HWY_SSSE3 | HWY_SCALAR | HWY_EMU128)) == 0;
    EXPECT_TRUE(!fused || same_bits(found.back().p, found.front().p)) << hwy::TargetName(target);
  });
}

TEST(SumInPairs, HasAFixedTree) {
  EXPECT_EQ(sum_in_pairs(nullptr, 0), 0);
  const double tiny = std::ldexp(1.0, -53);  // 1 + tiny = 1 in double, 1 + 2·tiny is not
  const double values[] = {1, tiny, tiny};
  // (1) + (tiny + tiny) keeps the small ones; from left to right they would be lost.
  EXPECT_EQ(sum_in_pairs(values, 3), 1 + 2 * tiny);
  EXPECT_NE(sum_in_pairs(values, 3), 1.0);
}

}  // namespace
}  // namespace hone::kernels
