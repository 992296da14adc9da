// Several short sequences in one row of a batch.
#pragma once

#include "hone/data/example.h"

#include <span>
#include <vector>

namespace hone::data {

/// First-fit-decreasing packing: groups of indices into `lengths` whose sum is at most `row_tokens`.
/// Deterministic: equal lengths keep their order; indices ascend in a group, groups are in order of their smallest.
/// Cost: O(n log n).
/// Errors: data if one length is above row_tokens or negative.
std::vector<std::vector<int64_t>> pack(std::span<const int64_t> lengths, int64_t row_tokens);

}  // namespace hone::data
