#include "hone/checkpoint/gguf/quantise.h"

#include "hone/base/error.h"
#include "hone/checkpoint/half.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace hone::checkpoint::gguf {
namespace {

constexpr std::size_t kBlock = 32;
constexpr std::size_t kBlockBytes = 34;

void put_half(std::string& out, uint16_t half) {
  out += static_cast<char>(half & 0xFF);
  out += static_cast<char>(half >> 8);
}

}  // namespace

uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65520 and more round to infinity
  if (magnitude < 0x38800000u) {
    // Subnormal: multiples of 2^-24. The sum with 0.5 rounds to them, ties to even.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5f)));
  }
  const uint32_t rebiased = magnitude - (uint32_t{112} << 23);
  const uint32_t rounded = rebiased + 0xfffu + ((rebiased >> 13) & 1u);
  return static_cast<uint16_t>(sign | (rounded >> 13));
}

std::string to_q8_0(std::span<const float> values) {
  require(values.size() % kBlock == 0, ErrorKind::internal, "q8_0 needs a multiple of 32 numbers, found {}",
          values.size());
  std::string out;
  out.reserve(values.size() / kBlock * kBlockBytes);
  for (std::size_t at = 0; at < values.size(); at += kBlock) {
    float largest = 0;
    for (std::size_t i = 0; i < kBlock; ++i) largest = std::max(largest, std::fabs(values[at + i]));
    const float scale = largest / 127.0f;
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    const uint16_t half = float_to_half(scale);
    require((half & 0x7c00u) != 0x7c00u, ErrorKind::numeric, "a weight of {} is beyond the range of q8_0", largest);
    put_half(out, half);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const float whole = std::clamp(std::round(values[at + i] * inverse), -127.0f, 127.0f);
      out += static_cast<char>(static_cast<int8_t>(whole));
    }
  }
  return out;
}

void from_q8_0(std::string_view blocks, std::span<float> values) {
  require(values.size() % kBlock == 0 && blocks.size() == values.size() / kBlock * kBlockBytes, ErrorKind::internal,
          "{} bytes of q8_0 are not {} numbers", blocks.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const char* block = blocks.data() + i / kBlock * kBlockBytes;
    const auto low = static_cast<unsigned char>(block[0]), high = static_cast<unsigned char>(block[1]);
    const float scale = half_to_float(static_cast<uint16_t>(low | (high << 8)));
    values[i] = scale * static_cast<float>(static_cast<int8_t>(block[2 + i % kBlock]));
  }
}

std::string encode(std::span<const float> values, TensorType type) {
  static_assert(std::endian::native == std::endian::little);
  if (type == TensorType::f32) return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
  if (type == TensorType::q8_0) return to_q8_0(values);
  require(type == TensorType::f16, ErrorKind::internal, "no encoder for GGUF tensor type {}",
          static_cast<uint32_t>(type));
  std::string out;
  out.reserve(values.size() * 2);
  for (const float value : values) {
    const uint16_t half = float_to_half(value);
    require((half & 0x7c00u) != 0x7c00u, ErrorKind::numeric, "the weight {} is beyond the range of f16 (65504)", value);
    put_half(out, half);
  }
  return out;
}

}  // namespace hone::checkpoint::gguf
