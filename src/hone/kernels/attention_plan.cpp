#include "hone/kernels/attention_plan.h"

#include <cmath>

namespace hone::kernels::detail {

bool sees(const AttentionMask& mask, int64_t query, int64_t key) {
  if (mask.segments && mask.segments[query] < 0) return false;
  if (mask.segments && mask.segments[query] != mask.segments[key]) return key < mask.shared;
  if (mask.window > 0 && query - key >= mask.window) return false;
  if (mask.kind == MaskKind::bidirectional || key <= query) return true;
  return mask.kind == MaskKind::prefix && query < mask.prefix && key < mask.prefix;
}

namespace {

// True where some segment begins twice.
bool segments_come_back(const int64_t* segments, int64_t tokens) {
  std::vector<int64_t> begun;
  for (int64_t t = 0; t < tokens; ++t)
    if (segments[t] >= 0 && (t == 0 || segments[t] != segments[t - 1])) begun.push_back(segments[t]);
  std::sort(begun.begin(), begun.end());
  return std::adjacent_find(begun.begin(), begun.end()) != begun.end();
}

// The shared tokens, to every token of another segment.
Ranges shared_keys(const AttentionSequence& s, std::size_t padded) {
  Ranges ranges{std::vector<int32_t>(padded, 0), std::vector<int32_t>(padded, 0)};
  for (int64_t i = s.mask.shared; i < s.tokens; ++i) {
    const int64_t segment = s.mask.segments[i];
    if (segment >= 0 && segment != s.mask.segments[0])
      ranges.end[static_cast<std::size_t>(i)] = static_cast<int32_t>(s.mask.shared);
  }
  return ranges;
}

// Whether a row without keys lies between two that have some.
bool has_gap(const Ranges& ranges) {
  const auto empty = [](int32_t end) { return end == 0; };
  const auto first = std::find_if_not(ranges.end.begin(), ranges.end.end(), empty);
  return std::find_if_not(std::find_if(first, ranges.end.end(), empty), ranges.end.end(), empty) != ranges.end.end();
}

}  // namespace

Visible visible_keys(const AttentionSequence& s) {
  const int64_t tokens = s.tokens;
  const int64_t* segments = s.mask.segments;
  const auto padded = static_cast<std::size_t>(round_up(tokens, kBlockRows));
  Visible visible{.own = {std::vector<int32_t>(padded, 0), std::vector<int32_t>(padded, 0)}};
  if (segments && s.mask.shared > 0) visible.shared = shared_keys(s, padded);
  if ((segments && segments_come_back(segments, tokens)) || has_gap(visible.shared)) {
    visible.ranges = false;
    return visible;
  }
  for (int64_t begin = 0, end = tokens; begin < tokens; begin = end) {
    if (segments)
      end = std::find_if(segments + begin, segments + tokens, [&](int64_t id) { return id != segments[begin]; }) -
            segments;
    if (segments && segments[begin] < 0) continue;
    for (int64_t i = begin; i < end; ++i) {
      int64_t last = s.mask.kind == MaskKind::bidirectional ? tokens : i + 1;
      if (s.mask.kind == MaskKind::prefix && i < s.mask.prefix) last = s.mask.prefix;
      const int64_t first = s.mask.window > 0 ? i - s.mask.window + 1 : 0;
      visible.own.first[static_cast<std::size_t>(i)] = static_cast<int32_t>(std::max(begin, first));
      visible.own.end[static_cast<std::size_t>(i)] = static_cast<int32_t>(std::min(end, last));
    }
  }
  return visible;
}

std::vector<double> head_rows(const AttentionSequence& s, const float* qkv, int64_t head) {
  const int64_t d = s.shape.head_dim;
  const bool rotated = s.cos && head < s.shape.heads + s.shape.kv_heads;
  std::vector<double> rows(static_cast<std::size_t>(s.tokens * d));
  for (int64_t t = 0; t < s.tokens; ++t) {
    double* x = rows.data() + t * d;
    std::copy_n(qkv + t * s.qkv_width() + head * d, d, x);
    for (int64_t i = 0; rotated && i < d / 2; ++i) {
      const double a = x[i], b = x[i + d / 2], cos = s.cos[t * (d / 2) + i], sin = s.sin[t * (d / 2) + i];
      x[i] = a * cos - b * sin;
      x[i + d / 2] = b * cos + a * sin;
    }
  }
  return rows;
}

double softmax_row(const AttentionSequence& s, const HeadPair& head, int64_t t, std::vector<double>& weights) {
  const int64_t d = s.shape.head_dim;
  weights.assign(static_cast<std::size_t>(s.tokens), 0.0);
  double most = -INFINITY, sum = 0;
  for (int64_t j = 0; j < s.tokens; ++j) {
    if (!sees(s.mask, t, j)) continue;
    double dot = 0;
    for (int64_t i = 0; i < d; ++i)
      dot += head.q[static_cast<std::size_t>(t * d + i)] * head.k[static_cast<std::size_t>(j * d + i)];
    most = std::max(most, weights[static_cast<std::size_t>(j)] = dot / std::sqrt(static_cast<double>(d)));
  }
  for (int64_t j = 0; j < s.tokens; ++j) {
    double& weight = weights[static_cast<std::size_t>(j)];
    if (sees(s.mask, t, j)) sum += weight = std::exp(weight - most);
  }
  if (sum == 0) return 0;
  for (double& weight : weights) weight /= sum;
  return most + std::log(sum);
}

}  // namespace hone::kernels::detail
