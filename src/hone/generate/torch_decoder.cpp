#include "hone/generate/torch_decoder.h"

#include "hone/base/error.h"

#include <ATen/ATen.h>
#include <ATen/TensorIndexing.h>

#include <cmath>
#include <limits>

namespace hone::generate {
namespace {

// One layer of a cache, and where a feed's tokens stand in it.
struct Layer {
  at::Tensor keys, values;  // [rows, KV, columns, d]
  const StaticFeed& feed;

  void store(const at::Tensor& k, const at::Tensor& v) const {  // [R, KV, N, d]
    using at::indexing::Slice;
    const int64_t count = feed.ids_RN.size(0);
    const auto all = at::arange(keys.size(0), feed.ids_RN.options()).narrow(0, 0, count);
    const auto rows = (feed.rows_R.defined() ? feed.rows_R : all).unsqueeze(1);
    // Indexed dimensions come first: values are [R, N, KV, d].
    at::Tensor(keys).index_put_({rows, Slice(), feed.columns_RN}, k.transpose(1, 2));
    at::Tensor(values).index_put_({rows, Slice(), feed.columns_RN}, v.transpose(1, 2));
  }

  at::Tensor read(const at::Tensor& all) const {
    return feed.rows_R.defined() ? all.index_select(0, feed.rows_R) : all;
  }
};

// What a token must not look at: [R, 1, 1, N, columns].
at::Tensor unseen(const StaticFeed& feed, int64_t columns, int64_t window) {
  const auto key = at::arange(columns, feed.columns_RN.options()), query = feed.columns_RN.unsqueeze(2);
  auto out = key.gt(query);
  if (window > 0) out = out.logical_or((query - key).ge(window));
  return out.unsqueeze(1).unsqueeze(1);
}

// softmax(q Kᵀ/√d) V over a whole row of the cache; a head of keys serves its group of queries in one product.
at::Tensor attend(const at::Tensor& q_RHNd, const Layer& layer, const at::Tensor& unseen) {
  const auto keys = layer.read(layer.keys), values = layer.read(layer.values);
  const int64_t rows = q_RHNd.size(0), heads = q_RHNd.size(1), tokens = q_RHNd.size(2), d = q_RHNd.size(3);
  const int64_t kv = keys.size(1), columns = keys.size(2), group = heads / kv;
  const auto q = (q_RHNd * (1.0 / std::sqrt(static_cast<double>(d)))).reshape({rows, kv, group * tokens, d});
  auto scores = at::matmul(q, keys.transpose(2, 3)).to(at::kFloat).view({rows, kv, group, tokens, columns});
  scores = scores.masked_fill(unseen, -std::numeric_limits<float>::infinity());
  const auto weights = at::softmax(scores, -1).to(values.scalar_type()).view({rows, kv, group * tokens, columns});
  const auto mixed = at::matmul(weights, values).view({rows, heads, tokens, d});
  return mixed.transpose(1, 2).reshape({rows, tokens, heads * d});
}

}  // namespace

StaticCache::StaticCache(const models::DecoderConfig& c, int64_t rows, int64_t columns, const at::Tensor& like)
    : keys(at::zeros({c.layers, rows, c.kv_heads, columns, c.head_dim}, like.options())),
      values(at::zeros_like(keys)) {}

TorchDecoder::TorchDecoder(const models::Decoder& model) : model_(models::merged(model)) {
  wide_ = model_.flat;
  narrow_ = model.activations == at::kFloat ? wide_ : wide_.to(model.activations);
  if (config().family == models::Family::llama) {
    const auto positions = at::arange(config().context, wide_.options().dtype(at::kLong));
    rope_ = models::rotations(config(), positions.unsqueeze(0));
  }
  int64_t offset = 0;
  model_.visit([&](const std::string& name, at::Tensor& t) {
    const auto narrow = narrow_.narrow(0, offset, t.numel()).view(t.sizes().vec());
    offset += t.numel();
    if (name == (model_.config.tied ? "embed.weight" : "head.weight")) head_ = narrow;
    if (t.dim() == 2 && name.starts_with("blocks.")) t = narrow;
  });
}

void TorchDecoder::refresh(const models::Decoder& model) {
  require(model.config == model_.config && model.flat.device() == wide_.device() &&
              model.activations == narrow_.scalar_type(),
          ErrorKind::internal, "generate: an engine is refreshed with another kind of model");
  wide_.copy_(model.adapted() ? models::merged(model).flat : model.flat);
  if (!narrow_.is_same(wide_)) narrow_.copy_(wide_);
}

at::Tensor TorchDecoder::feed(StaticCache& cache, const StaticFeed& feed) const {
  const models::DecoderConfig& c = config();
  tensor::Batch batch;
  batch.ids_BT = feed.ids_RN;
  // The padding column may lie behind the context.
  batch.positions_BT = feed.columns_RN.clamp_max(c.context - 1);
  const auto at_positions = [&](const at::Tensor& table) {
    return table[0].index_select(0, batch.positions_BT.flatten()).view({feed.ids_RN.size(0), -1, c.head_dim / 2});
  };
  nn::Rope rope;
  if (rope_.cos_BTd.defined()) rope = {at_positions(rope_.cos_BTd), at_positions(rope_.sin_BTd)};
  const auto heads = [&](const at::Tensor& qkv, int64_t first, int64_t count) {
    const auto part = qkv.narrow(2, first * c.head_dim, count * c.head_dim);
    return part.reshape({qkv.size(0), qkv.size(1), count, c.head_dim}).transpose(1, 2);
  };
  const models::Mixer mixer = [&](int64_t i, const at::Tensor& qkv, const nn::AttentionMask& mask) {
    const Layer layer{cache.keys[i], cache.values[i], feed};
    auto q = heads(qkv, 0, c.heads), k = heads(qkv, c.heads, c.kv_heads);
    if (rope.cos_BTd.defined()) q = nn::rotate(q, rope), k = nn::rotate(k, rope);
    layer.store(k, heads(qkv, c.heads + c.kv_heads, c.kv_heads));
    return attend(q, layer, unseen(feed, cache.columns(), mask.window));
  };
  const at::NoGradGuard no_grad;
  return models::hidden_states(model_, batch, nullptr, &mixer);
}

at::Tensor TorchDecoder::logits(const at::Tensor& states) const { return at::linear(states, head_).to(at::kFloat); }

}  // namespace hone::generate
