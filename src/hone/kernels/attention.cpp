#include "hone/kernels/attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "hone/kernels/attention.cpp"
#include "hone/kernels/simd-inl.h"

#include "hone/kernels/attention-inl.h"

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {

// Keys whose scores one tile of queries holds at once; longer sequences rescale what they have at every block.
constexpr int64_t kKeyBlock = 512;

// A tile of queries of one head on its way through the keys.
struct ForwardTile {
  const float* keys;    // panels [tokens / kUnit][width][kUnit]
  const float* values;  // [tokens, width]
  float* queries;       // [kTileRows, width]
  float* scores;        // [kTileRows, kKeyBlock]
  float* mixed;         // [kTileRows, width]
  int64_t width;
  float most[kTileRows], sum[kTileRows];
};

// One row's scores in the columns [0, to), to a multiple of kUnit, of which it sees [first, end): they become
// e^(score − running maximum), 0 where it does not see, and what the row has so far is scaled to the new maximum.
HWY_INLINE void soften(ForwardTile& tile, int64_t row, int64_t to, KeyRange seen) {
  const Unit d;
  float* scores = tile.scores + row * kKeyBlock;
  if (seen.empty()) return std::fill_n(scores, to, 0.0f), void();
  auto top = hn::Set(d, -INFINITY);
  for (int64_t j = 0; j < to; j += kLanes) {
    auto v = hn::LoadU(d, scores + j);
    if (j < seen.from || j + kLanes > seen.to) {
      v = hn::IfThenElse(inside(seen.from - j, seen.to - j), v, hn::Set(d, -INFINITY));
      hn::StoreU(v, d, scores + j);
    }
    top = hn::Max(top, v);
  }
  const float before = tile.most[row], most = std::max(before, hn::GetLane(hn::MaxOfLanes(d, top)));
  const auto shift = hn::Set(d, most);
  hn::Vec<Unit> sum[kParts];
  HONE_UNROLL
  for (int64_t p = 0; p < kParts; ++p) sum[p] = hn::Zero(d);
  for (int64_t j = 0; j < to; j += kUnit) {
    HONE_UNROLL
    for (int64_t p = 0; p < kParts; ++p) {
      const auto e = exp_of(d, hn::Sub(hn::LoadU(d, scores + j + p * kLanes), shift));
      sum[p] = hn::Add(sum[p], e);
      hn::StoreU(e, d, scores + j + p * kLanes);
    }
  }
  const float total = sum_unit(sum);
  if (before == -INFINITY) {
    tile.sum[row] = total;
  } else {
    const auto keep = exp_of(d, hn::Set(d, before - most));
    tile.sum[row] = tile.sum[row] * hn::GetLane(keep) + total;
    float* mixed = tile.mixed + row * tile.width;
    for (int64_t i = 0; i < tile.width; i += kLanes) hn::StoreU(hn::Mul(hn::LoadU(d, mixed + i), keep), d, mixed + i);
  }
  tile.most[row] = most;
}

// Rows [row, row + kTileRows) over the keys they see of the ranges.
HWY_INLINE void attend_ranges(ForwardTile& tile, const Ranges& ranges, int64_t row) {
  const KeyRange all = detail::seen_by(ranges, row, kTileRows);
  const int64_t width = tile.width;
  for (int64_t block = all.from / kKeyBlock * kKeyBlock; block < all.to; block += kKeyBlock) {
    const int64_t from = std::max(block, all.from / kUnit * kUnit), to = std::min(block + kKeyBlock, all.to);
    const int64_t columns = detail::round_up(to - from, kUnit);
    multiply<Into::store>({tile.queries, width, 1}, {tile.keys + from * width, kUnit, kUnit * width},
                          {width, columns / kUnit}, {tile.scores, kKeyBlock});
    for (int64_t r = 0; r < kTileRows; ++r) {
      const int64_t first = ranges.first[static_cast<std::size_t>(row + r)] - from,
                    end = ranges.end[static_cast<std::size_t>(row + r)] - from;
      soften(tile, r, columns, {std::clamp<int64_t>(first, 0, columns), std::clamp<int64_t>(end, 0, columns)});
    }
    const int64_t skip = std::max<int64_t>(0, all.from - from);
    multiply<Into::add>({tile.scores + skip, kKeyBlock, 1}, {tile.values + (from + skip) * width, width, kUnit},
                        {to - from - skip, width / kUnit}, {tile.mixed, width});
  }
}

// Rows [row, row + kTileRows) over all keys they see.
HWY_INLINE void attend_tile(ForwardTile& tile, const Visible& visible, int64_t row) {
  std::fill_n(tile.most, kTileRows, -INFINITY);
  std::fill_n(tile.sum, kTileRows, 0.0f);
  std::fill_n(tile.mixed, kTileRows * tile.width, 0.0f);
  if (!visible.shared.end.empty()) attend_ranges(tile, visible.shared, row);
  attend_ranges(tile, visible.own, row);
}

// y = mixed / sum and the log-sum-exp for the rows of a tile, to their head's place in `out`; zeros for rows that saw
// nothing.
HWY_INLINE void write_tile(const ForwardTile& tile, const AttentionSequence& s, int64_t row, const AttentionOut& out) {
  const Unit d;
  const int64_t dim = s.shape.head_dim, count = std::min(kTileRows, s.tokens - row);
  for (int64_t r = 0; r < count; ++r) {
    float* to = out.y + (row + r) * s.out_width();
    const float* from = tile.mixed + r * tile.width;
    const bool saw = tile.most[r] != -INFINITY || tile.sum[r] != 0;
    const auto factor = hn::Set(d, saw ? 1.0f / tile.sum[r] : 0.0f);
    for (int64_t i = 0; i < dim; i += kLanes) {
      const auto v = hn::Mul(hn::LoadU(d, from + i), factor);
      if (i + kLanes <= dim)
        hn::StoreU(v, d, to + i);
      else
        store_part(d, v, to + i, dim - i);
    }
    // In double: the logarithms of C libraries agree once rounded to float.
    if (out.lse)
      out.lse[row + r] =
          saw ? static_cast<float>(static_cast<double>(tile.most[r]) + std::log(static_cast<double>(tile.sum[r])))
              : 0.0f;
  }
}

// False where a value is not finite: 0 · NaN would reach rows that do not see it.
bool forward(const AttentionSequence& s, const Visible& visible, const float* qkv, const AttentionOut& out) {
  const auto [heads, kv_heads, dim] = s.shape;
  const int64_t width = detail::round_up(dim, kUnit), padded = detail::round_up(s.tokens, kBlockRows);
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  float* keys = out.scratch;
  float* values = keys + padded * width;
  float* queries = values + padded * width;
  ForwardTile tile{keys,  values, queries, queries + kUnit * width, queries + kUnit * width + kTileRows * kKeyBlock,
                   width, {},     {}};
  for (int64_t kv = 0; kv < kv_heads; ++kv) {
    const HeadRows k{s, qkv + (heads + kv) * dim, s.qkv_width(), s.cos, 1};
    const HeadRows v{s, qkv + (heads + kv_heads + kv) * dim, s.qkv_width(), nullptr, 1};
    for (int64_t t = 0; t < padded; t += kUnit) {
      pack_rows(k, t, kUnit, queries);
      transpose_rows(queries, kUnit, width, keys + t * width);
    }
    if (!pack_rows(v, 0, padded, values)) return false;
    for (int64_t h = kv * (heads / kv_heads); h < (kv + 1) * (heads / kv_heads); ++h) {
      const HeadRows q{s, qkv + h * dim, s.qkv_width(), s.cos, scale};
      for (int64_t row = 0; row < s.tokens; row += kTileRows) {
        pack_rows(q, row, kTileRows, queries);
        attend_tile(tile, visible, row);
        write_tile(tile, s, row, {out.y + h * dim, out.lse ? out.lse + h * s.tokens : nullptr});
      }
    }
  }
  return true;
}

int64_t forward_scratch(int64_t tokens, int64_t dim) {
  const int64_t width = detail::round_up(dim, kUnit);
  return 2 * detail::round_up(tokens, kBlockRows) * width + kUnit * width + kTileRows * (kKeyBlock + width);
}

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
namespace {

HWY_EXPORT(forward);
HWY_EXPORT(forward_scratch);

void forward_reference(const AttentionSequence& s, const float* qkv, const AttentionOut& out) {
  const auto [heads, kv_heads, d] = s.shape;
  std::vector<double> weights;
  for (int64_t h = 0; h < heads; ++h) {
    const int64_t kv = h / (heads / kv_heads);
    const detail::HeadPair head{detail::head_rows(s, qkv, h), detail::head_rows(s, qkv, heads + kv)};
    const auto values = detail::head_rows(s, qkv, heads + kv_heads + kv);
    for (int64_t t = 0; t < s.tokens; ++t) {
      const double lse = detail::softmax_row(s, head, t, weights);
      if (out.lse) out.lse[h * s.tokens + t] = static_cast<float>(lse);
      for (int64_t i = 0; i < d; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < s.tokens; ++j) {
          if (detail::sees(s.mask, t, j))
            sum += weights[static_cast<std::size_t>(j)] * values[static_cast<std::size_t>(j * d + i)];
        }
        out.y[t * s.out_width() + h * d + i] = static_cast<float>(sum);
      }
    }
  }
}

}  // namespace

void attention_forward(const AttentionSequence& sequence, const float* qkv, const AttentionOut& out) {
  if (mode() == Mode::fused) {
    const detail::Visible visible = detail::visible_keys(sequence);
    if (visible.ranges && HWY_DYNAMIC_DISPATCH(forward)(sequence, visible, qkv, out)) return;
  }
  forward_reference(sequence, qkv, out);
}

int64_t attention_scratch(const AttentionSequence& sequence) {
  return HWY_DYNAMIC_DISPATCH(forward_scratch)(sequence.tokens, sequence.shape.head_dim);
}

}  // namespace hone::kernels
#endif  // HWY_ONCE
