#include "hone/models/hf_config.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

namespace hone::models {
namespace {

Json gpt2() {
  return {{"model_type", "gpt2"}, {"vocab_size", 50}, {"n_positions", 32},
          {"n_embd", 24},         {"n_layer", 3},     {"n_head", 4}};
}

Json llama() {
  return {{"model_type", "llama"},    {"vocab_size", 50},        {"max_position_embeddings", 32},
          {"hidden_size", 24},        {"num_hidden_layers", 3},  {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"intermediate_size", 40}, {"rms_norm_eps", 1e-6}};
}

Json with(Json json, const char* key, Json value) {
  json[key] = std::move(value);
  return json;
}

DecoderConfig read(const Json& json) { return config_from_json(json, "config.json"); }

void expect_error(ErrorKind kind, const std::function<void()>& work, std::initializer_list<std::string_view> parts) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_STREQ(name_of(error.kind()), name_of(kind)) << error.what();
    for (const auto part : parts)
      EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
          << "\"" << part << "\" is not in: " << error.what();
    return;
  }
  std::string wanted;
  for (const auto part : parts) wanted += std::string(part) + " ";
  ADD_FAILURE() << "no error; wanted " << wanted;
}

// config.json with `key` = `value` is refused in words that name the file and the key.
void expect_refused(const Json& base, const char* key, const Json& value, std::string_view part = "") {
  expect_error(ErrorKind::format, [&] { read(with(base, key, value)); }, {"config.json", part.empty() ? key : part});
}

TEST(HfConfig, ReadsGpt2) {
  const auto c = read(gpt2());
  EXPECT_EQ(c, (DecoderConfig{.family = Family::gpt2,
                              .vocab = 50,
                              .context = 32,
                              .width = 24,
                              .layers = 3,
                              .heads = 4,
                              .kv_heads = 4,
                              .head_dim = 6,
                              .mlp = 96,
                              .norm_eps = 1e-5,
                              .tied = true}));
  EXPECT_EQ(read(with(gpt2(), "n_inner", nullptr)), c);
  EXPECT_EQ(read(with(gpt2(), "n_inner", 20)).mlp, 20);
  EXPECT_EQ(read(with(gpt2(), "layer_norm_epsilon", 1e-3)).norm_eps, 1e-3);
  EXPECT_FALSE(read(with(gpt2(), "tie_word_embeddings", false)).tied);
  EXPECT_EQ(read(with(gpt2(), "activation_function", "gelu_pytorch_tanh")), c);
}

TEST(HfConfig, ReadsLlama) {
  const auto c = read(llama());
  EXPECT_EQ(c, (DecoderConfig{.family = Family::llama,
                              .vocab = 50,
                              .context = 32,
                              .width = 24,
                              .layers = 3,
                              .heads = 4,
                              .kv_heads = 2,
                              .head_dim = 6,
                              .mlp = 40,
                              .norm_eps = 1e-6,
                              .rope_theta = 10'000,
                              .tied = false}));
  EXPECT_EQ(read(with(llama(), "num_key_value_heads", nullptr)).kv_heads, 4);
  EXPECT_TRUE(read(with(llama(), "tie_word_embeddings", true)).tied);
  // A head_dim of its own need not multiply up to the width.
  EXPECT_EQ(read(with(llama(), "head_dim", 10)).head_dim, 10);
  EXPECT_EQ(read(with(with(llama(), "hidden_size", 25), "head_dim", 6)).width, 25);
}

TEST(HfConfig, ReadsBothSpellingsOfRope) {
  EXPECT_EQ(read(with(llama(), "rope_theta", 5e5)).rope_theta, 5e5);
  EXPECT_EQ(read(with(with(llama(), "rope_theta", 5e5), "rope_scaling", nullptr)).rope_theta, 5e5);
  const Json current = {{"rope_type", "default"}, {"rope_theta", 2e6}};
  EXPECT_EQ(read(with(llama(), "rope_parameters", current)).rope_theta, 2e6);
  EXPECT_EQ(read(with(with(llama(), "rope_theta", 5e5), "rope_parameters", current)).rope_theta, 2e6);
  EXPECT_EQ(read(with(with(llama(), "rope_theta", 5e5), "rope_scaling", {{"type", "default"}})).rope_theta, 5e5);
}

TEST(HfConfig, ReadsRopeScaling) {
  const auto scaling = [](const char* key, const Json& value) { return read(with(llama(), key, value)).rope; };
  const RopeScaling linear{.type = RopeType::linear, .factor = 2};
  EXPECT_EQ(scaling("rope_scaling", {{"rope_type", "linear"}, {"factor", 2.0}}), linear);
  EXPECT_EQ(scaling("rope_scaling", {{"type", "linear"}, {"factor", 2}}), linear);  // transformers before 4.43
  EXPECT_EQ(scaling("rope_scaling", {{"type", "linear"}, {"rope_type", "linear"}, {"factor", 2}}), linear);
  EXPECT_EQ(scaling("rope_parameters", {{"rope_type", "linear"}, {"factor", 2.0}, {"rope_theta", 1e4}}), linear);
  EXPECT_EQ(scaling("rope_scaling", {{"type", "dynamic"}, {"factor", 4.0}}),
            (RopeScaling{.type = RopeType::dynamic, .factor = 4}));
  const Json llama3 = {{"rope_type", "llama3"},
                       {"factor", 8.0},
                       {"low_freq_factor", 1.5},
                       {"high_freq_factor", 3.0},
                       {"original_max_position_embeddings", 16}};
  const RopeScaling three{
      .type = RopeType::llama3, .factor = 8, .original_context = 16, .low_freq_factor = 1.5, .high_freq_factor = 3};
  EXPECT_EQ(scaling("rope_scaling", llama3), three);
  // Both spellings, saying the same.
  EXPECT_EQ(read(with(with(llama(), "rope_scaling", llama3), "rope_parameters", llama3)).rope, three);
}

TEST(HfConfig, ReadsYarn) {
  const auto scaling = [](const Json& value) { return read(with(llama(), "rope_scaling", value)).rope; };
  const Json yarn = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 16}};
  // 0.1 · ln 4 + 1 = 1.138629…
  const RopeScaling plain = scaling(yarn);
  EXPECT_EQ(plain.original_context, 16);
  EXPECT_EQ(plain.beta_fast, 32);
  EXPECT_EQ(plain.beta_slow, 1);
  EXPECT_NEAR(plain.magnitude, 1.1386294361, 1e-10);
  EXPECT_EQ(scaling(with(yarn, "attention_factor", 0.75)).magnitude, 0.75);
  // (0.1 · 2 · ln 4 + 1) / (0.1 · 0.5 · ln 4 + 1) = 1.277258872 / 1.069314718
  const Json both = with(with(yarn, "mscale", 2.0), "mscale_all_dim", 0.5);
  EXPECT_NEAR(scaling(both).magnitude, 1.277258872 / 1.069314718, 1e-8);
  EXPECT_EQ(scaling(with(yarn, "mscale", 2.0)), plain);  // one alone is not looked at
  // A context of 32 over an original one of 16.
  Json without = yarn;
  without.erase("factor");
  EXPECT_EQ(scaling(without).factor, 2);
}

TEST(HfConfig, RefusesRopeScalingThatItDoesNotDo) {
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    for (const char* type : {"longrope", "su", "mrope", "proportional"}) {
      expect_refused(llama(), key, {{"rope_type", type}, {"factor", 2.0}}, type);
      expect_refused(llama(), key, {{"type", type}, {"factor", 2.0}}, "default, linear, dynamic, llama3, yarn");
    }
    expect_refused(llama(), key, {{"rope_type", "linear"}}, "factor");
    expect_refused(llama(), key, {{"rope_type", "linear"}, {"factor", 0.5}}, "factor");
    expect_refused(llama(), key, {{"factor", 2.0}}, "rope_type");
    expect_refused(llama(), key, {{"rope_type", "linear"}, {"type", "yarn"}, {"factor", 2.0}}, "yarn");
    expect_refused(llama(), key, {{"rope_type", "default"}, {"mrope_section", {1, 2, 3}}}, "mrope_section");
    expect_refused(llama(), key, {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}}, "partial_rotary_factor");
    expect_refused(llama(), key, {{"full_attention", {{"rope_type", "default"}}}}, "full_attention");
    expect_refused(llama(), key, {{"rope_type", "llama3"}, {"factor", 2.0}, {"low_freq_factor", 4.0}}, "low_freq");
    expect_refused(llama(), key, {{"rope_type", "yarn"}, {"factor", 2.0}, {"beta_fast", -1}}, "beta_fast");
    expect_refused(llama(), key, {{"rope_type", "yarn"}, {"factor", 2.0}, {"attention_factor", 0}}, "attention_factor");
    expect_refused(llama(), key, "linear");
    expect_refused(llama(), key, Json::array({"linear", 2}));
  }
  // One spelling does not hide the other.
  const Json plain = with(llama(), "rope_parameters", {{"rope_type", "default"}});
  expect_refused(plain, "rope_scaling", {{"type", "linear"}, {"factor", 2.0}}, "contradict");
  expect_refused(with(llama(), "rope_theta", 1.0), "rope_scaling", {{"type", "yarn"}, {"factor", 2.0}}, "rope_theta");
}

TEST(HfConfig, ReadsTheVariantsOfLlama) {
  const auto as = [](const char* type) { return with(llama(), "model_type", type); };
  const auto mistral = [&](const Json& window) { return read(with(as("mistral"), "sliding_window", window)); };
  EXPECT_EQ(mistral(5).windows, (std::vector<int64_t>{5, 5, 5}));
  EXPECT_EQ(mistral(nullptr), read(llama()));
  EXPECT_EQ(read(as("mistral")).window(2), 4096);  // what an absent key means to transformers
  const auto qwen2 = read(as("qwen2"));
  EXPECT_TRUE(qwen2.qkv_bias && !qwen2.out_bias && !qwen2.mlp_bias && !qwen2.qk_norm && qwen2.windows.empty());
  EXPECT_EQ(read(with(as("qwen2"), "sliding_window", 5)), qwen2);  // not used
  Json sliding = with(with(as("qwen2"), "use_sliding_window", true), "sliding_window", 5);
  EXPECT_EQ(read(sliding).windows, (std::vector<int64_t>{}));  // layers from 28 on
  EXPECT_EQ(read(with(sliding, "max_window_layers", 1)).windows, (std::vector<int64_t>{0, 5, 5}));
  const Json types = {"sliding_attention", "full_attention", "sliding_attention"};
  EXPECT_EQ(read(with(sliding, "layer_types", types)).windows, (std::vector<int64_t>{5, 0, 5}));
  const Json unsaid = with(with(as("qwen2"), "use_sliding_window", true), "layer_types", types);
  EXPECT_EQ(read(unsaid).windows, (std::vector<int64_t>{4096, 0, 4096}));
  const auto qwen3 = read(as("qwen3"));
  EXPECT_TRUE(qwen3.qk_norm && !qwen3.qkv_bias);
  EXPECT_EQ(qwen3.head_dim, 128);
  const auto biased = read(with(as("qwen3"), "attention_bias", true));
  EXPECT_TRUE(biased.qkv_bias && biased.out_bias);
  const auto all = read(with(with(llama(), "attention_bias", true), "mlp_bias", true));
  EXPECT_TRUE(all.qkv_bias && all.out_bias && all.mlp_bias);

  expect_refused(sliding, "layer_types", {"sliding_attention"});
  expect_refused(sliding, "layer_types", {"sliding_attention", "chunked_attention", "full_attention"});
  expect_refused(with(sliding, "sliding_window", nullptr), "layer_types", types);
  expect_refused(as("mistral"), "sliding_window", 0);
}

TEST(HfConfig, ArchitecturesStandInForTheModelType) {
  Json json = with(llama(), "architectures", {"Qwen3ForCausalLM"});
  EXPECT_EQ(model_type_of(json, "config.json"), "llama");
  json.erase("model_type");
  EXPECT_EQ(model_type_of(json, "config.json"), "qwen3");
  expect_refused(json, "architectures", {"MambaForCausalLM"}, "MambaForCausalLM");
}

TEST(HfConfig, RefusesOtherModels) {
  expect_error(ErrorKind::format, [] { read(with(gpt2(), "model_type", "mamba")); },
               {"config.json", "model_type", "mamba", "gpt2, llama"});
  expect_error(ErrorKind::format, [] { read(Json{{"vocab_size", 50}}); }, {"config.json", "model_type"});
  expect_refused(gpt2(), "model_type", 5);
  expect_error(ErrorKind::format, [] { read(Json::array()); }, {"config.json", "object"});
  expect_error(ErrorKind::format, [] { read(nullptr); }, {"config.json", "object"});
}

TEST(HfConfig, RefusesSizesOutOfRange) {
  const std::pair<Json, std::vector<const char*>> dialects[] = {
      {gpt2(), {"vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner"}},
      {llama(),
       {"vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "head_dim", "intermediate_size"}}};
  for (const auto& [base, keys] : dialects)
    for (const char* key : keys) {
      for (const Json& bad : {Json(0), Json(-1), Json(1 << 25), Json(int64_t{1} << 62), Json(~uint64_t{0}), Json(1e300),
                              Json(24.0), Json("24"), Json(true), Json::array({24})})
        expect_refused(base, key, bad);
      const std::string_view optional = "n_inner num_key_value_heads head_dim";
      if (optional.find(key) != std::string_view::npos) continue;
      Json without = base;
      without.erase(key);
      expect_error(ErrorKind::format, [&] { read(without); }, {"config.json", key});
    }
}

TEST(HfConfig, RefusesSizesThatDoNotDivide) {
  expect_refused(gpt2(), "n_head", 5);
  expect_refused(gpt2(), "n_head", 25);  // more heads than numbers
  expect_refused(gpt2(), "n_embd", 25);
  expect_refused(llama(), "num_key_value_heads", 3);
  expect_refused(llama(), "num_key_value_heads", 5);  // more than heads
  expect_refused(llama(), "hidden_size", 26);         // no head_dim that says otherwise
  expect_refused(llama(), "head_dim", 7);             // rotary pairs
  expect_refused(llama(), "hidden_size", 20, "head_dim 5");
}

TEST(HfConfig, RefusesNumbersThatGiveNoNumbers) {
  for (const Json& bad : {Json(0), Json(-1e-5), Json("1e-5"), Json(std::numeric_limits<double>::infinity())}) {
    expect_refused(gpt2(), "layer_norm_epsilon", bad);
    expect_refused(llama(), "rms_norm_eps", bad);
    expect_refused(llama(), "rope_theta", bad);
    expect_error(ErrorKind::format,
                 [&] {
                   read(with(llama(), "rope_parameters", {{"rope_theta", bad}}));
                 },
                 {"config.json", "rope_theta"});
  }
  expect_refused(llama(), "rope_theta", 0.5);
}

TEST(HfConfig, RefusesMathsThatItDoesNotDo) {
  expect_refused(gpt2(), "activation_function", "relu");
  expect_refused(gpt2(), "activation_function", "gelu");  // the exact one, not the tanh
  expect_refused(gpt2(), "scale_attn_weights", false, "attention scaling");
  expect_refused(gpt2(), "scale_attn_by_inverse_layer_idx", true, "attention scaling");
  expect_refused(llama(), "hidden_act", "gelu");
  expect_refused(llama(), "quantization_config", {{"quant_method", "gptq"}, {"bits", 4}}, "\"gptq\"");
  expect_refused(llama(), "quantization_config", 4);
  expect_refused(llama(), "num_local_experts", 8);
  expect_refused(llama(), "num_experts", 64);
  expect_refused(llama(), "partial_rotary_factor", 0.5);
  expect_refused(llama(), "is_encoder_decoder", true);
  expect_refused(llama(), "final_logit_softcapping", 30.0);
  expect_refused(gpt2(), "add_cross_attention", true);
  EXPECT_EQ(read(with(llama(), "quantization_config", nullptr)), read(llama()));
}

TEST(HfConfig, RefusesWrongTypes) {
  expect_refused(gpt2(), "tie_word_embeddings", "yes");
  expect_refused(gpt2(), "tie_word_embeddings", 1);
  expect_refused(gpt2(), "activation_function", Json::array());
  expect_refused(llama(), "hidden_act", 3);
  expect_refused(llama(), "attention_bias", 0);
  expect_error(ErrorKind::format, [] { read(with(llama(), "rope_parameters", {{"rope_type", 3}})); }, {"rope_type"});
}

TEST(HfConfig, ComesBackFromItsJson) {
  const DecoderConfig gpt2{.family = Family::gpt2,
                           .vocab = 7,
                           .context = 9,
                           .width = 24,
                           .layers = 5,
                           .heads = 3,
                           .kv_heads = 3,
                           .head_dim = 8,
                           .mlp = 11,
                           .norm_eps = 3e-6,
                           .tied = false};
  const DecoderConfig llama{.family = Family::llama,
                            .vocab = 7,
                            .context = 9,
                            .width = 25,
                            .layers = 5,
                            .heads = 6,
                            .kv_heads = 3,
                            .head_dim = 8,
                            .mlp = 11,
                            .norm_eps = 3e-6,
                            .rope_theta = 12345.678,
                            .tied = true};
  for (DecoderConfig c : {gpt2, llama})
    for (const bool tied : {false, true}) {
      c.tied = tied;
      // Through text, as in a file.
      EXPECT_EQ(read(base::parse_json(base::dump(to_json(c)), "config.json")), c);
    }
  DecoderConfig every = llama;
  every.rope = {.type = RopeType::yarn, .factor = 2, .original_context = 5, .beta_fast = 20, .magnitude = 1.25};
  every.qkv_bias = every.out_bias = every.mlp_bias = true;
  EXPECT_EQ(read(base::parse_json(base::dump(to_json(every)), "config.json")), every);
  EXPECT_EQ(to_json(every)["rope_scaling"]["rope_type"], "yarn");
  every.qk_norm = true;
  expect_error(ErrorKind::usage, [&] { to_json(every); }, {"model_type"});
  // What either generation of transformers looks for.
  const Json json = to_json(llama);
  EXPECT_EQ(json["rope_theta"], 12345.678);
  EXPECT_EQ(json["rope_parameters"]["rope_theta"], 12345.678);
  for (const char* key : {"torch_dtype", "dtype"}) EXPECT_EQ(json[key], "float32");
  EXPECT_EQ(json["architectures"][0], "LlamaForCausalLM");
  EXPECT_EQ(to_json(gpt2)["architectures"][0], "GPT2LMHeadModel");
}

}  // namespace
}  // namespace hone::models
