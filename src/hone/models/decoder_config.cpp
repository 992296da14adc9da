#include "hone/models/decoder_config.h"

#include "hone/base/error.h"

namespace hone::models {
namespace {

// As in config.json: what could not be read back is not made.
constexpr int64_t kMaxSize = int64_t{1} << 24;

}  // namespace

DecoderConfig config_of(const ModelOptions& o, int64_t vocab) {
  DecoderConfig c;
  c.family = o.family == "llama" ? Family::llama : Family::gpt2;
  c.vocab = vocab;
  c.context = o.context;
  c.width = o.width;
  c.layers = o.layers;
  c.heads = o.heads;
  c.kv_heads = c.family == Family::gpt2 || o.kv_heads == 0 ? o.heads : o.kv_heads;
  require(o.width % o.heads == 0, ErrorKind::usage, "model.heads {} does not divide model.width {}", o.heads, o.width);
  require(o.heads % c.kv_heads == 0, ErrorKind::usage, "model.kv_heads {} does not divide model.heads {}", c.kv_heads,
          o.heads);
  c.head_dim = o.width / o.heads;
  require(c.family == Family::gpt2 || c.head_dim % 2 == 0, ErrorKind::usage,
          "model.width / model.heads is {}; rotary positions need an even number", c.head_dim);
  // 8/3·D keeps Llama's three matrices at the size of GPT-2's two; rounded up to whole SIMD panels of 16.
  const int64_t llama_mlp = (8 * o.width / 3 + 15) / 16 * 16;
  require(o.mlp <= kMaxSize, ErrorKind::usage, "model.mlp is {}; allowed: at most {}", o.mlp, kMaxSize);
  c.mlp = o.mlp > 0 ? o.mlp : c.family == Family::gpt2 ? 4 * o.width : llama_mlp;
  c.norm_eps = 1e-5;
  return c;
}

}  // namespace hone::models
