// Counter-based random numbers: the value of a draw depends on (seed, purpose, indices, position) and on nothing else,
// so results do not change with batch size, thread count or order of execution, and a resume needs only integers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace hone {

/// Philox4x32-10 (Salmon et al., SC 2011) as a small value: a 64-bit key and a 64-bit position.
///
/// Copying an Rng copies its position: pass by value to give a function its own stream, fork to make independent ones.
class Rng {
 public:
  explicit Rng(uint64_t seed) : key_(seed) {}

  /// An independent stream for `purpose` and `indices`, e.g. rng.fork("roll", {step, problem, sample}).
  /// Does not depend on, and does not move, this stream's position.
  Rng fork(std::string_view purpose, std::initializer_list<uint64_t> indices = {}) const;

  /// Uniform 32 bits.
  uint32_t u32();
  /// Uniform in [0, 1) with 24 random bits: exact in float and double.
  double uniform();
  /// Uniform integer in [0, n), without modulo bias; n ≥ 1.
  uint64_t below(uint64_t n);
  /// Standard normal (Box–Muller; two 32-bit draws per value, none kept back).
  double normal();

  /// Fisher–Yates.
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

  uint64_t key() const { return key_; }
  uint64_t position() const { return position_; }

 private:
  uint64_t key_;
  uint64_t position_ = 0;  // counts 32-bit draws
};

/// One Philox4x32-10 block, for tests against the published vectors and for kernels that fill arrays.
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

}  // namespace hone
