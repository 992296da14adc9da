#include "hone/text/pipeline/byte_trie.h"

#include "hone/base/error.h"

#include <utility>

namespace hone::text::pipeline {

ByteTrie::ByteTrie() : keys_(16, 0), children_(16, 0), values_(1, -1), mask_(15) {}

void ByteTrie::add(std::string_view key, int32_t value) {
  require(!key.empty() && key.size() <= kMostKeyBytes && value >= 0, ErrorKind::internal,
          "trie key of {} bytes with value {}", key.size(), value);
  uint32_t node = 0;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    const uint32_t next = child(node, byte);
    node = next != 0 ? next : add_child(node, byte);
  }
  values_[node] = value;
}

uint32_t ByteTrie::add_child(uint32_t node, unsigned char byte) {
  const uint32_t made = nodes_++;
  values_.push_back(-1);
  if (node == 0) {
    roots_[byte] = made;
    return made;
  }
  if (2 * (edges_ + 1) > keys_.size()) grow();
  insert((uint64_t{node} << 8) | byte, made);
  ++edges_;
  return made;
}

void ByteTrie::insert(uint64_t key, uint32_t child) {
  std::size_t slot = slot_of(key);
  while (keys_[slot] != 0) slot = (slot + 1) & mask_;
  keys_[slot] = key;
  children_[slot] = child;
}

void ByteTrie::grow() {
  const std::vector<uint64_t> keys = std::exchange(keys_, std::vector<uint64_t>(keys_.size() * 2, 0));
  const std::vector<uint32_t> children = std::exchange(children_, std::vector<uint32_t>(keys_.size(), 0));
  mask_ = keys_.size() - 1;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] != 0) insert(keys[i], children[i]);
  }
}

}  // namespace hone::text::pipeline
