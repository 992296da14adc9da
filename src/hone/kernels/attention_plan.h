// Which keys a query of kernels/attention.h sees, and the formula in plain loops. Private to attention*.cpp.
#pragma once

#include "hone/kernels/attention.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hone::kernels::detail {

/// Rows of queries and of keys are padded to this: a block of queries in the backward pass.
inline constexpr int64_t kBlockRows = 32;

inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/// Query i sees the keys [first[i], end[i]): none where first = end. Padded with such rows to kBlockRows. Queries that
/// see the same key follow each other.
struct Ranges {
  std::vector<int32_t> first, end;
};

/// Query i sees exactly the keys of both.
struct Visible {
  Ranges own;          ///< of its segment
  Ranges shared;       ///< of the shared tokens in front of it; no rows at all where nothing is shared
  bool ranges = true;  ///< false where this can't be said in ranges: what a query sees, or who sees a key, has holes
};

Visible visible_keys(const AttentionSequence& sequence);

/// The definition, for the plain loops, which compute in double.
bool sees(const AttentionMask& mask, int64_t query, int64_t key);

/// Rows of one head of qkv, counted through queries, keys and values: [T, d], queries and keys rotated.
std::vector<double> head_rows(const AttentionSequence& sequence, const float* qkv, int64_t head);

struct HeadPair {
  std::vector<double> q, k;
};

/// Query t's weights over all T keys, 0 where it does not see; returns the log-sum-exp, 0 where it sees
/// nothing.
double softmax_row(const AttentionSequence& sequence, const HeadPair& head, int64_t t, std::vector<double>& weights);

/// Keys [from, to).
struct KeyRange {
  int64_t from = 0, to = 0;
  bool empty() const { return from >= to; }
};

/// Everything that rows [row, row + count) see of the ranges.
inline KeyRange seen_by(const Ranges& ranges, int64_t row, int64_t count) {
  KeyRange all{INT32_MAX, 0};
  for (int64_t i = row; i < row + count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (ranges.first[at] == ranges.end[at]) continue;
    all.from = std::min<int64_t>(all.from, ranges.first[at]);
    all.to = std::max<int64_t>(all.to, ranges.end[at]);
  }
  return all;
}

}  // namespace hone::kernels::detail
