#include "hone/base/rng.h"

#include "hone/base/error.h"

#include <cmath>

namespace hone {
namespace {

// splitmix64's finaliser: a bijection whose output bits each depend on every input bit.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

Rng Rng::fork(std::string_view purpose, std::initializer_list<uint64_t> indices) const {
  uint64_t h = mix(key_);
  for (const char c : purpose) h = mix(h ^ static_cast<unsigned char>(c));
  h = mix(h ^ purpose.size());
  for (const uint64_t index : indices) h = mix(h ^ mix(index));
  return Rng(mix(h ^ indices.size()));
}

uint32_t Rng::u32() {
  const uint64_t block = position_ / 4;
  const uint32_t counter[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0};
  const uint32_t key[2] = {static_cast<uint32_t>(key_), static_cast<uint32_t>(key_ >> 32)};
  uint32_t out[4];
  philox4x32(counter, key, out);
  return out[position_++ % 4];
}

double Rng::uniform() { return (u32() >> 8) * 0x1p-24; }

uint64_t Rng::below(uint64_t n) {
  require(n > 0, ErrorKind::internal, "Rng::below(0): there is no number below 0");
  // Rejection: draws at or above the largest multiple of n would favour small values.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
  uint64_t draw;
  do {
    const uint64_t high = u32();  // a statement of its own: operands of | are evaluated in either order
    draw = (high << 32) | u32();
  } while (draw >= limit);
  return draw % n;
}

double Rng::normal() {
  // 1 - u lies in (0, 1], so the logarithm is finite.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * 3.14159265358979323846 * uniform());
}

}  // namespace hone
