#include "hone/checkpoint/gguf/quantise.h"

#include "hone/base/rng.h"
#include "hone/checkpoint/half.h"
#include "hone/checkpoint/test_files.h"

#include <cmath>
#include <limits>

namespace hone::checkpoint::gguf {
namespace {

TEST(Half, EveryHalfComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(float_to_half(value), bits) << bits;
  }
}

TEST(Half, RoundsToNearestTiesToEven) {
  // Between 1 and the next half 1 + 2^-10 lies the tie 1 + 2^-11: even is 1 (0x3c00).
  EXPECT_EQ(float_to_half(1.0f + 0x1p-11f), 0x3c00);
  EXPECT_EQ(float_to_half(1.0f + 0x1p-11f + 0x1p-20f), 0x3c01);
  EXPECT_EQ(float_to_half(1.0f + 3 * 0x1p-11f), 0x3c02);
  EXPECT_EQ(float_to_half(0x1p-25f), 0x0000);  // half of the smallest: to even
  EXPECT_EQ(float_to_half(0x1.8p-25f), 0x0001);
  EXPECT_EQ(float_to_half(65519.0f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-std::numeric_limits<float>::infinity()), 0xfc00);
}

TEST(Q8, TheErrorStaysInItsBound) {
  Rng rng(3);
  for (int block = 0; block < 2000; ++block) {
    std::vector<float> values(64), back(64);
    const double scale = std::exp(8 * rng.uniform() - 4);
    for (float& value : values) value = static_cast<float>((2 * rng.uniform() - 1) * scale);
    const std::string bytes = to_q8_0(values);
    ASSERT_EQ(bytes.size(), 68u);
    from_q8_0(bytes, back);
    for (std::size_t begin = 0; begin < 64; begin += 32) {
      float largest = 0;
      for (std::size_t i = begin; i < begin + 32; ++i) largest = std::max(largest, std::fabs(values[i]));
      for (std::size_t i = begin; i < begin + 32; ++i) {
        ASSERT_LE(std::fabs(values[i] - back[i]), largest * (1.0f / 254 + 0x1p-11f)) << values[i];
      }
    }
  }
}

// max|x| = 127 makes d = 1, so whole numbers come back exactly; bytes: 1.0 as half is 0x3c00.
TEST(Q8, OneBlockByHand) {
  std::vector<float> values(32, 0.0f), back(32);
  values[0] = 127;
  values[1] = -127;
  values[2] = 2.4f;
  const std::string bytes = to_q8_0(values);
  EXPECT_EQ(bytes.substr(0, 5), std::string("\x00\x3c\x7f\x81\x02", 5));
  from_q8_0(bytes, back);
  EXPECT_EQ(back[0], 127);
  EXPECT_EQ(back[1], -127);
  EXPECT_EQ(back[2], 2);
  EXPECT_EQ(back[3], 0);
}

TEST(Q8, ZerosAndRefusals) {
  std::vector<float> values(32, 0.0f), back(32, 1.0f);
  from_q8_0(to_q8_0(values), back);
  EXPECT_EQ(back, values);
  values[5] = 1e7f;
  expect_error(ErrorKind::numeric, {"beyond the range of q8_0"}, [&] { to_q8_0(values); });
  expect_error(ErrorKind::numeric, {"beyond the range of f16"}, [&] { encode(values, TensorType::f16); });
  expect_error(ErrorKind::internal, {"a multiple of 32"}, [&] { to_q8_0(std::span(values).first(31)); });
}

}  // namespace
}  // namespace hone::checkpoint::gguf
