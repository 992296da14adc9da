#include "hone/checkpoint/adapter_config.h"

#include "hone/checkpoint/test_files.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::checkpoint {
namespace {

constexpr const char* kQ0 = "model.layers.0.self_attn.q_proj";
constexpr const char* kDown1 = "model.layers.1.mlp.down_proj";

Json minimal() { return {{"peft_type", "LORA"}, {"target_modules", {"q_proj"}}}; }

AdapterConfig parsed(const Json& json) { return parse_adapter_config(json.dump(), "adapter_config.json"); }

void expect_refused(Json json, const char* key, Json value, std::initializer_list<std::string_view> parts) {
  json[key] = std::move(value);
  expect_error(ErrorKind::format, parts, [&] { parsed(json); });
}

TEST(AdapterConfigFile, TheLeastThatPeftReads) {
  const AdapterConfig c = parsed(minimal());
  EXPECT_EQ(c.rank, 8);
  EXPECT_EQ(c.alpha, 8);
  EXPECT_EQ(c.dropout, 0);
  EXPECT_FALSE(c.rslora);
  EXPECT_EQ(c.targets, std::vector<std::string>{"q_proj"});
}

TEST(AdapterConfigFile, GoesThereAndBack) {
  AdapterConfig c{.rank = 3, .alpha = 5.5, .dropout = 0.1, .rslora = true, .fan_in_fan_out = true};
  c.targets = {"c_attn", "mlp.c_proj"};
  c.excluded = {"h.0.mlp.c_proj"};
  c.layers = {0, 2};
  c.layer_names = {"h"};
  c.ranks = {{"c_attn", 2}};
  c.alphas = {{"h.0.attn.c_attn", 1}};
  c.base = "some/base";
  EXPECT_EQ(to_json(parsed(to_json(c))), to_json(c));
  AdapterConfig all{.all_linear = true};
  EXPECT_TRUE(parsed(to_json(all)).all_linear);
  AdapterConfig pattern{.target_pattern = ".*_proj"};
  EXPECT_EQ(parsed(to_json(pattern)).target_pattern, ".*_proj");
}

TEST(AdapterConfigFile, HostileNumbers) {
  for (const Json& r : {Json(0), Json(-4), Json(1.5), Json("8"), Json(1e30), Json(65537), Json(UINT64_MAX), Json()})
    expect_refused(minimal(), "r", r, {"\"r\"", "1 to 65536"});
  for (const Json& alpha : {Json(0), Json(-1), Json("16"), Json(1e7), Json(1e-300), Json::array()})
    expect_refused(minimal(), "lora_alpha", alpha, {"lora_alpha", "from 1e-06 to"});
  for (const Json& dropout : {Json(-0.1), Json(1), Json(3)})
    expect_refused(minimal(), "lora_dropout", dropout, {"lora_dropout"});
  expect_refused(minimal(), "rank_pattern", {{"q_proj", -2}}, {"rank_pattern of \"q_proj\"", "-2"});
  expect_refused(minimal(), "alpha_pattern", {{"q_proj", 1e300}}, {"alpha_pattern of \"q_proj\"", "1e+300"});
  expect_refused(minimal(), "alpha_pattern", {{"q_proj", "much"}}, {"alpha_pattern of \"q_proj\"", "much"});
  expect_refused(minimal(), "alpha_pattern", {{"", 1}}, {"alpha_pattern"});
  expect_refused(minimal(), "alpha_pattern", Json::array({1}), {"alpha_pattern", "object"});
  expect_refused(minimal(), "layers_to_transform", {-1}, {"layers_to_transform", "-1"});
}

TEST(AdapterConfigFile, HostileShapes) {
  expect_error(ErrorKind::format, {"f"}, [] { parse_adapter_config("[1]", "f"); });
  expect_error(ErrorKind::format, {"f"}, [] { parse_adapter_config("{\"peft_type\":\"LORA\"", "f"); });
  expect_refused(minimal(), "peft_type", "IA3", {"peft_type", "IA3"});
  expect_refused(minimal(), "target_modules", nullptr, {"target_modules", "no modules"});
  expect_refused(minimal(), "target_modules", {1, 2}, {"target_modules", "1"});
  expect_refused(minimal(), "target_modules", {""}, {"target_modules"});
  expect_refused(minimal(), "target_modules", Json(std::vector<std::string>(5000, "q")), {"target_modules", "4096"});
  const Json bracket = {{"peft_type", "LORA"}, {"target_modules", "(q_proj"}};
  expect_error(ErrorKind::format, {"f"}, [&] { AdapterRules(parsed(bracket), "f"); });
  const Json sly = {{"peft_type", "LORA"}, {"target_modules", "q)|(.*"}};
  expect_error(ErrorKind::format, {"f"}, [&] { AdapterRules(parsed(sly), "f"); });
}

TEST(AdapterConfigFile, WhatChangesTheMathematicsIsRefused) {
  for (const char* key : {"use_dora", "use_qalora", "lora_bias"}) expect_refused(minimal(), key, true, {key});
  expect_refused(minimal(), "modules_to_save", {"lm_head"}, {"modules_to_save", "lm_head"});
  expect_refused(minimal(), "modules_to_save", {"score", "embed_tokens"}, {"modules_to_save", "embed_tokens"});
  expect_refused(minimal(), "layer_replication", {{0, 4}}, {"layer_replication"});
  expect_refused(minimal(), "trainable_token_indices", {1, 2}, {"trainable_token_indices"});
  expect_refused(minimal(), "bias", "all", {"bias", "none"});
  expect_refused(minimal(), "init_lora_weights", "pissa_niter_4", {"init_lora_weights", "pissa"});
  Json harmless = minimal();
  harmless["use_dora"] = false;
  harmless["modules_to_save"] = nullptr;
  harmless["init_lora_weights"] = "gaussian";
  harmless["something_new"] = 3;
  harmless["nothing_new"] = false;
  std::vector<std::string> ignored;
  parse_adapter_config(harmless.dump(), "f", &ignored);
  EXPECT_EQ(ignored, std::vector<std::string>{"something_new"});
}

TEST(AdapterConfigFile, AScalarHeadMayBeSaved) {
  EXPECT_FALSE(parsed(minimal()).score);
  Json json = minimal();
  json["modules_to_save"] = {"classifier", "score"};  // as PEFT writes them
  EXPECT_TRUE(parsed(json).score);
  EXPECT_EQ(to_json(parsed(json)).at("modules_to_save"), Json::array({"score"}));
  EXPECT_EQ(to_json(parsed(minimal())).at("modules_to_save"), nullptr);
}

TEST(AdapterRulesOf, NamesMatchWholeWordsAtTheEnd) {
  const AdapterRules rules(parsed(minimal()), "f");
  EXPECT_TRUE(rules.takes(kQ0));
  EXPECT_TRUE(rules.takes("q_proj"));
  EXPECT_FALSE(rules.takes("model.layers.0.self_attn.kq_proj"));
  EXPECT_FALSE(rules.takes(kDown1));
  EXPECT_TRUE(is_named("h.0.mlp.c_proj", "mlp.c_proj"));
  EXPECT_FALSE(is_named("h.0.attn.c_proj", "mlp.c_proj"));
  EXPECT_FALSE(is_named("h.0", ""));
}

TEST(AdapterRulesOf, PatternsExclusionsAndLayers) {
  Json json = {{"peft_type", "LORA"}, {"target_modules", R"(.*\.(self_attn|mlp)\..*_proj)"}};
  EXPECT_TRUE(AdapterRules(parsed(json), "f").takes(kQ0));
  EXPECT_FALSE(AdapterRules(parsed(json), "f").takes("lm_head"));
  json["exclude_modules"] = {"down_proj"};
  EXPECT_FALSE(AdapterRules(parsed(json), "f").takes(kDown1));
  Json layers = {{"peft_type", "LORA"}, {"target_modules", {"q_proj", "down_proj"}}, {"layers_to_transform", 1}};
  EXPECT_FALSE(AdapterRules(parsed(layers), "f").takes(kQ0));
  EXPECT_TRUE(AdapterRules(parsed(layers), "f").takes(kDown1));
  layers["layers_pattern"] = "blocks";
  EXPECT_FALSE(AdapterRules(parsed(layers), "f").takes(kDown1));
  layers["layers_pattern"] = "layers";
  EXPECT_TRUE(AdapterRules(parsed(layers), "f").takes(kDown1));
}

// α/r = 6/4; with its own r 2 and α 3: 3/2; with r 9 of rsLoRA: 6/√9.
TEST(AdapterRulesOf, ScalesAndTheirExceptions) {
  Json json = {{"peft_type", "LORA"}, {"target_modules", "all-linear"}, {"r", 4}, {"lora_alpha", 6}};
  json["rank_pattern"] = {{"layers.1.mlp.down_proj", 2}, {"^model.layers.1", 9}};
  json["alpha_pattern"] = {{"down_proj", 3}};
  const AdapterRules rules(parsed(json), "f");
  EXPECT_TRUE(rules.takes(kQ0));
  EXPECT_EQ(rules.rank_of(kQ0), 4);
  EXPECT_EQ(rules.scale_of(kQ0), 1.5);
  EXPECT_EQ(rules.rank_of(kDown1), 2);
  EXPECT_EQ(rules.scale_of(kDown1), 1.5);
  EXPECT_EQ(rules.rank_of("model.layers.1.self_attn.q_proj"), 9);
  json["use_rslora"] = true;
  EXPECT_EQ(AdapterRules(parsed(json), "f").scale_of("model.layers.1.self_attn.q_proj"), 2);
}

TEST(AdapterTensors, AreNamedAsPeftNamesThem) {
  EXPECT_EQ(adapter_tensors(kQ0).a, "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
  EXPECT_EQ(adapter_tensors(kQ0).b, "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight");
}

}  // namespace
}  // namespace hone::checkpoint
