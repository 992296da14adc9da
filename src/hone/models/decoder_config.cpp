#include "hone/models/decoder_config.h"

#include "hone/base/error.h"

namespace hone::models {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 24;

// Rotary settings stand under "rope_parameters", in older files under "rope_scaling" beside "rope_theta"; the kind of
// scaling under "rope_type", before transformers 4.43 under "type". All are looked at, so that none hides another.
double read_rope_theta(const Json& json, std::string_view where) {
  double theta = base::get_number_or(json, "rope_theta", 10000, where);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const auto rope = json.find(key);
    if (rope == json.end() || rope->is_null()) continue;
    require(rope->is_object(), ErrorKind::format, "{}: \"{}\" must be an object or null", where, key);
    for (const char* type_key : {"rope_type", "type"}) {
      const auto type = base::get_string_or(*rope, type_key, "default", where);
      require(type == "default", ErrorKind::format, "{}: {} \"{}\" in \"{}\" is not supported; allowed: default", where,
              type_key, type, key);
    }
    theta = base::get_number_or(*rope, "rope_theta", theta, where);
  }
  return theta;
}

void check(const DecoderConfig& c, std::string_view where) {
  require(c.heads * c.head_dim == c.width || c.family == Family::llama, ErrorKind::format,
          "{}: n_embd {} is not divisible by n_head {}", where, c.width, c.heads);
  require(c.heads % c.kv_heads == 0, ErrorKind::format,
          "{}: num_attention_heads {} is not a multiple of num_key_value_heads {}", where, c.heads, c.kv_heads);
  require(c.head_dim % 2 == 0 || c.family == Family::gpt2, ErrorKind::format,
          "{}: head_dim {} must be even for rotary positions", where, c.head_dim);
  require(c.norm_eps > 0, ErrorKind::format, "{}: {} {} must be above 0", where,
          c.family == Family::gpt2 ? "layer_norm_epsilon" : "rms_norm_eps", c.norm_eps);
  // Below 1 the angles grow without bound, in the end to infinity.
  require(c.rope_theta >= 1, ErrorKind::format, "{}: rope_theta {} must be at least 1", where, c.rope_theta);
}

DecoderConfig gpt2_config(const Json& j, std::string_view where) {
  DecoderConfig c;
  c.family = Family::gpt2;
  c.vocab = base::get_int(j, "vocab_size", 1, kMaxSize, where);
  c.context = base::get_int(j, "n_positions", 1, kMaxSize, where);
  c.width = base::get_int(j, "n_embd", 1, kMaxSize, where);
  c.layers = base::get_int(j, "n_layer", 1, 4096, where);
  c.heads = c.kv_heads = base::get_int(j, "n_head", 1, c.width, where);
  c.head_dim = c.width / c.heads;
  c.mlp = base::get_int_or(j, "n_inner", 4 * c.width, 1, kMaxSize, where);
  c.norm_eps = base::get_number_or(j, "layer_norm_epsilon", 1e-5, where);
  c.tied = base::get_bool_or(j, "tie_word_embeddings", true, where);
  const auto act = base::get_string_or(j, "activation_function", "gelu_new", where);
  require(act == "gelu_new" || act == "gelu_pytorch_tanh", ErrorKind::format,
          "{}: activation_function \"{}\" is not supported; allowed: gelu_new, gelu_pytorch_tanh", where, act);
  require(base::get_bool_or(j, "scale_attn_weights", true, where) &&
              !base::get_bool_or(j, "scale_attn_by_inverse_layer_idx", false, where),
          ErrorKind::format, "{}: attention scaling other than 1/sqrt(head_dim) is not supported", where);
  return c;
}

DecoderConfig llama_config(const Json& j, std::string_view where) {
  DecoderConfig c;
  c.family = Family::llama;
  c.vocab = base::get_int(j, "vocab_size", 1, kMaxSize, where);
  c.context = base::get_int(j, "max_position_embeddings", 1, kMaxSize, where);
  c.width = base::get_int(j, "hidden_size", 1, kMaxSize, where);
  c.layers = base::get_int(j, "num_hidden_layers", 1, 4096, where);
  c.heads = base::get_int(j, "num_attention_heads", 1, c.width, where);
  c.kv_heads = base::get_int_or(j, "num_key_value_heads", c.heads, 1, c.heads, where);
  c.head_dim = base::get_int_or(j, "head_dim", 0, 1, kMaxSize, where);
  require(c.head_dim > 0 || c.width % c.heads == 0, ErrorKind::format,
          "{}: hidden_size {} is not divisible by num_attention_heads {}, and there is no head_dim", where, c.width,
          c.heads);
  if (c.head_dim == 0) c.head_dim = c.width / c.heads;
  c.mlp = base::get_int(j, "intermediate_size", 1, kMaxSize, where);
  c.norm_eps = base::get_number_or(j, "rms_norm_eps", 1e-6, where);
  c.tied = base::get_bool_or(j, "tie_word_embeddings", false, where);
  c.rope_theta = read_rope_theta(j, where);
  const auto act = base::get_string_or(j, "hidden_act", "silu", where);
  require(act == "silu", ErrorKind::format, "{}: hidden_act \"{}\" is not supported; allowed: silu", where, act);
  for (const char* key : {"attention_bias", "mlp_bias"})
    require(!base::get_bool_or(j, key, false, where), ErrorKind::format, "{}: {} = true is not supported", where, key);
  return c;
}

}  // namespace

DecoderConfig config_from_json(const Json& json, std::string_view where) {
  require(json.is_object(), ErrorKind::format, "{}: expected an object", where);
  const auto type = base::get_string(json, "model_type", where);
  require(type == "gpt2" || type == "llama", ErrorKind::format,
          "{}: model_type \"{}\" is not supported; allowed: gpt2, llama", where, type);
  const auto config = type == "gpt2" ? gpt2_config(json, where) : llama_config(json, where);
  check(config, where);
  return config;
}

Json to_json(const DecoderConfig& c) {
  if (c.family == Family::gpt2) {
    return {{"model_type", "gpt2"}, {"architectures", {"GPT2LMHeadModel"}}, {"vocab_size", c.vocab},
            {"n_positions", c.context}, {"n_ctx", c.context}, {"n_embd", c.width}, {"n_layer", c.layers},
            {"n_head", c.heads}, {"n_inner", c.mlp}, {"activation_function", "gelu_new"},
            {"layer_norm_epsilon", c.norm_eps}, {"tie_word_embeddings", c.tied}, {"resid_pdrop", 0.0},
            {"embd_pdrop", 0.0}, {"attn_pdrop", 0.0}, {"torch_dtype", "float32"}, {"dtype", "float32"}};
  }
  return {{"model_type", "llama"}, {"architectures", {"LlamaForCausalLM"}}, {"vocab_size", c.vocab},
          {"max_position_embeddings", c.context}, {"hidden_size", c.width}, {"intermediate_size", c.mlp},
          {"num_hidden_layers", c.layers}, {"num_attention_heads", c.heads}, {"num_key_value_heads", c.kv_heads},
          {"head_dim", c.head_dim}, {"rms_norm_eps", c.norm_eps}, {"rope_theta", c.rope_theta},
          {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", c.rope_theta}}}, {"hidden_act", "silu"},
          {"attention_bias", false}, {"mlp_bias", false}, {"tie_word_embeddings", c.tied},
          {"torch_dtype", "float32"}, {"dtype", "float32"}};
}

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
