// What the tests of attention share: sequences with everything that a test may change, and both passes over them.
#pragma once

#include "hone/kernels/attention.h"
#include "hone/kernels/test_forms.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace hone::kernels {

using Values = std::vector<float>;

inline std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// A sequence with everything a test may change.
struct Case {
  AttentionSequence sequence;
  std::vector<int64_t> segments;
  Values cos, sin, qkv, dy;

  Case(int64_t tokens, HeadShape shape, AttentionMask mask = {}) : sequence{tokens, shape, mask} {
    qkv = random_floats(tokens * sequence.qkv_width(), 1, 1);
    dy = random_floats(tokens * sequence.out_width(), 1, 2);
  }
  Case(const Case& other) = delete;

  Case& rotate() {
    for (int64_t t = 0; t < sequence.tokens; ++t)
      for (int64_t i = 0; i < sequence.shape.head_dim / 2; ++i) {
        cos.push_back(std::cos(0.3f * static_cast<float>(t * (i + 1))));
        sin.push_back(std::sin(0.3f * static_cast<float>(t * (i + 1))));
      }
    sequence.cos = cos.data();
    sequence.sin = sin.data();
    return *this;
  }
  Case& cut(std::vector<int64_t> ids) {
    segments = std::move(ids);
    sequence.mask.segments = segments.data();
    return *this;
  }
  // A prompt of `shared` tokens, then completions of 1, 4, 7, … tokens and a few of padding.
  Case& share(int64_t shared) {
    std::vector<int64_t> ids(at(std::min(shared, sequence.tokens)), 0);
    for (int64_t id = 1; static_cast<int64_t>(ids.size()) < sequence.tokens; ++id)
      ids.resize(ids.size() + at(3 * id - 2), id);
    ids.resize(at(sequence.tokens));
    for (std::size_t t = std::max(ids.size() - ids.size() / 8, at(shared)); t < ids.size(); ++t) ids[t] = -1;
    sequence.mask.shared = shared;
    return cut(std::move(ids));
  }
  // Segments of growing length, the last tokens are padding.
  Case& pack() {
    std::vector<int64_t> ids;
    for (int64_t id = 0; static_cast<int64_t>(ids.size()) < sequence.tokens; ++id)
      ids.resize(ids.size() + at(2 + 5 * id), id);
    ids.resize(at(sequence.tokens));
    for (std::size_t t = ids.size() - ids.size() / 5; t < ids.size(); ++t) ids[t] = -1;
    return cut(std::move(ids));
  }
  void fill_token(int64_t t, float value) {
    std::fill_n(qkv.begin() + t * sequence.qkv_width(), sequence.qkv_width(), value);
  }
};

struct Results {
  Values y, lse, dqkv;
};

// Both passes. Memory begins `offset` floats behind where an allocation does, and holds NaN.
inline Results run(const Case& c, Mode form = Mode::fused, int64_t offset = 0) {
  const AttentionSequence& s = c.sequence;
  const auto shifted = [&](const Values& from) {
    Values to(at(offset), NAN);
    to.insert(to.end(), from.begin(), from.end());
    return to;
  };
  const auto room = [&](int64_t n) { return Values(at(n + offset), NAN); };
  const Values qkv = shifted(c.qkv), dy = shifted(c.dy);
  Values y = room(s.tokens * s.out_width()), lse = room(s.shape.heads * s.tokens),
         dqkv = room(s.tokens * s.qkv_width());
  Values scratch = room(attention_scratch(s)), more = room(attention_backward_scratch(s));
  set_mode(form);
  attention_forward(s, qkv.data() + offset, {y.data() + offset, lse.data() + offset, scratch.data() + offset});
  attention_backward(s, {qkv.data() + offset, y.data() + offset, lse.data() + offset, dy.data() + offset},
                     {dqkv.data() + offset, more.data() + offset});
  set_mode(Mode::fused);
  for (Values* v : {&y, &lse, &dqkv}) v->erase(v->begin(), v->begin() + offset);
  return {y, lse, dqkv};
}

inline double distance(const Values& a, const Values& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(difference <= most)) most = difference;  // NaN stays
  }
  return most;
}

inline bool same_bits(const Values& a, const Values& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

inline std::string name_of(const Case& c) {
  const auto& [tokens, shape, mask, cos, sin] = c.sequence;
  const std::string shared = mask.shared > 0 ? " shared " + std::to_string(mask.shared) : "";
  return "T " + std::to_string(tokens) + " H " + std::to_string(shape.heads) + "/" + std::to_string(shape.kv_heads) +
         " d " + std::to_string(shape.head_dim) + " mask " + std::to_string(static_cast<int>(mask.kind)) + " " +
         std::to_string(mask.prefix) + " " + std::to_string(mask.window) + (mask.segments ? " packed" : "") + shared +
         (cos ? " rotated" : "");
}

}  // namespace hone::kernels
