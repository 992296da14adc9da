#include "hone/data/pack.h"

#include "hone/base/error.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace hone::data {
namespace {

// Room left in each group, with the largest of every subtree, so that the first group with enough room is found in
// logarithmic time. Groups not yet opened have a full row of room.
class RoomTree {
 public:
  RoomTree(std::size_t groups, int64_t room) : leaves_(std::bit_ceil(std::max<std::size_t>(groups, 1))) {
    room_.assign(2 * leaves_, room);
  }

  /// The first group with at least `length` of room; takes it there.
  std::size_t take_first(int64_t length) {
    std::size_t node = 1;
    while (node < leaves_) node = room_[2 * node] >= length ? 2 * node : 2 * node + 1;
    const std::size_t group = node - leaves_;
    room_[node] -= length;
    while ((node /= 2) > 0) room_[node] = std::max(room_[2 * node], room_[2 * node + 1]);
    return group;
  }

 private:
  std::size_t leaves_;
  std::vector<int64_t> room_;
};

}  // namespace

std::vector<std::vector<int64_t>> pack(std::span<const int64_t> lengths, int64_t row_tokens) {
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    require(lengths[i] >= 0 && lengths[i] <= row_tokens, ErrorKind::data,
            "sequence {} has {} tokens; a row holds 0 to {}", i, lengths[i], row_tokens);
  }
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto length_of = [&](int64_t index) { return lengths[static_cast<std::size_t>(index)]; };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return length_of(a) > length_of(b); });
  RoomTree rooms(lengths.size(), row_tokens);
  std::vector<std::vector<int64_t>> groups;
  for (const int64_t index : order) {
    const std::size_t group = rooms.take_first(length_of(index));
    if (group >= groups.size()) groups.resize(group + 1);
    groups[group].push_back(index);
  }
  for (std::vector<int64_t>& group : groups) std::sort(group.begin(), group.end());
  std::sort(groups.begin(), groups.end());
  return groups;
}

}  // namespace hone::data
