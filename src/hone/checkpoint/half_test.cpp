#include "hone/checkpoint/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hone::checkpoint {
namespace {

// The value by the definition of the format: (-1)^s · 2^(e-15) · 1.f, or (-1)^s · 2^-14 · 0.f for subnormals.
double half_by_definition(uint16_t half) {
  const int exponent = (half >> 10) & 31, fraction = half & 1023;
  const double sign = half & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? std::numeric_limits<double>::quiet_NaN() : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(fraction / 1024.0, -14);
  return sign * std::ldexp(1 + fraction / 1024.0, exponent - 15);
}

TEST(Half, EveryValueIsExact) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const double expected = half_by_definition(half);
    const float found = half_to_float(half);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(found)) << bits;
      EXPECT_FALSE(is_finite_bits(found));
      continue;
    }
    EXPECT_EQ(double{found}, expected) << bits;
    EXPECT_EQ(std::signbit(found), (bits & 0x8000) != 0) << bits;
    EXPECT_EQ(is_finite_bits(found), std::isfinite(expected));
  }
}

TEST(Half, LandmarkValues) {
  EXPECT_EQ(half_to_float(0x3c00), 1.0f);
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24f);         // smallest subnormal
  EXPECT_EQ(half_to_float(0x03ff), 1023 * 0x1p-24f);  // largest subnormal
  EXPECT_EQ(half_to_float(0x0400), 0x1p-14f);         // smallest normal
  EXPECT_EQ(half_to_float(0x7bff), 65504.0f);         // largest
  EXPECT_EQ(half_to_float(0xfc00), -HUGE_VALF);
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
}

TEST(Bfloat16, EveryValueIsTheUpperHalfOfAFloat) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float found = bfloat16_to_float(static_cast<uint16_t>(bits));
    EXPECT_EQ(std::bit_cast<uint32_t>(found), bits << 16);
  }
  EXPECT_EQ(bfloat16_to_float(0x3f80), 1.0f);
  EXPECT_EQ(bfloat16_to_float(0x0001), 0x1p-133f);  // a float32 subnormal, kept
  EXPECT_EQ(bfloat16_to_float(0x7f80), HUGE_VALF);
  EXPECT_TRUE(std::isnan(bfloat16_to_float(0x7fc0)));
}

}  // namespace
}  // namespace hone::checkpoint
