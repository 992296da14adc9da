// What the tests of kernels share: numbers, and a run under every form of a kernel.
#pragma once

#include "hone/base/rng.h"
#include "hone/kernels/common.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdint>
#include <vector>

namespace hone::kernels {

inline std::vector<float> random_floats(int64_t n, double scale, uint64_t seed, double mean = 0) {
  Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values) v = static_cast<float>(mean + scale * rng.normal());
  return values;
}

/// Runs `test` under the reference form, then under every CPU target of the fused one.
template <class Test>
void under_every_form(const Test& test) {
  set_mode(Mode::reference);
  test();
  set_mode(Mode::fused);
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

/// Calls `run`, which returns its results, under every CPU target with fused multiply-add, and expects equal bits.
template <class Run>
void expect_equal_bits_on_every_target(const Run& run) {
  constexpr int64_t kFusedTargets = HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL | HWY_NEON;
  std::vector<float> first;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if ((target & kFusedTargets) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    const std::vector<float> now = run();
    if (first.empty()) first = now;
    EXPECT_EQ(now, first) << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace hone::kernels
