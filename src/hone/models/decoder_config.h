// Size, family and switches of a decoder (torch-free).
#pragma once

#include "hone/base/options.h"
#include "hone/models/rope.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hone::models {

/// The two layouts: GPT-2's (LayerNorm, learned positions, GELU, biases everywhere) and Llama's (RMSNorm, rotary
/// positions, SwiGLU), of which Mistral, Qwen2 and Qwen3 are variants by the switches below.
enum class Family { gpt2, llama };

struct DecoderConfig {
  Family family = Family::gpt2;
  int64_t vocab = 0;
  int64_t context = 0;   ///< most tokens of a sequence
  int64_t width = 0;     ///< D
  int64_t layers = 0;    ///< L
  int64_t heads = 0;     ///< H
  int64_t kv_heads = 0;  ///< KV; H for GPT-2
  int64_t head_dim = 0;  ///< d_head
  int64_t mlp = 0;       ///< F
  double norm_eps = 1e-5;
  double rope_theta = 10000;
  bool tied = true;     ///< output projection = embedding
  bool scalar = false;  ///< one number a position in place of logits (models/scalar.h)
  RopeScaling rope;     ///< llama, as all that follows
  bool qkv_bias = false, out_bias = false, mlp_bias = false;
  bool qk_norm = false;          ///< RMSNorm of every head's query and key before they are rotated
  std::vector<int64_t> windows;  ///< by layer: token i sees j only if i − j < window, 0 = all; empty = all everywhere

  int64_t window(std::size_t layer) const { return windows.empty() ? 0 : windows[layer]; }
  bool operator==(const DecoderConfig&) const = default;
};

/// The options of a fresh model.
struct ModelOptions {
  std::string family = "llama";
  int64_t width = 128, layers = 4, heads = 4, kv_heads = 0, mlp = 0, context = 64;

  void visit(base::OptionVisitor& v) {
    v.field("family", family, {.help = "architecture of a fresh model", .choices = {"gpt2", "llama"}});
    v.field("width", width, {.help = "residual width D", .min = 8, .max = 16384});
    v.field("layers", layers, {.help = "number of blocks", .min = 1, .max = 512});
    v.field("heads", heads, {.help = "attention heads; must divide width", .min = 1, .max = 256});
    v.field("kv_heads", kv_heads, {.help = "key/value heads (llama); 0 = heads", .min = 0, .max = 256});
    v.field("mlp", mlp, {.help = "width of the feed-forward part; 0 = 4·width (gpt2) or 8/3·width (llama)", .min = 0});
    v.field("context", context, {.help = "most tokens of a sequence", .min = 8, .max = 1 << 20});
  }
};

/// Errors: usage if heads don't divide width or kv_heads don't divide heads.
DecoderConfig config_of(const ModelOptions& options, int64_t vocab);

}  // namespace hone::models
