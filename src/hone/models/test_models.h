// Small decoders of both families and batches for them; for the tests of this folder.
#pragma once

#include "hone/models/decoder.h"

#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace hone::models {

/// What a llama has beside the usual.
enum class Extras { none, biases, qwen2, qwen3 };

/// Both families, tied and untied, and llamas with every switch of the config.
struct Variant {
  Family family;
  bool tied;
  Extras extras = Extras::none;
};

inline const Variant kVariants[] = {{Family::gpt2, true},
                                    {Family::gpt2, false},
                                    {Family::llama, true},
                                    {Family::llama, false},
                                    {Family::llama, false, Extras::biases},
                                    {Family::llama, true, Extras::qwen2},
                                    {Family::llama, true, Extras::qwen3}};

inline std::string name_of(const Variant& v) {
  constexpr const char* kExtras[] = {"", "_biases", "_qwen2", "_qwen3"};
  return std::string(v.family == Family::gpt2 ? "gpt2" : "llama") + (v.tied ? "_tied" : "_untied") +
         kExtras[static_cast<std::size_t>(v.extras)];
}

inline void add_extras(DecoderConfig& c, Extras extras) {
  c.qkv_bias = extras != Extras::none;
  c.out_bias = extras == Extras::biases || extras == Extras::qwen3;
  c.mlp_bias = extras == Extras::biases;
  c.qk_norm = extras == Extras::qwen3;
  if (extras == Extras::biases) c.rope = {.type = RopeType::llama3, .factor = 4, .original_context = 8};
  if (extras == Extras::qwen2) c.windows = {3, 0};
  if (extras != Extras::qwen3) return;
  c.windows = {0, 4};
  c.rope = {.type = RopeType::yarn, .factor = 2, .original_context = 7, .beta_fast = 2, .magnitude = 1.1};
}

/// No two sizes are equal, so that a swapped pair of dimensions shows; Llama's heads are grouped.
inline DecoderConfig small_config(const Variant& v) {
  DecoderConfig c;
  c.family = v.family;
  c.vocab = 19;
  c.context = 13;
  c.width = 24;
  c.layers = 2;
  c.heads = 4;
  c.kv_heads = v.family == Family::llama ? 2 : 4;
  c.head_dim = 6;
  c.mlp = 40;
  c.tied = v.tied;
  add_extras(c, v.extras);
  return c;
}

/// Weights large enough that predictions are far from uniform; norms and biases random too.
inline Decoder small_model(const Variant& v, uint64_t seed = 1) {
  Decoder model = fresh(small_config(v), Rng(seed));
  Rng rng(seed + 100);
  model.visit([&](const std::string&, at::Tensor& t) {
    if (t.dim() == 2) return t.mul_(12), void();
    for (int64_t i = 0; i < t.numel(); ++i) t.data_ptr<float>()[i] += static_cast<float>(0.2 * rng.normal());
  });
  return model;
}

/// Rows of equal length, one sequence each; loss on every token but the first.
inline tensor::Batch batch_of(const std::vector<std::vector<int64_t>>& rows) {
  std::vector<at::Tensor> stacked;
  for (const auto& row : rows) stacked.push_back(at::tensor(row, at::kLong));
  tensor::Batch batch;
  batch.ids_BT = at::stack(stacked);
  batch.positions_BT = at::arange(batch.ids_BT.size(1)).expand(batch.ids_BT.sizes()).contiguous();
  batch.loss_mask_BT = batch.positions_BT.gt(0);
  return batch;
}

inline double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace hone::models
