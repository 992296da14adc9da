#include "hone/models/hf_config.h"

#include "hone/base/error.h"
#include "hone/models/hf_types.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

namespace hone::models {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 24;

// Keys of which any value but these changes the maths.
struct Fixed {
  const char* key;
  std::vector<Json> allowed;
};

void refuse_others(const Json& j, std::span<const Fixed> keys, std::string_view where) {
  for (const auto& [key, allowed] : keys) {
    const auto found = j.find(key);
    if (found == j.end() || found->is_null()) continue;
    if (std::find(allowed.begin(), allowed.end(), *found) != allowed.end()) continue;
    std::string list = "none at all";
    for (const Json& value : allowed) list += ", " + shown(value);
    fail(ErrorKind::format, "{}: {} {} is not supported; allowed: {}", where, key, shown(*found), list);
  }
}

// What no decoder of hone's can have, under any model_type.
void refuse_unknown_maths(const Json& j, std::string_view where) {
  const auto quantised = j.find("quantization_config");
  if (quantised != j.end() && !quantised->is_null()) {
    const bool named = quantised->is_object() && quantised->contains("quant_method");
    throw Error(ErrorKind::format,
                fmt::format("{}: quantization_config {} is not supported; allowed: none", where,
                            named ? shown((*quantised)["quant_method"]) : shown(*quantised)),
                "hone reads weights in float32, float16 and bfloat16; use the model before it was quantised");
  }
  const Fixed fixed[] = {{"is_encoder_decoder", {false}}, {"add_cross_attention", {false}},
                         {"num_experts", {0, 1}},         {"num_local_experts", {0, 1}},
                         {"n_routed_experts", {0, 1}},    {"partial_rotary_factor", {1, 1.0}},
                         {"attn_logit_softcapping", {}},  {"final_logit_softcapping", {}}};
  refuse_others(j, fixed, where);
}

double positive(const Json& rope, const char* key, double fallback, std::string_view where) {
  const double value = base::get_number_or(rope, key, fallback, where);
  require(value > 0, ErrorKind::format, "{}: {} {} of the rotary settings must be above 0", where, key, value);
  return value;
}

RopeType rope_type_of(const Json& rope, std::string_view key, std::string_view where) {
  constexpr std::pair<std::string_view, RopeType> kKinds[] = {{"default", RopeType::plain},
                                                              {"linear", RopeType::linear},
                                                              {"dynamic", RopeType::dynamic},
                                                              {"llama3", RopeType::llama3},
                                                              {"yarn", RopeType::yarn}};
  // Before transformers 4.43 the key was "type"; some files have both.
  std::string name = "default", named_by;
  for (const char* type_key : {"rope_type", "type"}) {
    const auto type = base::get_string_or(rope, type_key, "", where);
    if (type.empty()) continue;
    require(named_by.empty() || type == name, ErrorKind::format, "{}: \"{}\" has {} \"{}\" and type \"{}\"", where, key,
            named_by, name, type);
    name = type, named_by = type_key;
  }
  require(!named_by.empty() || !rope.contains("factor"), ErrorKind::format,
          "{}: \"{}\" has a factor, but no rope_type says of what", where, key);
  for (const auto& [known, type] : kKinds)
    if (known == name) return type;
  fail(ErrorKind::format, "{}: {} \"{}\" in \"{}\" is not supported; allowed: default, linear, dynamic, llama3, yarn",
       where, named_by, name, key);
}

void refuse_unknown_rope_keys(const Json& rope, std::string_view key, std::string_view where) {
  constexpr std::array<std::string_view, 14> kKnown = {"rope_type",        "type",
                                                       "rope_theta",       "factor",
                                                       "low_freq_factor",  "high_freq_factor",
                                                       "attention_factor", "beta_fast",
                                                       "beta_slow",        "mscale",
                                                       "mscale_all_dim",   "original_max_position_embeddings",
                                                       "truncate",         "partial_rotary_factor"};
  for (const auto& [name, value] : rope.items())
    require(value.is_null() || std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end(), ErrorKind::format,
            "{}: \"{}\" has {} {}, which is not supported; allowed: {}", where, key, name, shown(value),
            fmt::join(kKnown, ", "));
  const Fixed whole[] = {{"partial_rotary_factor", {1, 1.0}}};
  refuse_others(rope, whole, where);
}

void read_yarn(RopeScaling& s, const Json& rope, std::string_view where) {
  s.beta_fast = positive(rope, "beta_fast", 32, where);
  s.beta_slow = positive(rope, "beta_slow", 1, where);
  s.truncate = base::get_bool_or(rope, "truncate", true, where);
  // Both or none, as transformers has it.
  const double mscale = base::get_number_or(rope, "mscale", 0, where);
  const double all_dim = base::get_number_or(rope, "mscale_all_dim", 0, where);
  const double usual = mscale != 0 && all_dim != 0
                           ? yarn_magnitude(s.factor, mscale) / yarn_magnitude(s.factor, all_dim)
                           : yarn_magnitude(s.factor);
  s.magnitude = positive(rope, "attention_factor", usual, where);
}

RopeScaling read_scaling(const Json& rope, std::string_view key, const DecoderConfig& c, std::string_view where) {
  refuse_unknown_rope_keys(rope, key, where);
  RopeScaling s{.type = rope_type_of(rope, key, where)};
  if (s.type == RopeType::plain) return s;
  const bool has_original = s.type == RopeType::llama3 || s.type == RopeType::yarn;
  if (has_original)
    s.original_context = base::get_int_or(rope, "original_max_position_embeddings", c.context, 1, kMaxSize, where);
  // YaRN alone may leave the factor out.
  double factor = 0;
  if (s.type == RopeType::yarn) factor = static_cast<double>(c.context) / static_cast<double>(s.original_context);
  s.factor = base::get_number_or(rope, "factor", factor, where);
  require(s.factor >= 1, ErrorKind::format, "{}: \"{}\" has factor {}; it must be at least 1", where, key,
          rope.contains("factor") ? shown(rope["factor"]) : "none");
  if (s.type == RopeType::yarn) read_yarn(s, rope, where);
  if (s.type == RopeType::llama3) {
    s.low_freq_factor = positive(rope, "low_freq_factor", 1, where);
    s.high_freq_factor = positive(rope, "high_freq_factor", 4, where);
    require(s.low_freq_factor < s.high_freq_factor, ErrorKind::format,
            "{}: low_freq_factor {} must be below high_freq_factor {}", where, s.low_freq_factor, s.high_freq_factor);
  }
  return s;
}

// Rotary settings stand under "rope_parameters", in older files under "rope_scaling" beside "rope_theta". Both are
// looked at, so that none hides the other.
void read_rope(DecoderConfig& c, const Json& json, std::string_view where) {
  c.rope_theta = base::get_number_or(json, "rope_theta", 10000, where);
  const char* from = nullptr;
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const auto rope = json.find(key);
    if (rope == json.end() || rope->is_null()) continue;
    require(rope->is_object(), ErrorKind::format, "{}: \"{}\" must be an object or null", where, key);
    const RopeScaling scaling = read_scaling(*rope, key, c, where);
    require(!from || scaling == c.rope, ErrorKind::format, "{}: \"{}\" {} and \"{}\" {} contradict each other", where,
            from, from ? shown(json[from]) : "", key, shown(*rope));
    c.rope = scaling;
    c.rope_theta = base::get_number_or(*rope, "rope_theta", c.rope_theta, where);
    from = key;
  }
  // At 1 all frequencies are equal, and YaRN's ramp has no place among them.
  require(c.rope.type != RopeType::yarn || c.rope_theta > 1, ErrorKind::format, "{}: rope_theta {} must be above 1",
          where, c.rope_theta);
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
  const Fixed fixed[] = {{"activation_function", {"gelu_new", "gelu_pytorch_tanh"}}};
  refuse_others(j, fixed, where);
  require(base::get_bool_or(j, "scale_attn_weights", true, where) &&
              !base::get_bool_or(j, "scale_attn_by_inverse_layer_idx", false, where),
          ErrorKind::format,
          "{}: attention scaling other than 1/sqrt(head_dim) is not supported (scale_attn_weights must be true, "
          "scale_attn_by_inverse_layer_idx false)",
          where);
  return c;
}

// Which layers look back a number of tokens only.
void read_windows(DecoderConfig& c, const Json& j, const std::string& type, std::string_view where) {
  if (type == "llama" || (type != "mistral" && !base::get_bool_or(j, "use_sliding_window", false, where))) return;
  // Absent means what it means to transformers; null means no window.
  const bool absent = !j.contains("sliding_window");
  const int64_t window = base::get_int_or(j, "sliding_window", absent ? 4096 : 0, 1, int64_t{1} << 40, where);
  const auto layers = static_cast<std::size_t>(c.layers);
  std::vector<int64_t> windows(layers, window);
  const auto types = j.find("layer_types");
  if (type == "mistral") {
    // Every layer.
  } else if (types != j.end() && !types->is_null()) {
    require(types->is_array() && types->size() == layers, ErrorKind::format,
            "{}: layer_types must be a list of {}, one for every layer", where, layers);
    for (std::size_t i = 0; i < layers; ++i) {
      const Json& kind = (*types)[i];
      const bool slides = kind == "sliding_attention";
      require(slides || kind == "full_attention", ErrorKind::format,
              "{}: layer_types has {}; allowed: full_attention, sliding_attention", where, shown(kind));
      require(!slides || window > 0, ErrorKind::format,
              "{}: layer_types has sliding_attention, but sliding_window is null", where);
      if (!slides) windows[i] = 0;
    }
  } else {
    const int64_t full = base::get_int_or(j, "max_window_layers", 28, 0, kMaxSize, where);
    std::fill_n(windows.begin(), std::min(full, c.layers), 0);
  }
  if (std::any_of(windows.begin(), windows.end(), [](int64_t w) { return w > 0; })) c.windows = windows;
}

DecoderConfig llama_config(const Json& j, const std::string& type, std::string_view where) {
  DecoderConfig c;
  c.family = Family::llama;
  c.vocab = base::get_int(j, "vocab_size", 1, kMaxSize, where);
  c.context = base::get_int(j, "max_position_embeddings", 1, kMaxSize, where);
  c.width = base::get_int(j, "hidden_size", 1, kMaxSize, where);
  c.layers = base::get_int(j, "num_hidden_layers", 1, 4096, where);
  c.heads = base::get_int(j, "num_attention_heads", 1, c.width, where);
  c.kv_heads = base::get_int_or(j, "num_key_value_heads", c.heads, 1, c.heads, where);
  c.head_dim = base::get_int_or(j, "head_dim", type == "qwen3" ? 128 : 0, 1, kMaxSize, where);
  require(c.head_dim > 0 || c.width % c.heads == 0, ErrorKind::format,
          "{}: hidden_size {} is not divisible by num_attention_heads {}, and there is no head_dim", where, c.width,
          c.heads);
  if (c.head_dim == 0) c.head_dim = c.width / c.heads;
  c.mlp = base::get_int(j, "intermediate_size", 1, kMaxSize, where);
  c.norm_eps = base::get_number_or(j, "rms_norm_eps", 1e-6, where);
  c.tied = base::get_bool_or(j, "tie_word_embeddings", false, where);
  read_rope(c, j, where);
  read_windows(c, j, type, where);
  const Fixed fixed[] = {{"hidden_act", {"silu"}}};
  refuse_others(j, fixed, where);
  // Mistral and Qwen2 have no such switches: the former has no biases, the latter those of queries, keys and values.
  const bool all = (type == "llama" || type == "qwen3") && base::get_bool_or(j, "attention_bias", false, where);
  c.qkv_bias = all || type == "qwen2";
  c.out_bias = all;
  c.mlp_bias = type == "llama" && base::get_bool_or(j, "mlp_bias", false, where);
  c.qk_norm = type == "qwen3";
  return c;
}

// The first model_type that has these switches.
std::string type_for(const DecoderConfig& c) {
  if (c.family == Family::gpt2) return "gpt2";
  const bool all_slide = !c.windows.empty() && c.windows.front() > 0 &&
                         std::count(c.windows.begin(), c.windows.end(), c.windows.front()) == c.layers;
  if (c.qk_norm && !c.mlp_bias && c.qkv_bias == c.out_bias) return "qwen3";
  if (!c.qk_norm && c.windows.empty() && c.qkv_bias == c.out_bias) return "llama";
  if (!c.qk_norm && all_slide && !c.qkv_bias && !c.out_bias && !c.mlp_bias) return "mistral";
  if (!c.qk_norm && c.qkv_bias && !c.out_bias && !c.mlp_bias) return "qwen2";
  fail(ErrorKind::usage, "no model_type of transformers has this model's biases, norms and windows together");
}

Json rope_json(const DecoderConfig& c) {
  const RopeScaling& s = c.rope;
  switch (s.type) {
    case RopeType::plain:
      return {{"rope_type", "default"}};
    case RopeType::linear:
      return {{"rope_type", "linear"}, {"factor", s.factor}};
    case RopeType::dynamic:
      return {{"rope_type", "dynamic"}, {"factor", s.factor}};
    case RopeType::llama3:
      return {{"rope_type", "llama3"},
              {"factor", s.factor},
              {"low_freq_factor", s.low_freq_factor},
              {"high_freq_factor", s.high_freq_factor},
              {"original_max_position_embeddings", s.original_context}};
    case RopeType::yarn:
      break;
  }
  return {{"rope_type", "yarn"},
          {"factor", s.factor},
          {"beta_fast", s.beta_fast},
          {"beta_slow", s.beta_slow},
          {"truncate", s.truncate},
          {"attention_factor", s.magnitude},
          {"original_max_position_embeddings", s.original_context}};
}

void add_windows(Json& json, const DecoderConfig& c, const std::string& type) {
  if (type == "mistral") json["sliding_window"] = c.windows.front();
  if (type != "qwen2" && type != "qwen3") return;
  json["use_sliding_window"] = !c.windows.empty();
  if (c.windows.empty()) return;
  Json types = Json::array();
  for (const int64_t window : c.windows) {
    if (window > 0) json["sliding_window"] = window;
    types.push_back(window > 0 ? "sliding_attention" : "full_attention");
  }
  json["layer_types"] = types;
}

}  // namespace

bool is_buffer(std::string_view name, const DecoderConfig& c) {
  if (name.ends_with("rotary_emb.inv_freq")) return c.family == Family::llama;
  return c.family == Family::gpt2 && (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"));
}

DecoderConfig config_from_json(const Json& json, std::string_view where) {
  const auto type = model_type_of(json, where);
  refuse_unknown_maths(json, where);
  auto config = type == "gpt2" ? gpt2_config(json, where) : llama_config(json, type, where);
  config.scalar = is_scalar(json, where);
  check(config, where);
  return config;
}

Json to_json(const DecoderConfig& c) {
  const std::string type = type_for(c);
  if (c.family == Family::gpt2) {
    Json json = {{"model_type", "gpt2"},
                 {"architectures", {type_named(type).architecture(c.scalar)}},
                 {"vocab_size", c.vocab},
                 {"n_positions", c.context},
                 {"n_ctx", c.context},
                 {"n_embd", c.width},
                 {"n_layer", c.layers},
                 {"n_head", c.heads},
                 {"n_inner", c.mlp},
                 {"activation_function", "gelu_new"},
                 {"layer_norm_epsilon", c.norm_eps},
                 {"tie_word_embeddings", c.tied},
                 {"resid_pdrop", 0.0},
                 {"embd_pdrop", 0.0},
                 {"attn_pdrop", 0.0},
                 {"torch_dtype", "float32"},
                 {"dtype", "float32"}};
    if (c.scalar) make_scalar(json);
    return json;
  }
  Json rope = rope_json(c), json = {{"model_type", type},
                                    {"architectures", {type_named(type).architecture(c.scalar)}},
                                    {"vocab_size", c.vocab},
                                    {"max_position_embeddings", c.context},
                                    {"hidden_size", c.width},
                                    {"intermediate_size", c.mlp},
                                    {"num_hidden_layers", c.layers},
                                    {"num_attention_heads", c.heads},
                                    {"num_key_value_heads", c.kv_heads},
                                    {"head_dim", c.head_dim},
                                    {"rms_norm_eps", c.norm_eps},
                                    {"rope_theta", c.rope_theta}};
  if (c.rope.type != RopeType::plain) json["rope_scaling"] = rope;
  rope["rope_theta"] = c.rope_theta;
  json.update({{"rope_parameters", rope},
               {"hidden_act", "silu"},
               {"tie_word_embeddings", c.tied},
               {"torch_dtype", "float32"},
               {"dtype", "float32"}});
  if (type == "llama" || type == "qwen3") json["attention_bias"] = c.out_bias;
  if (type == "llama") json["mlp_bias"] = c.mlp_bias;
  add_windows(json, c, type);
  if (c.scalar) make_scalar(json);
  return json;
}

}  // namespace hone::models
