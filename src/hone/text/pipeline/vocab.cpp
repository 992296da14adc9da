#include "hone/text/pipeline/vocab.h"

#include "hone/base/error.h"

#include <cstring>
#include <utility>

namespace hone::text::pipeline {

uint64_t hash_bytes(std::string_view bytes) {
  uint64_t hash = 0x9E3779B97F4A7C15u ^ bytes.size();
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
    hash ^= hash >> 32;
  };
  while (bytes.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    mix(word);
    bytes.remove_prefix(8);
  }
  uint64_t word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());
  mix(word);
  hash *= 0xC4CEB9FE1A85EC53u;
  return hash ^ (hash >> 29);
}

void Vocab::add(int32_t id, std::string text, Findable findable) {
  require(id >= 0 && !has(id), ErrorKind::internal, "vocabulary id {} is negative or taken", id);
  const auto at = static_cast<std::size_t>(id);
  if (at >= texts_.size()) {
    texts_.resize(at + 1);
    present_.resize(at + 1, 0);
    findable_.resize(at + 1, 0);
  }
  texts_[at] = std::move(text);
  present_[at] = 1;
  findable_[at] = findable == Findable::yes ? 1 : 0;
  if (2 * (count_ + 1) > slots_.size()) grow();
  int32_t& slot = slots_[slot_of(texts_[at])];
  if (slot < 0) ++count_;
  if (slot < 0 || findable_[at] >= findable_[static_cast<std::size_t>(slot)]) slot = id;
}

int32_t Vocab::lookup(std::string_view text) const { return slots_.empty() ? -1 : slots_[slot_of(text)]; }

int32_t Vocab::find(std::string_view text) const {
  const int32_t id = lookup(text);
  return id >= 0 && findable_[static_cast<std::size_t>(id)] != 0 ? id : -1;
}

std::size_t Vocab::slot_of(std::string_view text) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = static_cast<std::size_t>(hash_bytes(text)) & mask;
  while (slots_[slot] >= 0 && texts_[static_cast<std::size_t>(slots_[slot])] != text) slot = (slot + 1) & mask;
  return slot;
}

void Vocab::grow() {
  const std::vector<int32_t> old =
      std::exchange(slots_, std::vector<int32_t>(slots_.empty() ? 64 : 2 * slots_.size(), -1));
  for (const int32_t id : old) {
    if (id >= 0) slots_[slot_of(text(id))] = id;
  }
}

}  // namespace hone::text::pipeline
