// Which GGUF tensor is made of which Hugging Face tensor, per architecture.
#pragma once

#include "hone/base/json.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::checkpoint::gguf {

/// How rows are rearranged on the way.
enum class Arrange {
  as_is,
  transpose,  ///< GPT-2's Conv1D stores [in, out]
  interleave,  ///< llama's rotary pairs: row h·d + 2i + j of the file is row h·d + j·d/2 + i of Hugging Face's q and k
};

struct Origin {
  std::string name;    ///< in the GGUF file, e.g. "blk.0.attn_q.weight"
  std::string source;  ///< in the model folder, e.g. "model.layers.0.self_attn.q_proj.weight"
  Arrange arrange = Arrange::as_is;
  int64_t heads = 0;  ///< for interleave
  bool full = false;  ///< stays f32 whatever type is asked for: norms, biases, positions
};

/// Sizes and constants out of config.json, for the file's metadata.
struct Shape {
  std::string architecture;  ///< "llama", "qwen2" or "gpt2"
  int64_t context = 0, width = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, mlp = 0, vocab = 0;
  double norm_eps = 0, rope_theta = 0;
  bool tied = false;
};

/// Reads config.json. Errors: format naming `where` and the key: another model_type, sizes missing or out of range,
/// rope scaling (not exported).
Shape read_shape(const Json& config, std::string_view where);

/// Every tensor of a model of this shape, in the order of the file. GPT-2's head is written out though it is tied.
std::vector<Origin> origins(const Shape& shape);

}  // namespace hone::checkpoint::gguf
