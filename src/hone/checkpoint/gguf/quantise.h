// Float32 rows → the element types of GGUF.
#pragma once

#include "hone/checkpoint/gguf/format.h"

#include <cstdint>
#include <span>
#include <string>

namespace hone::checkpoint::gguf {

/// IEEE 754 binary16 nearest to `value`, ties to even; what is too large becomes infinity.
uint16_t float_to_half(float value);

/// q8_0: blocks of 32 numbers as a half d = max|x| / 127 and 32 signed bytes round(x / d). The format is ggml's.
///   values  [n], n a multiple of 32, finite
///   result  34 bytes a block; |x − d·q| ≤ max|x| · (1/254 + 2^-11), as long as d is a normal half (max|x| ≥ 0.0078)
///   errors  numeric when d is beyond the range of f16
std::string to_q8_0(std::span<const float> values);
/// The inverse: d·q.
void from_q8_0(std::string_view blocks, std::span<float> values);

/// `values` as bytes of f32, f16 or q8_0. Errors: internal for another type; numeric for a value beyond f16's range.
std::string encode(std::span<const float> values, TensorType type);

}  // namespace hone::checkpoint::gguf
