// 16-bit floats to float32, exactly: every f16 and bf16 value is a float32 value.
#pragma once

#include <bit>
#include <cstdint>

namespace hone::checkpoint {

/// IEEE 754 binary16: sign 1, exponent 5, fraction 10. Signs of zero, infinities and NaNs are kept.
inline float half_to_float(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000u} << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {
    // Subnormals by arithmetic on normal floats, so that a flush-to-zero mode of the processor does not touch them.
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t rebiased = exponent == 0x1fu ? 0xffu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | rebiased << 23 | fraction << 13);
}

/// bfloat16: the upper half of a float32.
inline float bfloat16_to_float(uint16_t value) { return std::bit_cast<float>(uint32_t{value} << 16); }

/// Tells finite values by their bits: holds under any floating-point mode or compiler flag.
inline bool is_finite_bits(float value) { return (std::bit_cast<uint32_t>(value) & 0x7f800000u) != 0x7f800000u; }

}  // namespace hone::checkpoint
