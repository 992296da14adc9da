// A trie over byte strings: every key that is a prefix of a text, in one walk.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace hone::text::pipeline {

/// Byte strings → values. A value type; memory is proportional to the bytes of the keys.
class ByteTrie {
 public:
  /// The longest key that is taken. A longer one would make every search in a text of its letters quadratic.
  static constexpr std::size_t kMostKeyBytes = 1024;

  ByteTrie();
  /// Adds `key` (not empty, at most kMostKeyBytes) with a value ≥ 0; a second value for one key replaces the first.
  void add(std::string_view key, int32_t value);
  bool empty() const { return nodes_ == 1; }

  /// Calls use(bytes, value) for every key that is a prefix of `text`, shortest first.
  /// Cost: the bytes of the longest such walk.
  template <class Use>
  void for_each_prefix(std::string_view text, Use use) const {
    uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == 0) return;
      if (values_[node] >= 0) use(i + 1, values_[node]);
    }
  }

 private:
  uint32_t child(uint32_t node, unsigned char byte) const {
    if (node == 0) return roots_[byte];
    const uint64_t key = (uint64_t{node} << 8) | byte;
    for (std::size_t slot = slot_of(key);; slot = (slot + 1) & mask_) {
      if (keys_[slot] == key) return children_[slot];
      if (keys_[slot] == 0) return 0;
    }
  }
  std::size_t slot_of(uint64_t key) const {
    const uint64_t mixed = key * 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32)) & mask_;
  }
  uint32_t add_child(uint32_t node, unsigned char byte);
  void insert(uint64_t key, uint32_t child);
  void grow();

  std::array<uint32_t, 256> roots_{};  ///< children of node 0
  std::vector<uint64_t> keys_;         ///< node and byte of an edge; 0 for a free slot
  std::vector<uint32_t> children_;
  std::vector<int32_t> values_;  ///< per node; -1 where no key ends
  std::size_t mask_ = 0, edges_ = 0;
  uint32_t nodes_ = 1;
};

}  // namespace hone::text::pipeline
