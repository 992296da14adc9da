// A decoder's weights repacked for generation, and its forward pass over stretches of tokens with a cache. No autograd.
#pragma once

#include "hone/base/pool.h"
#include "hone/kernels/attend.h"
#include "hone/kernels/linear.h"
#include "hone/kernels/norm.h"
#include "hone/models/decoder.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hone::generate {

/// Own copies of a norm's weights; no bias = RMSNorm.
struct PackedNorm {
  std::vector<float> weight, bias;
};

struct PackedBlock {
  PackedNorm norm1, norm2, q_norm, k_norm;
  kernels::PackedLinear qkv, out, up, down;
};

/// A snapshot: does not change when the decoder does. Its matrices lie in `memory`, one after the other; norms, biases
/// and, where input and output are not tied, embeddings are float32 in every format.
struct PackedDecoder {
  models::DecoderConfig config;
  std::vector<float> embed;      ///< [V, D]; empty when tied: rows are then read from `head`
  std::vector<float> positions;  ///< [T, D]; empty for Llama
  std::vector<PackedBlock> blocks;
  PackedNorm norm;
  kernels::PackedLinear head;  ///< [V, D]
  kernels::Floats memory;
};

/// Copies and packs; the matrices are spread over the pool, low-rank additions added to them. In formats other than fp32 this is another model: the one
/// whose matrices are the rounded ones (and the embedding, where tied).
PackedDecoder pack(const models::Decoder& model, base::Pool& pool,
                   kernels::WeightFormat format = kernels::WeightFormat::fp32);

/// Keys and values of consecutive tokens of one sequence, all layers.
class KvCache {
 public:
  KvCache() = default;
  /// Room for `tokens` tokens, in `place` (cache-line aligned, floats(config, tokens) of them, outlives this) or, for
  /// nullptr, in its own memory. Memory is first touched when a token is stored in it.
  KvCache(const models::DecoderConfig& config, int64_t tokens, float* place = nullptr);
  static int64_t floats(const models::DecoderConfig& config, int64_t tokens);

  void clear() { tokens_ = 0; }
  /// Forgets all but the first `tokens` tokens.
  void keep(int64_t tokens) { tokens_ = tokens < tokens_ ? tokens : tokens_; }
  int64_t tokens() const { return tokens_; }
  int64_t room() const { return room_; }
  void advance(int64_t count) { tokens_ += count; }

  /// The first `tokens` tokens of a layer.
  kernels::KvSegment segment(int64_t layer, int64_t tokens) const;
  kernels::KvPlace place(int64_t layer, int64_t token);

 private:
  int64_t room_ = 0, tokens_ = 0, head_stride_ = 0, layer_stride_ = 0;
  float *keys_ = nullptr, *values_ = nullptr;
  kernels::Floats own_;
};

/// cos and sin of every position's rotation, stretched as the config says, [tokens, head_dim/2]; empty for GPT-2.
struct RopeTable {
  int64_t tokens = 0;
  std::vector<float> cos, sin;
};
RopeTable make_rope_table(const models::DecoderConfig& config, int64_t tokens);

/// Tokens to put through the model: they follow prefix (may be nullptr) and what is in `own`, and are added to `own`.
struct Feed {
  std::span<const int32_t> ids;
  const KvCache* prefix = nullptr;
  KvCache* own = nullptr;
};

/// Activations of one worker.
class Workspace {
 public:
  /// `rope` must outlive the workspace and cover `most_tokens`, the longest sequence.
  Workspace(const models::DecoderConfig& config, const RopeTable& rope, int64_t most_tokens);

  /// Rows that pass through a layer together.
  static constexpr int64_t kRows = 64;

 private:
  friend class Pass;
  const RopeTable& rope_;
  kernels::Floats x_, normed_, qkv_, mixed_, up_, last_, scores_;
};

/// Logits after the last token of each feed: logits [feeds, V]. A row's bits depend on its sequence alone, not on the
/// other feeds or on how a sequence is cut into feeds. Ids must lie in the vocabulary and fit the room of `own`.
/// Cost: 2·parameters FLOP a token on one thread; the output projection runs once a feed.
void forward(const PackedDecoder& model, std::span<const Feed> feeds, Workspace& workspace, float* logits);

}  // namespace hone::generate
