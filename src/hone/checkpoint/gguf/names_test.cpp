#include "hone/checkpoint/gguf/names.h"

#include "hone/checkpoint/test_files.h"

#include <algorithm>

namespace hone::checkpoint::gguf {
namespace {

Json llama() {
  return {{"model_type", "llama"},      {"vocab_size", 50},
          {"hidden_size", 32},          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},   {"num_key_value_heads", 2},
          {"intermediate_size", 64},    {"max_position_embeddings", 8},
          {"tie_word_embeddings", true}};
}

const Origin* find(const std::vector<Origin>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Origin& origin) { return origin.name == name; });
  return found == all.end() ? nullptr : &*found;
}

TEST(GgufNames, Llama) {
  const Shape shape = read_shape(llama(), "c");
  EXPECT_EQ(shape.head_dim, 8);
  const auto all = origins(shape);
  EXPECT_EQ(all.size(), 2u * 9 + 2);
  EXPECT_EQ(find(all, "blk.1.attn_k.weight")->source, "model.layers.1.self_attn.k_proj.weight");
  EXPECT_EQ(find(all, "blk.1.attn_k.weight")->arrange, Arrange::interleave);
  EXPECT_EQ(find(all, "blk.1.attn_k.weight")->heads, 2);
  EXPECT_EQ(find(all, "blk.0.attn_q.weight")->heads, 4);
  EXPECT_TRUE(find(all, "blk.0.attn_norm.weight")->full);
  EXPECT_EQ(find(all, "output.weight"), nullptr) << "tied";
}

TEST(GgufNames, QwenHasBiasesAndIsNotInterleaved) {
  Json config = llama();
  config["model_type"] = "qwen2";
  config["tie_word_embeddings"] = false;
  const auto all = origins(read_shape(config, "c"));
  EXPECT_EQ(find(all, "blk.0.attn_q.weight")->arrange, Arrange::as_is);
  EXPECT_EQ(find(all, "blk.0.attn_q.bias")->source, "model.layers.0.self_attn.q_proj.bias");
  EXPECT_EQ(find(all, "output.weight")->source, "lm_head.weight");
}

TEST(GgufNames, Gpt2WritesItsHeadOut) {
  const Json config = {{"model_type", "gpt2"}, {"vocab_size", 9}, {"n_embd", 8},
                       {"n_layer", 1},         {"n_head", 2},     {"n_positions", 4}};
  const auto all = origins(read_shape(config, "c"));
  EXPECT_EQ(all.size(), 2u + 12 + 3);
  EXPECT_EQ(find(all, "output.weight")->source, "transformer.wte.weight");
  EXPECT_EQ(find(all, "blk.0.attn_qkv.weight")->arrange, Arrange::transpose);
}

TEST(GgufNames, Refusals) {
  Json config = llama();
  config["rope_scaling"] = {{"type", "linear"}, {"factor", 2}};
  expect_error(ErrorKind::format, {"c: rope of the type \"linear\" is not exported"}, [&] { read_shape(config, "c"); });
  config = llama();
  config["model_type"] = "bert";
  expect_error(ErrorKind::format, {"\"bert\" can't be exported"}, [&] { read_shape(config, "c"); });
  config = llama();
  config["attention_bias"] = true;
  expect_error(ErrorKind::format, {"attention_bias = true"}, [&] { read_shape(config, "c"); });
  config = llama();
  config["architectures"] = {"LlamaForSequenceClassification"};
  expect_error(ErrorKind::format, {"LlamaForSequenceClassification", "only language models"},
               [&] { read_shape(config, "c"); });
}

}  // namespace
}  // namespace hone::checkpoint::gguf
