#include "hone/generate/packed_decoder.h"

#include "hone/kernels/elementwise.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace hone::generate {
namespace {

using models::DecoderConfig;
using models::Family;

std::vector<float> floats_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const auto t = tensor.detach().contiguous();
  return {t.data_ptr<float>(), t.data_ptr<float>() + t.numel()};
}

PackedNorm pack_norm(const nn::Norm& norm) { return {floats_of(norm.weight), floats_of(norm.bias)}; }

void apply_norm(const PackedNorm& norm, const float* x, kernels::Rows rows, double eps, float* y) {
  const kernels::NormWeights weights{norm.weight.data(), norm.bias.data(), static_cast<float>(eps)};
  if (norm.bias.empty())
    kernels::rms_norm(x, rows, weights, y);
  else
    kernels::layer_norm(x, rows, weights, y);
}

}  // namespace

PackedDecoder pack(const models::Decoder& model, base::Pool& pool, kernels::WeightFormat format) {
  PackedDecoder packed;
  packed.config = model.config;
  packed.blocks.resize(model.blocks.size());
  struct Job {
    const nn::Linear* map;
    kernels::PackedLinear* to;
    int64_t begin;
  };
  std::vector<Job> jobs;
  int64_t floats = 0;
  const auto plan = [&](const nn::Linear& map, kernels::PackedLinear& to) {
    jobs.push_back({&map, &to, floats});
    floats += kernels::PackedLinear::floats_needed(map.weight.size(0), map.weight.size(1), format);
  };
  for (std::size_t i = 0; i < model.blocks.size(); ++i) {
    const models::Block& from = model.blocks[i];
    PackedBlock& to = packed.blocks[i];
    to.norm1 = pack_norm(from.norm1);
    to.norm2 = pack_norm(from.norm2);
    to.q_norm = pack_norm(from.q_norm);
    to.k_norm = pack_norm(from.k_norm);
    plan(from.qkv, to.qkv);
    plan(from.out, to.out);
    plan(from.up, to.up);
    plan(from.down, to.down);
  }
  const nn::Linear head{model.output_weight(), {}, {}};
  plan(head, packed.head);
  packed.norm = pack_norm(model.norm);
  packed.positions = floats_of(model.positions);
  if (!model.config.tied) packed.embed = floats_of(model.embed);
  packed.memory = kernels::Floats(floats);
  pool.for_each(static_cast<int64_t>(jobs.size()), [&](int64_t i, int) {
    const Job& job = jobs[static_cast<std::size_t>(i)];
    const auto weight = nn::merged_weight(*job.map).contiguous();
    const auto bias = floats_of(job.map->bias);
    *job.to = kernels::PackedLinear(
        {weight.data_ptr<float>(), bias.empty() ? nullptr : bias.data(), weight.size(0), weight.size(1)}, format,
        packed.memory.data() + job.begin);
  });
  return packed;
}

KvCache::KvCache(const DecoderConfig& c, int64_t tokens, float* place)
    : room_(kernels::panel_tokens(tokens)),
      head_stride_(room_ * c.head_dim),
      layer_stride_(head_stride_ * c.kv_heads),
      keys_(place) {
  if (!keys_) {
    own_ = kernels::Floats(floats(c, tokens));
    keys_ = own_.data();
  }
  values_ = keys_ + layer_stride_ * c.layers;
}

int64_t KvCache::floats(const DecoderConfig& c, int64_t tokens) {
  return 2 * c.layers * c.kv_heads * c.head_dim * kernels::panel_tokens(tokens);
}

kernels::KvSegment KvCache::segment(int64_t layer, int64_t tokens) const {
  return {keys_ + layer * layer_stride_, values_ + layer * layer_stride_, tokens, head_stride_};
}

kernels::KvPlace KvCache::place(int64_t layer, int64_t token) {
  return {keys_ + layer * layer_stride_, values_ + layer * layer_stride_, token, head_stride_};
}

RopeTable make_rope_table(const DecoderConfig& c, int64_t tokens) {
  RopeTable table{tokens, {}, {}};
  if (c.family != Family::llama) return table;
  const auto frequencies = models::rope_frequencies(c.head_dim, c.rope_theta, c.rope);
  for (int64_t t = 0; t < tokens; ++t) {
    for (const double frequency : frequencies) {
      // In double, as in training: at position 100,000 a float angle is off by 0.01 rad.
      const double angle = static_cast<double>(t) * frequency;
      table.cos.push_back(static_cast<float>(std::cos(angle) * c.rope.magnitude));
      table.sin.push_back(static_cast<float>(std::sin(angle) * c.rope.magnitude));
    }
  }
  return table;
}

Workspace::Workspace(const DecoderConfig& c, const RopeTable& rope, int64_t most_tokens)
    : rope_(rope),
      x_(kRows * c.width),
      normed_(kRows * c.width),
      qkv_(kRows * (c.heads + 2 * c.kv_heads) * c.head_dim),
      mixed_(kRows * c.heads * c.head_dim),
      up_(kRows * c.mlp * (c.family == Family::gpt2 ? 1 : 2)),
      last_(kRows * c.width),
      scores_(kernels::attend_scratch({c.heads, c.kv_heads, c.head_dim}, most_tokens, 2)) {}

// Rows of one trip through the layers: pieces of feeds, one after the other.
class Pass {
 public:
  Pass(const PackedDecoder& model, Workspace& workspace) : m_(model), c_(model.config), w_(workspace) {}

  int64_t free_rows() const { return Workspace::kRows - rows_; }
  bool empty() const { return rows_ == 0; }

  // Tokens [begin, begin + count) of a feed; `last` is whether the feed ends with them.
  enum class Ends { no, yes };
  void add(const Feed& feed, int64_t begin, int64_t count, Ends ends) {
    pieces_.push_back({&feed, rows_, begin, count});
    rows_ += count;
    if (ends == Ends::yes) last_rows_.push_back(rows_ - 1);
  }

  // Writes a row of logits for each feed that ended; returns their number.
  int64_t run(float* logits) {
    for (const Piece& p : pieces_) embed(p);
    for (std::size_t i = 0; i < m_.blocks.size(); ++i) block(m_.blocks[i], static_cast<int64_t>(i));
    for (const Piece& p : pieces_) p.feed->own->advance(p.count);
    const auto ended = static_cast<int64_t>(last_rows_.size());
    for (int64_t i = 0; i < ended; ++i)
      std::copy_n(w_.x_.data() + last_rows_[static_cast<std::size_t>(i)] * c_.width, c_.width,
                  w_.last_.data() + i * c_.width);
    apply_norm(m_.norm, w_.last_.data(), {ended, c_.width}, c_.norm_eps, w_.last_.data());
    kernels::packed_linear(m_.head, w_.last_.data(), ended, logits);
    pieces_.clear();
    last_rows_.clear();
    rows_ = 0;
    return ended;
  }

 private:
  struct Piece {
    const Feed* feed;
    int64_t row, begin, count;

    int64_t prefix_tokens() const { return feed->prefix ? feed->prefix->tokens() : 0; }
    int64_t position() const { return prefix_tokens() + feed->own->tokens(); }
  };

  void embed(const Piece& p) {
    for (int64_t i = 0; i < p.count; ++i) {
      const int64_t id = p.feed->ids[static_cast<std::size_t>(p.begin + i)];
      float* x = w_.x_.data() + (p.row + i) * c_.width;
      if (m_.embed.empty())
        m_.head.row(id, x);
      else
        std::copy_n(m_.embed.data() + id * c_.width, c_.width, x);
      if (!m_.positions.empty()) kernels::add(m_.positions.data() + (p.position() + i) * c_.width, c_.width, x);
    }
  }

  void block(const PackedBlock& b, int64_t layer) {
    apply_norm(b.norm1, w_.x_.data(), {rows_, c_.width}, c_.norm_eps, w_.normed_.data());
    kernels::packed_linear(b.qkv, w_.normed_.data(), rows_, w_.qkv_.data());
    if (c_.qk_norm) norm_heads(b);
    for (const Piece& p : pieces_) attend(p, layer);
    kernels::packed_linear_add(b.out, w_.mixed_.data(), rows_, w_.x_.data());
    apply_norm(b.norm2, w_.x_.data(), {rows_, c_.width}, c_.norm_eps, w_.normed_.data());
    kernels::packed_linear(b.up, w_.normed_.data(), rows_, w_.up_.data());
    if (c_.family == Family::gpt2)
      kernels::gelu_tanh(w_.up_.data(), rows_ * c_.mlp, w_.up_.data());
    else
      kernels::swiglu(w_.up_.data(), {rows_, c_.mlp}, w_.up_.data());
    kernels::packed_linear_add(b.down, w_.up_.data(), rows_, w_.x_.data());
  }

  // Queries and keys of every head, in place.
  void norm_heads(const PackedBlock& b) {
    const int64_t q_width = c_.heads * c_.head_dim, stride = q_width + 2 * c_.kv_heads * c_.head_dim;
    for (int64_t i = 0; i < rows_; ++i) {
      float *q = w_.qkv_.data() + i * stride, *k = q + q_width;
      apply_norm(b.q_norm, q, {c_.heads, c_.head_dim}, c_.norm_eps, q);
      apply_norm(b.k_norm, k, {c_.kv_heads, c_.head_dim}, c_.norm_eps, k);
    }
  }

  void attend(const Piece& p, int64_t layer) {
    const kernels::HeadShape shape{c_.heads, c_.kv_heads, c_.head_dim};
    const int64_t q_width = c_.heads * c_.head_dim, kv_width = c_.kv_heads * c_.head_dim;
    const int64_t stride = q_width + 2 * kv_width;
    float* qkv = w_.qkv_.data() + p.row * stride;
    KvCache& own = *p.feed->own;
    for (int64_t i = 0; i < p.count; ++i) {
      float* token = qkv + i * stride;
      if (c_.family == Family::llama) {
        // Keys lie right behind the queries: one call rotates both.
        const int64_t at = (p.position() + i) * (c_.head_dim / 2);
        kernels::rope(token, {c_.heads + c_.kv_heads, c_.head_dim}, w_.rope_.cos.data() + at, w_.rope_.sin.data() + at);
      }
      kernels::store_kv(token + q_width, token + q_width + kv_width, shape, own.place(layer, own.tokens() + i));
    }
    const auto own_part = own.segment(layer, own.tokens() + p.count);
    const kernels::AttendOut out{w_.mixed_.data() + p.row * q_width, q_width, w_.scores_.data()};
    const kernels::Queries queries{qkv, p.count, stride, c_.window(static_cast<std::size_t>(layer))};
    if (p.prefix_tokens() == 0) {
      kernels::attend(queries, {&own_part, 1}, shape, out);
    } else {
      const kernels::KvSegment past[] = {p.feed->prefix->segment(layer, p.prefix_tokens()), own_part};
      kernels::attend(queries, past, shape, out);
    }
  }

  const PackedDecoder& m_;
  const DecoderConfig& c_;
  Workspace& w_;
  std::vector<Piece> pieces_;
  std::vector<int64_t> last_rows_;
  int64_t rows_ = 0;
};

void forward(const PackedDecoder& model, std::span<const Feed> feeds, Workspace& workspace, float* logits) {
  Pass pass(model, workspace);
  const auto flush = [&] { logits += pass.run(logits) * model.config.vocab; };
  for (const Feed& feed : feeds) {
    const auto total = static_cast<int64_t>(feed.ids.size());
    for (int64_t begin = 0; begin < total;) {
      const int64_t count = std::min(total - begin, pass.free_rows());
      pass.add(feed, begin, count, begin + count == total ? Pass::Ends::yes : Pass::Ends::no);
      begin += count;
      if (pass.free_rows() == 0) flush();
    }
  }
  if (!pass.empty()) flush();
}

}  // namespace hone::generate
