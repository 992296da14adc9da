#include "hone/models/decoder_config.h"

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

TEST(DecoderConfig, ReadsGpt2) {
  const auto c = read(gpt2());
  EXPECT_EQ(c, (DecoderConfig{.family = Family::gpt2, .vocab = 50, .context = 32, .width = 24, .layers = 3, .heads = 4,
                              .kv_heads = 4, .head_dim = 6, .mlp = 96, .norm_eps = 1e-5, .tied = true}));
  EXPECT_EQ(read(with(gpt2(), "n_inner", nullptr)), c);
  EXPECT_EQ(read(with(gpt2(), "n_inner", 20)).mlp, 20);
  EXPECT_EQ(read(with(gpt2(), "layer_norm_epsilon", 1e-3)).norm_eps, 1e-3);
  EXPECT_FALSE(read(with(gpt2(), "tie_word_embeddings", false)).tied);
  EXPECT_EQ(read(with(gpt2(), "activation_function", "gelu_pytorch_tanh")), c);
}

TEST(DecoderConfig, ReadsLlama) {
  const auto c = read(llama());
  EXPECT_EQ(c, (DecoderConfig{.family = Family::llama, .vocab = 50, .context = 32, .width = 24, .layers = 3, .heads = 4,
                              .kv_heads = 2, .head_dim = 6, .mlp = 40, .norm_eps = 1e-6, .rope_theta = 10'000,
                              .tied = false}));
  EXPECT_EQ(read(with(llama(), "num_key_value_heads", nullptr)).kv_heads, 4);
  EXPECT_TRUE(read(with(llama(), "tie_word_embeddings", true)).tied);
  // A head_dim of its own need not multiply up to the width.
  EXPECT_EQ(read(with(llama(), "head_dim", 10)).head_dim, 10);
  EXPECT_EQ(read(with(with(llama(), "hidden_size", 25), "head_dim", 6)).width, 25);
}

TEST(DecoderConfig, ReadsBothSpellingsOfRope) {
  EXPECT_EQ(read(with(llama(), "rope_theta", 5e5)).rope_theta, 5e5);
  EXPECT_EQ(read(with(with(llama(), "rope_theta", 5e5), "rope_scaling", nullptr)).rope_theta, 5e5);
  const Json current = {{"rope_type", "default"}, {"rope_theta", 2e6}};
  EXPECT_EQ(read(with(llama(), "rope_parameters", current)).rope_theta, 2e6);
  EXPECT_EQ(read(with(with(llama(), "rope_theta", 5e5), "rope_parameters", current)).rope_theta, 2e6);
  EXPECT_EQ(read(with(with(llama(), "rope_theta", 5e5), "rope_scaling", {{"type", "default"}})).rope_theta, 5e5);
}

TEST(DecoderConfig, RefusesRopeScaling) {
  for (const char* type : {"linear", "dynamic", "yarn", "llama3"}) {
    expect_refused(llama(), "rope_scaling", {{"rope_type", type}, {"factor", 2.0}}, type);
    expect_refused(llama(), "rope_scaling", {{"type", type}, {"factor", 2.0}}, type);  // transformers before 4.43
    expect_refused(llama(), "rope_parameters", {{"rope_type", type}, {"rope_theta", 1e4}}, type);
    // One spelling does not hide the other.
    const Json plain = with(llama(), "rope_parameters", {{"rope_type", "default"}});
    expect_refused(plain, "rope_scaling", {{"type", type}, {"factor", 2.0}}, type);
  }
  expect_refused(llama(), "rope_scaling", "linear");
  expect_refused(llama(), "rope_scaling", Json::array({"linear", 2}));
  expect_refused(llama(), "rope_parameters", 2);
}

TEST(DecoderConfig, RefusesOtherModels) {
  expect_error(ErrorKind::format, [] { read(with(gpt2(), "model_type", "mamba")); },
               {"config.json", "model_type", "mamba", "gpt2, llama"});
  expect_error(ErrorKind::format, [] { read(Json{{"vocab_size", 50}}); }, {"config.json", "model_type"});
  expect_refused(gpt2(), "model_type", 5);
  expect_error(ErrorKind::format, [] { read(Json::array()); }, {"config.json", "object"});
  expect_error(ErrorKind::format, [] { read(nullptr); }, {"config.json", "object"});
}

TEST(DecoderConfig, RefusesSizesOutOfRange) {
  const std::pair<Json, std::vector<const char*>> dialects[] = {
      {gpt2(), {"vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner"}},
      {llama(), {"vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads",
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

TEST(DecoderConfig, RefusesSizesThatDoNotDivide) {
  expect_refused(gpt2(), "n_head", 5);
  expect_refused(gpt2(), "n_head", 25);  // more heads than numbers
  expect_refused(gpt2(), "n_embd", 25);
  expect_refused(llama(), "num_key_value_heads", 3);
  expect_refused(llama(), "num_key_value_heads", 5);  // more than heads
  expect_refused(llama(), "hidden_size", 26);         // no head_dim that says otherwise
  expect_refused(llama(), "head_dim", 7);             // rotary pairs
  expect_refused(llama(), "hidden_size", 20, "head_dim 5");
}

TEST(DecoderConfig, RefusesNumbersThatGiveNoNumbers) {
  for (const Json& bad : {Json(0), Json(-1e-5), Json("1e-5"), Json(std::numeric_limits<double>::infinity())}) {
    expect_refused(gpt2(), "layer_norm_epsilon", bad);
    expect_refused(llama(), "rms_norm_eps", bad);
    expect_refused(llama(), "rope_theta", bad);
    expect_error(ErrorKind::format, [&] { read(with(llama(), "rope_parameters", {{"rope_theta", bad}})); },
                 {"config.json", "rope_theta"});
  }
  expect_refused(llama(), "rope_theta", 0.5);
}

TEST(DecoderConfig, RefusesMathsThatItDoesNotDo) {
  expect_refused(gpt2(), "activation_function", "relu");
  expect_refused(gpt2(), "activation_function", "gelu");  // the exact one, not the tanh
  expect_refused(gpt2(), "scale_attn_weights", false, "attention scaling");
  expect_refused(gpt2(), "scale_attn_by_inverse_layer_idx", true, "attention scaling");
  expect_refused(llama(), "hidden_act", "gelu");
  expect_refused(llama(), "attention_bias", true);
  expect_refused(llama(), "mlp_bias", true);
}

TEST(DecoderConfig, RefusesWrongTypes) {
  expect_refused(gpt2(), "tie_word_embeddings", "yes");
  expect_refused(gpt2(), "tie_word_embeddings", 1);
  expect_refused(gpt2(), "activation_function", Json::array());
  expect_refused(llama(), "hidden_act", 3);
  expect_refused(llama(), "attention_bias", 0);
  expect_error(ErrorKind::format, [] { read(with(llama(), "rope_parameters", {{"rope_type", 3}})); }, {"rope_type"});
}

TEST(DecoderConfig, ComesBackFromItsJson) {
  const DecoderConfig gpt2{.family = Family::gpt2, .vocab = 7, .context = 9, .width = 24, .layers = 5, .heads = 3,
                           .kv_heads = 3, .head_dim = 8, .mlp = 11, .norm_eps = 3e-6, .tied = false};
  const DecoderConfig llama{.family = Family::llama, .vocab = 7, .context = 9, .width = 25, .layers = 5, .heads = 6,
                            .kv_heads = 3, .head_dim = 8, .mlp = 11, .norm_eps = 3e-6, .rope_theta = 12345.678,
                            .tied = true};
  for (DecoderConfig c : {gpt2, llama})
    for (const bool tied : {false, true}) {
      c.tied = tied;
      // Through text, as in a file.
      EXPECT_EQ(read(base::parse_json(base::dump(to_json(c)), "config.json")), c);
    }
  // What either generation of transformers looks for.
  const Json json = to_json(llama);
  EXPECT_EQ(json["rope_theta"], 12345.678);
  EXPECT_EQ(json["rope_parameters"]["rope_theta"], 12345.678);
  for (const char* key : {"torch_dtype", "dtype"}) EXPECT_EQ(json[key], "float32");
  EXPECT_EQ(json["architectures"][0], "LlamaForCausalLM");
  EXPECT_EQ(to_json(gpt2)["architectures"][0], "GPT2LMHeadModel");
}

TEST(ModelOptions, BecomeAConfig) {
  ModelOptions o{.family = "gpt2", .width = 128, .layers = 3, .heads = 4, .kv_heads = 0, .mlp = 0, .context = 64};
  EXPECT_EQ(config_of(o, 60), (DecoderConfig{.family = Family::gpt2, .vocab = 60, .context = 64, .width = 128,
                                             .layers = 3, .heads = 4, .kv_heads = 4, .head_dim = 32, .mlp = 512}));
  o.family = "llama";
  o.kv_heads = 2;
  // 8/3 · 128 = 341.3…, up to the next multiple of 16: 352
  EXPECT_EQ(config_of(o, 60), (DecoderConfig{.family = Family::llama, .vocab = 60, .context = 64, .width = 128,
                                             .layers = 3, .heads = 4, .kv_heads = 2, .head_dim = 32, .mlp = 352}));
  EXPECT_EQ(config_of({.family = "llama", .width = 96, .heads = 2}, 5).mlp, 256);  // 8/3 · 96, a multiple already
  EXPECT_EQ(config_of({.family = "gpt2", .mlp = 100}, 5).mlp, 100);
  const auto made = config_of({.family = "llama", .kv_heads = 2, .context = 1 << 20}, 60);
  EXPECT_EQ(read(to_json(made)), made);
}

TEST(ModelOptions, RefusesSizesThatDoNotDivide) {
  const auto refused = [](const ModelOptions& o, std::initializer_list<std::string_view> parts) {
    expect_error(ErrorKind::usage, [&] { config_of(o, 10); }, parts);
  };
  refused({.family = "gpt2", .width = 128, .heads = 3}, {"model.heads", "3", "128"});
  refused({.family = "llama", .width = 128, .heads = 4, .kv_heads = 3}, {"model.kv_heads", "3", "4"});
  refused({.family = "llama", .width = 128, .heads = 4, .kv_heads = 8}, {"model.kv_heads", "8", "4"});
  refused({.family = "llama", .width = 12, .heads = 4}, {"model.width", "3", "even"});
  EXPECT_NO_THROW(config_of({.family = "gpt2", .width = 12, .heads = 4}, 10));
  // What could not be read back is not made.
  refused({.family = "gpt2", .mlp = int64_t{1} << 60}, {"model.mlp"});
}

}  // namespace
}  // namespace hone::models
