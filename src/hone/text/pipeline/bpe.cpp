#include "hone/text/pipeline/bpe.h"

#include "hone/text/pipeline/unicode.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace hone::text::pipeline {
namespace {

constexpr std::size_t kShortWord = 48;  // symbols; below this a scan beats the heap
constexpr uint32_t kNoRank = std::numeric_limits<uint32_t>::max();

uint64_t pair_key(int32_t left, int32_t right) {
  return (uint64_t{static_cast<uint32_t>(left)} << 32) | static_cast<uint32_t>(right);
}

// Ids of the word's symbols before any merge.
void symbols_of_bytes(const Bpe& bpe, std::string_view word, std::vector<int32_t>& ids) {
  bool fusing = false;
  for (const char c : word) {
    const int32_t id = bpe.bytes[static_cast<unsigned char>(c)];
    if (id >= 0) {
      ids.push_back(id);
    } else if (bpe.unk >= 0 && !(fusing && bpe.fuse_unk)) {
      ids.push_back(bpe.unk);
    }
    fusing = id < 0;
  }
}

bool push_bytes(const Bpe& bpe, std::string_view symbol, std::vector<int32_t>& ids) {
  const auto known = [&](char c) { return bpe.bytes[static_cast<unsigned char>(c)] >= 0; };
  if (!std::all_of(symbol.begin(), symbol.end(), known)) return false;
  for (const char c : symbol) ids.push_back(bpe.bytes[static_cast<unsigned char>(c)]);
  return true;
}

void symbols_of_points(const Bpe& bpe, const Vocab& vocab, std::string_view word, std::vector<int32_t>& ids) {
  std::string built;
  bool unknown = false;  // an unk is waiting: byte tokens overtake it, as in the reference
  for (std::size_t at = 0; at < word.size();) {
    const auto bytes = static_cast<std::size_t>(step(word.substr(at)).bytes);
    std::string_view symbol = word.substr(at, bytes);
    const bool first = at == 0, last = at + bytes == word.size();
    if ((!first && !bpe.prefix.empty()) || (last && !bpe.suffix.empty())) {
      built.assign(first ? "" : bpe.prefix);
      built += symbol;
      if (last) built += bpe.suffix;
      symbol = built;
    }
    at += bytes;
    const int32_t id = vocab.find(symbol);
    if (id >= 0) {
      if (unknown) ids.push_back(bpe.unk);
      unknown = false;
      ids.push_back(id);
    } else if (!(bpe.byte_fallback && push_bytes(bpe, symbol, ids)) && bpe.unk >= 0) {
      if (unknown && !bpe.fuse_unk) ids.push_back(bpe.unk);
      unknown = true;
    }
  }
  if (unknown) ids.push_back(bpe.unk);
}

// Few symbols: find the best pair by looking at all of them.
void merge_short(const MergeTable& merges, BpeScratch& s) {
  auto& ids = s.ids;
  auto& ranks = s.ranks;  // of the pair that begins at each symbol
  const auto rank = [&](std::size_t i) {
    if (i + 1 >= ids.size()) return kNoRank;
    const auto merge = merges.find(ids[i], ids[i + 1]);
    return merge.id >= 0 ? merge.rank : kNoRank;
  };
  ranks.resize(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ranks[i] = rank(i);
  while (ids.size() > 1) {
    const auto best = std::min_element(ranks.begin(), ranks.end());
    if (*best == kNoRank) return;
    const auto at = static_cast<std::size_t>(best - ranks.begin());
    ids[at] = merges.find(ids[at], ids[at + 1]).id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    ranks.erase(ranks.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    ranks[at] = rank(at);
    if (at > 0) ranks[at - 1] = rank(at - 1);
  }
}

// Many symbols: a linked list and a heap of candidate pairs (rank, then position); stale entries are dropped when they
// come up.
void merge_long(const MergeTable& merges, BpeScratch& s) {
  auto& ids = s.ids;
  const auto count = static_cast<int32_t>(ids.size());
  s.next.resize(ids.size());
  s.previous.resize(ids.size());
  s.heap.clear();
  for (int32_t i = 0; i < count; ++i) {
    s.next[static_cast<std::size_t>(i)] = i + 1 < count ? i + 1 : -1;
    s.previous[static_cast<std::size_t>(i)] = i - 1;
  }
  const auto rank_at = [&](int32_t i) {
    const int32_t right = s.next[static_cast<std::size_t>(i)];
    if (right < 0) return MergeTable::Merge{};
    return merges.find(ids[static_cast<std::size_t>(i)], ids[static_cast<std::size_t>(right)]);
  };
  const auto push = [&](int32_t i) {
    const auto merge = rank_at(i);
    if (merge.id < 0) return;
    s.heap.push_back((uint64_t{merge.rank} << 32) | static_cast<uint32_t>(i));
    std::push_heap(s.heap.begin(), s.heap.end(), std::greater<>());
  };
  for (int32_t i = 0; i < count; ++i) push(i);
  while (!s.heap.empty()) {
    std::pop_heap(s.heap.begin(), s.heap.end(), std::greater<>());
    const uint64_t top = s.heap.back();
    s.heap.pop_back();
    const auto at = static_cast<int32_t>(top & 0xFFFFFFFFu);
    const auto left = static_cast<std::size_t>(at);
    if (ids[left] < 0) continue;
    const auto merge = rank_at(at);
    if (merge.id < 0 || merge.rank != top >> 32) continue;
    const auto right = static_cast<std::size_t>(s.next[left]);
    ids[left] = merge.id;
    ids[right] = -1;
    s.next[left] = s.next[right];
    if (s.next[left] >= 0) s.previous[static_cast<std::size_t>(s.next[left])] = at;
    push(at);
    if (s.previous[left] >= 0) push(s.previous[left]);
  }
  std::erase(ids, -1);
}

}  // namespace

void MergeTable::add(int32_t left, int32_t right, Merge merge) {
  if (2 * (count_ + 1) > entries_.size()) grow();
  const uint64_t key = pair_key(left, right);
  Entry& entry = entries_[slot_of(key)];
  if (entry.key == kFree) ++count_;
  entry = {key, merge};
}

MergeTable::Merge MergeTable::find(int32_t left, int32_t right) const {
  return entries_.empty() ? Merge{} : entries_[slot_of(pair_key(left, right))].merge;
}

std::size_t MergeTable::slot_of(uint64_t key) const {
  const std::size_t mask = entries_.size() - 1;
  uint64_t mixed = key * 0xFF51AFD7ED558CCDu;
  mixed = (mixed ^ (mixed >> 33)) * 0xC4CEB9FE1A85EC53u;
  std::size_t slot = static_cast<std::size_t>(mixed >> 31) & mask;
  while (entries_[slot].key != key && entries_[slot].key != kFree) slot = (slot + 1) & mask;
  return slot;
}

void MergeTable::grow() {
  const std::vector<Entry> old =
      std::exchange(entries_, std::vector<Entry>(entries_.empty() ? 64 : 2 * entries_.size()));
  for (const Entry& entry : old) {
    if (entry.key != kFree) entries_[slot_of(entry.key)] = entry;
  }
}

void encode(const Bpe& bpe, const Vocab& vocab, std::string_view word, BpeScratch& scratch, std::vector<int32_t>& out) {
  if (bpe.ignore_merges) {
    if (const int32_t id = vocab.find(word); id >= 0) {
      out.push_back(id);
      return;
    }
  }
  scratch.ids.clear();
  if (bpe.on_bytes) {
    symbols_of_bytes(bpe, word, scratch.ids);
  } else {
    symbols_of_points(bpe, vocab, word, scratch.ids);
  }
  if (scratch.ids.size() <= kShortWord) {
    merge_short(bpe.merges, scratch);
  } else {
    merge_long(bpe.merges, scratch);
  }
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
}

}  // namespace hone::text::pipeline
