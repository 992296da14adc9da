#include "hone/checkpoint/gguf/names.h"

#include "hone/base/error.h"
#include "hone/checkpoint/io.h"

namespace hone::checkpoint::gguf {
namespace {

constexpr int64_t kMostSize = int64_t{1} << 24;

Shape gpt2_shape(const Json& config, std::string_view where) {
  Shape shape;
  shape.width = base::get_int(config, "n_embd", 1, kMostSize, where);
  shape.context = base::get_int(config, "n_positions", 1, kMostSize, where);
  shape.layers = base::get_int(config, "n_layer", 1, 4096, where);
  shape.heads = base::get_int(config, "n_head", 1, shape.width, where);
  shape.kv_heads = shape.heads;
  shape.head_dim = shape.width / shape.heads;
  shape.mlp = base::get_int_or(config, "n_inner", 4 * shape.width, 1, kMostSize, where);
  shape.norm_eps = base::get_number_or(config, "layer_norm_epsilon", 1e-5, where);
  shape.tied = true;
  return shape;
}

// transformers 4 keeps rope_theta and rope_scaling apart, 5 joins them in rope_parameters.
double rope_theta(const Json& config, std::string_view where) {
  const auto parameters = config.find("rope_parameters");
  const bool joined = parameters != config.end() && parameters->is_object();
  const auto scaling = config.find("rope_scaling");
  const Json* rope = joined ? &*parameters : scaling != config.end() && scaling->is_object() ? &*scaling : nullptr;
  if (rope != nullptr) {
    const std::string type =
        base::get_string_or(*rope, "rope_type", base::get_string_or(*rope, "type", "default", where), where);
    require(type == "default", ErrorKind::format, "{}: rope of the type \"{}\" is not exported; allowed: default",
            where, type);
  }
  return base::get_number_or(joined ? *parameters : config, "rope_theta", 10000, where);
}

Shape llama_shape(const Json& config, std::string_view where) {
  Shape shape;
  shape.width = base::get_int(config, "hidden_size", 1, kMostSize, where);
  shape.context = base::get_int(config, "max_position_embeddings", 1, kMostSize, where);
  shape.layers = base::get_int(config, "num_hidden_layers", 1, 4096, where);
  shape.heads = base::get_int(config, "num_attention_heads", 1, shape.width, where);
  shape.kv_heads = base::get_int_or(config, "num_key_value_heads", shape.heads, 1, shape.heads, where);
  shape.head_dim = base::get_int_or(config, "head_dim", shape.width / shape.heads, 2, kMostSize, where);
  require(shape.head_dim % 2 == 0, ErrorKind::format, "{}: a head_dim of {} is odd", where, shape.head_dim);
  shape.mlp = base::get_int(config, "intermediate_size", 1, kMostSize, where);
  shape.norm_eps = base::get_number_or(config, "rms_norm_eps", 1e-6, where);
  shape.rope_theta = rope_theta(config, where);
  shape.tied = base::get_bool_or(config, "tie_word_embeddings", false, where);
  require(!base::get_bool_or(config, "use_sliding_window", false, where), ErrorKind::format,
          "{}: use_sliding_window = true is not exported", where);
  return shape;
}

Origin full(std::string name, std::string source) { return {std::move(name), std::move(source), {}, 0, true}; }

void add_gpt2(std::vector<Origin>& all, const Shape& shape) {
  const std::string root = "transformer.";
  all.push_back({"token_embd.weight", root + "wte.weight"});
  all.push_back(full("position_embd.weight", root + "wpe.weight"));
  for (int64_t i = 0; i < shape.layers; ++i) {
    const std::string to = fmt::format("blk.{}.", i), from = fmt::format("{}h.{}.", root, i);
    for (const auto& [ours, theirs] : {std::pair{"attn_norm", "ln_1"}, {"ffn_norm", "ln_2"}}) {
      for (const char* part : {".weight", ".bias"})
        all.push_back(full(std::string(to) + ours + part, from + theirs + part));
    }
    for (const auto& [ours, theirs] : {std::pair{"attn_qkv", "attn.c_attn"},
                                       {"attn_output", "attn.c_proj"},
                                       {"ffn_up", "mlp.c_fc"},
                                       {"ffn_down", "mlp.c_proj"}}) {
      all.push_back({to + ours + ".weight", from + theirs + ".weight", Arrange::transpose});
      all.push_back(full(to + ours + ".bias", from + theirs + ".bias"));
    }
  }
  all.push_back(full("output_norm.weight", root + "ln_f.weight"));
  all.push_back(full("output_norm.bias", root + "ln_f.bias"));
  // llama.cpp wants the tied head written out.
  all.push_back({"output.weight", root + "wte.weight"});
}

void add_llama(std::vector<Origin>& all, const Shape& shape) {
  const bool qwen = shape.architecture == "qwen2";
  const Arrange rotary = qwen ? Arrange::as_is : Arrange::interleave;
  all.push_back({"token_embd.weight", "model.embed_tokens.weight"});
  for (int64_t i = 0; i < shape.layers; ++i) {
    const std::string to = fmt::format("blk.{}.", i), from = fmt::format("model.layers.{}.", i);
    all.push_back(full(to + "attn_norm.weight", from + "input_layernorm.weight"));
    all.push_back({to + "attn_q.weight", from + "self_attn.q_proj.weight", rotary, shape.heads});
    all.push_back({to + "attn_k.weight", from + "self_attn.k_proj.weight", rotary, shape.kv_heads});
    all.push_back({to + "attn_v.weight", from + "self_attn.v_proj.weight"});
    if (qwen) {
      for (const char* part : {"q", "k", "v"}) {
        all.push_back(
            full(fmt::format("{}attn_{}.bias", to, part), fmt::format("{}self_attn.{}_proj.bias", from, part)));
      }
    }
    all.push_back({to + "attn_output.weight", from + "self_attn.o_proj.weight"});
    all.push_back(full(to + "ffn_norm.weight", from + "post_attention_layernorm.weight"));
    for (const char* part : {"gate", "up", "down"}) {
      all.push_back({fmt::format("{}ffn_{}.weight", to, part), fmt::format("{}mlp.{}_proj.weight", from, part)});
    }
  }
  all.push_back(full("output_norm.weight", "model.norm.weight"));
  if (!shape.tied) all.push_back({"output.weight", "lm_head.weight"});
}

}  // namespace

Shape read_shape(const Json& config, std::string_view where) {
  const std::string type = base::get_string(config, "model_type", where);
  require(type == "gpt2" || type == "llama" || type == "qwen2", ErrorKind::format,
          "{}: model_type \"{}\" can't be exported to GGUF; allowed: gpt2, llama, qwen2", where, type);
  for (const char* key : {"attention_bias", "mlp_bias"}) {
    require(type != "llama" || !base::get_bool_or(config, key, false, where), ErrorKind::format,
            "{}: {} = true is not exported", where, key);
  }
  const auto named = config.find("architectures");
  if (named != config.end() && named->is_array() && !named->empty() && (*named)[0].is_string()) {
    const auto& architecture = (*named)[0].get_ref<const std::string&>();
    require(!architecture.ends_with("ForSequenceClassification"), ErrorKind::format,
            "{}: {} gives numbers and no tokens; only language models are exported to GGUF", where,
            quote_name(architecture));
  }
  Shape shape = type == "gpt2" ? gpt2_shape(config, where) : llama_shape(config, where);
  shape.architecture = type;
  shape.vocab = base::get_int(config, "vocab_size", 1, kMostSize, where);
  require(shape.heads % shape.kv_heads == 0 && (type != "gpt2" || shape.width % shape.heads == 0), ErrorKind::format,
          "{}: heads, key-value heads and width don't divide one another", where);
  return shape;
}

std::vector<Origin> origins(const Shape& shape) {
  std::vector<Origin> all;
  if (shape.architecture == "gpt2") {
    add_gpt2(all, shape);
  } else {
    add_llama(all, shape);
  }
  return all;
}

}  // namespace hone::checkpoint::gguf
