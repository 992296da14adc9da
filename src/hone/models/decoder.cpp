#include "hone/models/decoder.h"

#include "hone/base/error.h"
#include "hone/base/sha256.h"
#include "hone/nn/attention.h"
#include "hone/nn/embedding.h"
#include "hone/nn/mlp.h"
#include "hone/nn/output.h"
#include "hone/tensor/device.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hone::models {
namespace {

enum class Bias { no, yes };

at::Tensor empty_bias(int64_t width, Bias bias) { return bias == Bias::yes ? at::empty({width}) : at::Tensor(); }

nn::Linear empty_linear(int64_t out, int64_t in, Bias bias) {
  return {at::empty({out, in}), empty_bias(out, bias), {}};
}

nn::Norm empty_norm(int64_t width, Bias bias) { return {at::empty({width}), empty_bias(width, bias)}; }

// Tensors of the right shapes, numbers undefined.
Decoder skeleton(const DecoderConfig& c) {
  Decoder m;
  m.config = c;
  m.embed = at::empty({c.vocab, c.width});
  const bool gpt2 = c.family == Family::gpt2;
  if (gpt2) m.positions = at::empty({c.context, c.width});
  const auto bias = [&](bool wanted) { return gpt2 || wanted ? Bias::yes : Bias::no; };
  const Bias of_norm = bias(false), of_qkv = bias(c.qkv_bias), of_out = bias(c.out_bias), of_mlp = bias(c.mlp_bias);
  for (int64_t i = 0; i < c.layers; ++i) {
    m.blocks.push_back({.norm1 = empty_norm(c.width, of_norm),
                        .qkv = empty_linear((c.heads + 2 * c.kv_heads) * c.head_dim, c.width, of_qkv),
                        .out = empty_linear(c.width, c.heads * c.head_dim, of_out),
                        .norm2 = empty_norm(c.width, of_norm),
                        .up = empty_linear(gpt2 ? c.mlp : 2 * c.mlp, c.width, of_mlp),
                        .down = empty_linear(c.width, c.mlp, of_mlp)});
    if (c.qk_norm) m.blocks.back().q_norm = m.blocks.back().k_norm = {at::empty({c.head_dim}), {}};
  }
  m.norm = empty_norm(c.width, of_norm);
  if (c.scalar)
    m.score = at::empty({1, c.width});
  else if (!c.tied)
    m.head = at::empty({c.vocab, c.width});
  return m;
}

// Points every parameter into `flat`.
void bind(Decoder& m, const at::Tensor& flat) {
  int64_t offset = 0;
  m.visit([&](const std::string&, at::Tensor& t) {
    const int64_t n = t.numel();
    t = flat.narrow(0, offset, n).view(t.sizes().vec());
    offset += n;
  });
  m.flat = flat;
}

// Storage of its own for every parameter, their numbers in it.
at::Tensor packed(const Decoder& m) {
  const auto flat = at::empty({parameter_count(m)}, m.flat.options());
  int64_t offset = 0;
  Decoder view = m;
  view.visit([&](const std::string&, at::Tensor& t) {
    flat.narrow(0, offset, t.numel()).view(t.sizes().vec()).copy_(t.detach());
    offset += t.numel();
  });
  return flat;
}

void require_vocabulary(const Decoder& m) {
  if (!m.scalar()) return;
  throw Error(ErrorKind::usage, "the model gives one number a position (a critic or a reward model) and no tokens",
              "give a language model here");
}

bool ends_with(std::string_view name, std::string_view tail) {
  return name.size() >= tail.size() && name.substr(name.size() - tail.size()) == tail;
}

at::Tensor mlp(const Decoder& m, const Block& b, const at::Tensor& x) {
  const auto activation = m.config.family == Family::gpt2 ? nn::Activation::gelu_tanh : nn::Activation::swiglu;
  return nn::mlp(b.up, b.down, activation, x);
}

// Queries and keys normed head by head, values as they are.
at::Tensor norm_heads(const DecoderConfig& c, const Block& b, const at::Tensor& qkv) {
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  const auto normed = [&](const nn::Norm& norm, int64_t first, int64_t width) {
    const auto part = qkv.narrow(2, first, width);
    const auto heads = part.reshape({qkv.size(0), qkv.size(1), width / c.head_dim, c.head_dim});
    return nn::apply(norm, heads.contiguous(), c.norm_eps).view(part.sizes());
  };
  return at::cat({normed(b.q_norm, 0, q), normed(b.k_norm, q, kv), qkv.narrow(2, q + kv, kv)}, 2);
}

}  // namespace

void Decoder::visit(const ParamVisitor& v) {
  const auto one = [&](const std::string& name, at::Tensor& t) {
    if (t.defined()) v(name, t);
  };
  one("embed.weight", embed);
  one("positions.weight", positions);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto prefix = "blocks." + std::to_string(i) + ".";
    Block& b = blocks[i];
    one(prefix + "norm1.weight", b.norm1.weight);
    one(prefix + "norm1.bias", b.norm1.bias);
    one(prefix + "qkv.weight", b.qkv.weight);
    one(prefix + "qkv.bias", b.qkv.bias);
    one(prefix + "q_norm.weight", b.q_norm.weight);
    one(prefix + "k_norm.weight", b.k_norm.weight);
    one(prefix + "out.weight", b.out.weight);
    one(prefix + "out.bias", b.out.bias);
    one(prefix + "norm2.weight", b.norm2.weight);
    one(prefix + "norm2.bias", b.norm2.bias);
    one(prefix + "up.weight", b.up.weight);
    one(prefix + "up.bias", b.up.bias);
    one(prefix + "down.weight", b.down.weight);
    one(prefix + "down.bias", b.down.bias);
  }
  one("norm.weight", norm.weight);
  one("norm.bias", norm.bias);
  one("head.weight", head);
  if (!adapted()) one("score.weight", score);
}

void Decoder::visit_maps(const MapVisitor& v) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto prefix = "blocks." + std::to_string(i) + ".";
    v(prefix + "qkv", blocks[i].qkv);
    v(prefix + "out", blocks[i].out);
    v(prefix + "up", blocks[i].up);
    v(prefix + "down", blocks[i].down);
  }
}

void Decoder::visit_trained(const ParamVisitor& v) {
  if (!adapted()) return visit(v);
  visit_maps([&](const std::string& name, nn::Linear& map) {
    if (!map.delta.defined()) return;
    v(name + ".a", map.delta.a);
    v(name + ".b", map.delta.b);
  });
  if (score.defined()) v("score.weight", score);
}

int64_t parameter_count(const Decoder& model) {
  int64_t count = 0;
  Decoder view = model;  // visit() hands out mutable tensors; the copy shares their storage
  view.visit([&](const std::string&, at::Tensor& t) { count += t.numel(); });
  return count;
}

Decoder zeros(const DecoderConfig& config) {
  Decoder m = skeleton(config);
  bind(m, at::zeros({parameter_count(m)}));
  return m;
}

Decoder fresh(const DecoderConfig& config, Rng rng) {
  Decoder m = zeros(config);
  const double residual = 1.0 / std::sqrt(2.0 * static_cast<double>(config.layers));
  m.visit([&](const std::string& name, at::Tensor& t) {
    float* p = t.data_ptr<float>();
    if (ends_with(name, "bias")) return;  // zero already
    if (t.dim() == 1) return std::fill_n(p, t.numel(), 1.0f), void();
    const double scale = 0.02 * (ends_with(name, "out.weight") || ends_with(name, "down.weight") ? residual : 1.0);
    Rng stream = rng.fork(name);
    for (int64_t i = 0; i < t.numel(); ++i) p[i] = static_cast<float>(scale * stream.normal());
  });
  return m;
}

Decoder copy(const Decoder& from) {
  Decoder m = from;
  // An adapter belongs to all of its base's storage, of which a scalar decoder leaves the vocabulary's head unused.
  bind(m, from.adapted() ? from.flat.clone() : packed(from));
  if (m.adapted()) bind_adapter(m, from.adapter.flat.clone());
  return m;
}

Decoder merged(const Decoder& from) {
  Decoder m = from;
  m.adapter = {};
  bind(m, packed(m));
  m.visit_maps([](const std::string&, nn::Linear& map) {
    nn::add_product(map.delta, map.weight);
    map.delta = {};
  });
  return m;
}

Decoder replica(const Decoder& of) {
  Decoder m = of;
  m.visit([&](const std::string&, at::Tensor& t) { t = t.detach(); });
  m.visit_trained([](const std::string&, at::Tensor& t) { t = t.detach().requires_grad_(true); });
  return m;
}

void bind_adapter(Decoder& m, const at::Tensor& flat) {
  m.adapter.flat = flat;
  int64_t offset = 0;
  m.visit_trained([&](const std::string&, at::Tensor& t) {
    const int64_t n = t.numel();
    t = flat.narrow(0, offset, n).view(t.sizes().vec());
    offset += n;
  });
  require(offset == flat.numel(), ErrorKind::internal, "an adapter of {} numbers does not fit storage of {}", offset,
          flat.numel());
}

std::string hash_of(const Decoder& model) {
  constexpr int64_t kPiece = int64_t{1} << 24;
  const auto numbers = model.flat.detach().cpu();
  base::Sha256 hash;
  for (int64_t at = 0; at < numbers.numel(); at += kPiece) {
    const auto count = static_cast<std::size_t>(std::min(kPiece, numbers.numel() - at));
    hash.add({reinterpret_cast<const char*>(numbers.data_ptr<float>() + at), count * sizeof(float)});
  }
  return hash.hex();
}

void to_device(Decoder& m, const at::Device& device) {
  if (m.flat.device() != device) bind(m, m.flat.to(device));
  if (m.adapted() && m.adapter.flat.device() != device) bind_adapter(m, m.adapter.flat.to(device));
  m.activations = tensor::activations_on(device);
}

void assign(Decoder& to, const Decoder& from) {
  require(!to.adapted() && !from.adapted(), ErrorKind::internal, "an adapted decoder's numbers may be another's too");
  to.flat.copy_(from.flat);
}

nn::Rope rotations(const DecoderConfig& c, const at::Tensor& positions_BT) {
  return nn::make_rope(positions_BT, rope_frequencies(c.head_dim, c.rope_theta, c.rope), c.rope.magnitude);
}

at::Tensor hidden_states(const Decoder& m, const tensor::Batch& batch, const nn::Trace* trace, const Mixer* mixer) {
  const DecoderConfig& c = m.config;
  const nn::AttentionShape shape{c.heads, c.kv_heads, c.head_dim};
  nn::AttentionMask mask{.segments_BT = batch.segments_BT, .shared_B = batch.shared_B};
  auto x = nn::pick_rows(m.embed, batch.ids_BT);
  nn::Rope rope;
  if (c.family == Family::gpt2) {
    x = x + nn::pick_rows(m.positions, batch.positions_BT);
  } else if (!mixer) {
    rope = rotations(c, batch.positions_BT);
  }
  // The norm that follows a residual sum is computed with it, so each block starts from its input and that input's
  // norm.
  const auto rounded = [&](const at::Tensor& t) { return m.activations == at::kFloat ? t : t.to(m.activations); };
  nn::Normed s{x, rounded(nn::apply(m.blocks[0].norm1, x, c.norm_eps))};
  for (std::size_t i = 0; i < m.blocks.size(); ++i) {
    const Block& b = m.blocks[i];
    const nn::Norm& next = i + 1 < m.blocks.size() ? m.blocks[i + 1].norm1 : m.norm;
    const auto site = "blocks." + std::to_string(i);
    auto qkv = nn::apply(b.qkv, s.normed);
    if (c.qk_norm) qkv = norm_heads(c, b, qkv);
    mask.window = c.window(i);
    const auto mixed = mixer ? (*mixer)(static_cast<int64_t>(i), qkv, mask)
                             : nn::attention(qkv, shape, mask, c.family == Family::llama ? &rope : nullptr);
    s = nn::add_apply(b.norm2, s.x, nn::at_site(trace, site + ".attn.out", nn::apply(b.out, mixed)), c.norm_eps);
    s.normed = rounded(s.normed);
    s = nn::add_apply(next, s.x, nn::at_site(trace, site + ".mlp.out", mlp(m, b, s.normed)), c.norm_eps);
    if (trace) {  // whoever replaces the sum wants the norm of what they put there
      s.x = nn::at_site(trace, site + ".out", s.x);
      s.normed = nn::apply(next, s.x, c.norm_eps);
    }
    s.normed = rounded(s.normed);
  }
  return s.normed;
}

at::Tensor logits(const Decoder& m, const tensor::Batch& batch, const nn::Trace* trace) {
  require_vocabulary(m);
  const auto hidden = hidden_states(m, batch, trace);
  return at::linear(hidden, nn::as_dtype_of(hidden, m.output_weight()));
}

namespace {

// Flat indices of the states that predict the tokens at flat indices `targets`: the one before each, which is in the
// same row, since the mask is never true at column 0; for the first token of a completion that shares a prompt, the
// prompt's last.
at::Tensor predictors(const tensor::Batch& batch, const at::Tensor& targets) {
  const auto before = targets - 1;
  if (!batch.shared_B.defined()) return before;
  const auto segments = batch.segments_BT.reshape({-1});
  const auto begins = segments.index_select(0, targets).ne(segments.index_select(0, before));
  const int64_t tokens = batch.ids_BT.size(1);
  const auto row = targets.div(tokens, "floor");
  return at::where(begins, row * tokens + batch.shared_B.index_select(0, row) - 1, before);
}

}  // namespace

at::Tensor logprobs(const Decoder& m, const tensor::Batch& batch, double temperature) {
  require_vocabulary(m);
  const auto hidden = hidden_states(m, batch);
  const int64_t rows = batch.ids_BT.size(0), tokens = batch.ids_BT.size(1);
  const auto targets = batch.loss_mask_BT.reshape({-1}).nonzero().squeeze(1);
  const auto states = nn::pick_rows(hidden.reshape({rows * tokens, -1}), predictors(batch, targets));
  const auto chosen = batch.ids_BT.reshape({-1}).index_select(0, targets);
  const auto logp = nn::projected_logprobs(states, m.output_weight(), chosen, temperature);
  return at::zeros({rows * tokens}, logp.options()).scatter(0, targets, logp).view({rows, tokens});
}

}  // namespace hone::models
