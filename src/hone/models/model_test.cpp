#include "hone/models/model.h"

#include "hone/checkpoint/model_dir.h"
#include "hone/checkpoint/test_files.h"
#include "hone/models/test_saved.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace hone::models {
namespace {

class ModelOf : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Model, ModelOf, testing::ValuesIn(kVariants),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(ModelOf, ComesBackBitForBit) {
  const SavedModel saved(GetParam());
  const Model opened = open(saved.dir);
  expect_same_model(opened.decoder, saved.decoder);
  EXPECT_EQ(opened.tokenizer.size(), 19);
  EXPECT_EQ(opened.tokenizer.to_json(), tokenizer_of(19).to_json());
  for (const char* file : {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"})
    EXPECT_TRUE(fs::exists(saved.dir / file)) << file;
  // Saved once more, the same bytes.
  save(saved.parent / "again", opened.decoder, opened.tokenizer);
  EXPECT_EQ(contents(saved.parent / "again"), contents(saved.dir));
}

TEST_P(ModelOf, ReplicasAreSavedLikeTheirModel) {
  const SavedModel saved(GetParam());
  save(saved.parent / "replica", replica(saved.decoder), tokenizer_of(19));
  EXPECT_EQ(contents(saved.parent / "replica"), contents(saved.dir));
}

TEST_P(ModelOf, ViewsCoverEveryNumberOnce) {
  Decoder model = small_model(GetParam());
  for (const auto& [name, view] : hf_tensors(model)) view.add_(1000);
  EXPECT_LT(distance(model.flat, small_model(GetParam()).flat + 1000), 1e-3);
}

TEST_P(ModelOf, EveryMissingTensorIsNamed) {
  const SavedModel saved(GetParam());
  const std::string whole = checkpoint::read_bytes(saved.dir / "model.safetensors");
  for (const auto& [name, view] : hf_tensors(saved.decoder)) {
    change_weights(saved.dir, [&](Weights& all) { all.erase(name); });
    expect_error(ErrorKind::format, {saved.dir.string(), "\"" + name + "\""}, [&] { open(saved.dir); });
    checkpoint::write_bytes(saved.dir / "model.safetensors", whole);
  }
  EXPECT_NO_THROW(open(saved.dir));
}

TEST_P(ModelOf, EveryWrongShapeIsNamed) {
  const SavedModel saved(GetParam());
  const std::string whole = checkpoint::read_bytes(saved.dir / "model.safetensors");
  for (const auto& [name, view] : hf_tensors(saved.decoder)) {
    change_weights(saved.dir, [&](Weights& all) {
      Stored& t = all[name];
      if (t.shape.size() == 2 && t.shape[0] != t.shape[1])
        std::swap(t.shape[0], t.shape[1]);
      else
        t.shape.push_back(1);
    });
    expect_error(ErrorKind::format, {"\"" + name + "\"", "shape"}, [&] { open(saved.dir); });
    checkpoint::write_bytes(saved.dir / "model.safetensors", whole);
  }
}

TEST(Model, NamesAndShapesOfGpt2) {
  const SavedModel saved({Family::gpt2, true});
  const Weights all = read_weights(saved.dir);
  EXPECT_EQ(all.size(), 2u + 2 * 12 + 2);
  EXPECT_FALSE(all.contains("lm_head.weight"));
  EXPECT_EQ(all.at("transformer.wpe.weight").shape, (std::vector<int64_t>{13, 24}));
  // Conv1D stores [in, out].
  const Stored& qkv = all.at("transformer.h.1.attn.c_attn.weight");
  EXPECT_EQ(qkv.shape, (std::vector<int64_t>{24, 72}));
  EXPECT_EQ(qkv.numbers[3 * 72 + 50], saved.decoder.blocks[1].qkv.weight[50][3].item<float>());
  EXPECT_EQ(all.at("transformer.h.0.mlp.c_proj.weight").shape, (std::vector<int64_t>{40, 24}));
}

TEST(Model, NamesAndShapesOfLlama) {
  const SavedModel saved({Family::llama, false});
  const Weights all = read_weights(saved.dir);
  EXPECT_EQ(all.size(), 1u + 2 * 9 + 2);
  const Block& block = saved.decoder.blocks[1];
  const std::string p = "model.layers.1.";
  // Four query heads, then two of keys, then two of values, 6 rows each.
  const std::pair<const char*, int64_t> rows[] = {
      {"self_attn.q_proj.weight", 0}, {"self_attn.k_proj.weight", 24}, {"self_attn.v_proj.weight", 36}};
  for (const auto& [name, first] : rows) {
    EXPECT_EQ(all.at(p + name).shape, (std::vector<int64_t>{first == 0 ? 24 : 12, 24})) << name;
    EXPECT_EQ(all.at(p + name).numbers[2 * 24 + 5], block.qkv.weight[first + 2][5].item<float>()) << name;
  }
  EXPECT_EQ(all.at(p + "mlp.gate_proj.weight").numbers[5], block.up.weight[0][5].item<float>());
  EXPECT_EQ(all.at(p + "mlp.up_proj.weight").numbers[5], block.up.weight[40][5].item<float>());
  EXPECT_EQ(all.at("lm_head.weight").shape, (std::vector<int64_t>{19, 24}));
}

TEST(Model, ConfigNamesTheSpecialTokens) {
  const SavedModel saved;
  for (const char* file : {"config.json", "generation_config.json"}) {
    const Json json = Json::parse(checkpoint::read_bytes(saved.dir / file));
    EXPECT_EQ(json["pad_token_id"], 0) << file;
    EXPECT_EQ(json["bos_token_id"], 1) << file;
    EXPECT_EQ(json["eos_token_id"], 2) << file;
  }
}

TEST(Model, ExtraTensorsAreNamed) {
  for (const Variant& v : kVariants) {
    const SavedModel saved(v);
    change_weights(saved.dir, [](Weights& all) { all["adapter.lora_A"] = {{2}, {1, 2}}; });
    expect_error(ErrorKind::format, {saved.dir.string(), "\"adapter.lora_A\""}, [&] { open(saved.dir); });
  }
  // More blocks stored than the config has.
  const SavedModel saved;
  change_config(saved.dir, [](Json& config) { config["n_layer"] = 1; });
  expect_error(ErrorKind::format, {"\"transformer.h.1."}, [&] { open(saved.dir); });
}

TEST(Model, BuffersAndTiedCopiesAreNotExtra) {
  const SavedModel gpt2(kVariants[0]), llama(kVariants[2]);
  change_weights(gpt2.dir, [](Weights& all) {
    all["transformer.h.0.attn.bias"] = {{1, 1, 2, 2}, {1, 0, 1, 1}};
    all["transformer.h.0.attn.masked_bias"] = {{}, {-1e4f}};
    all["lm_head.weight"] = all["transformer.wte.weight"];
  });
  expect_same_model(open(gpt2.dir).decoder, gpt2.decoder);
  change_weights(llama.dir, [](Weights& all) {
    all["model.layers.0.self_attn.rotary_emb.inv_freq"] = {{3}, {1, 0.5f, 0.25f}};
    all["lm_head.weight"] = all["model.embed_tokens.weight"];
  });
  expect_same_model(open(llama.dir).decoder, llama.decoder);
}

TEST(Model, ATiedHeadThatDiffersIsRefused) {
  const SavedModel saved;
  change_weights(saved.dir, [](Weights& all) {
    all["lm_head.weight"] = all["transformer.wte.weight"];
    all["lm_head.weight"].numbers[3] += 1;
  });
  expect_error(ErrorKind::format, {"lm_head.weight", "transformer.wte.weight"}, [&] { open(saved.dir); });
}

TEST(Model, DtypesThatAreNoWeightsAreRefused) {
  const SavedModel saved;
  std::vector<checkpoint::TensorData> tensors;
  const Weights all = read_weights(saved.dir);
  const std::vector<char> codes(1 << 16);
  for (const auto& [name, stored] : all) {
    const bool quantised = name == "transformer.h.1.mlp.c_fc.weight";
    tensors.push_back({name, quantised ? checkpoint::Dtype::i8 : checkpoint::Dtype::f32, stored.shape,
                       quantised ? static_cast<const void*>(codes.data()) : stored.numbers.data()});
  }
  fs::remove(saved.dir / "model.safetensors");
  checkpoint::write_safetensors(saved.dir / "model.safetensors", tensors);
  expect_error(ErrorKind::format, {"transformer.h.1.mlp.c_fc.weight", "I8", "F32, F16, BF16"},
               [&] { open(saved.dir); });
}

TEST(Model, WhatIsNotUnderstoodIsKept) {
  const SavedModel saved;
  change_config(saved.dir, [](Json& config) { config["task_specific_params"] = {{"x", 1.5}}; });
  const std::map<std::string, std::string> files = {
      {"tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})"},
      {"chat_template.jinja", "{{ messages }}"},
      {"generation_config.json", R"({"top_k": 7})"}};
  for (const auto& [name, text] : files) checkpoint::write_bytes(saved.dir / name, text);
  Model opened = open(saved.dir);
  opened.decoder.flat.add_(0.25);
  save(saved.parent / "again", copy(opened.decoder), opened.tokenizer);
  const auto was = contents(saved.dir), is = contents(saved.parent / "again");
  for (const char* name : {"config.json", "generation_config.json"})
    EXPECT_EQ(Json::parse(is.at(name)), Json::parse(was.at(name)));
  for (const char* name : {"tokenizer_config.json", "chat_template.jinja"}) EXPECT_EQ(is.at(name), was.at(name));
  EXPECT_TRUE(at::equal(open(saved.parent / "again").decoder.flat, opened.decoder.flat));
  // With another tokenizer the files of the old one are not written.
  save(saved.parent / "other", opened.decoder, tokenizer_of(12));
  EXPECT_FALSE(fs::exists(saved.parent / "other" / "chat_template.jinja"));
}

TEST(Model, WeightsBeyondTheRangeOfFloat16AreNotWritten) {
  const SavedModel saved;
  Decoder model = open(saved.dir).decoder;
  Origin origin = *model.origin;
  for (auto& tensor : origin.tensors) tensor.dtype = checkpoint::Dtype::f16;
  model.origin = std::make_shared<const Origin>(origin);
  save(saved.parent / "half", model, tokenizer_of(19));
  EXPECT_LT(distance(open(saved.parent / "half").decoder.flat, model.flat), 1e-2);
  model.blocks[0].down.weight[2][3] = 70000;
  expect_error(ErrorKind::numeric, {"transformer.h.0.mlp.c_proj.weight", "7e+04", "F16"},
               [&] { save(saved.parent / "broken", model, tokenizer_of(19)); });
  EXPECT_FALSE(fs::exists(saved.parent / "broken"));
}

TEST(Model, RolesOfTokensAreThoseOfTheConfigs) {
  const SavedModel saved;
  EXPECT_EQ(open(saved.dir).tokenizer.end(), 2);
  change_config(saved.dir, [](Json& config) { config["eos_token_id"] = 5; });
  fs::remove(saved.dir / "generation_config.json");
  EXPECT_EQ(open(saved.dir).tokenizer.end(), 5);
  checkpoint::write_bytes(saved.dir / "generation_config.json", R"({"eos_token_id": [4, 2], "pad_token_id": 99})");
  EXPECT_EQ(open(saved.dir).tokenizer.end(), 4);
  EXPECT_EQ(open(saved.dir).tokenizer.pad(), 0);
  checkpoint::write_bytes(saved.dir / "tokenizer_config.json",
                          R"({"eos_token": {"content": "<retry>"}, "bos_token": "<user>", "pad_token": "no such"})");
  const auto tokenizer = open(saved.dir).tokenizer;
  EXPECT_EQ(tokenizer.end(), 3);
  EXPECT_EQ(tokenizer.bos(), 4);
  checkpoint::write_bytes(saved.dir / "tokenizer_config.json", "[]");
  expect_error(ErrorKind::format, {"tokenizer_config.json"}, [&] { open(saved.dir); });
}

TEST(Model, EveryTokenThatEndsATextIsKnown) {
  using Ids = std::vector<int32_t>;
  const SavedModel saved;
  EXPECT_EQ(end_ids({saved.decoder, tokenizer_of(19)}), (Ids{2}));  // <end>; made here, so that no folder says more
  change_config(saved.dir, [](Json& config) { config["eos_token_id"] = Json::array({5, 6}); });
  fs::remove(saved.dir / "generation_config.json");
  EXPECT_EQ(end_ids(open(saved.dir)), (Ids{5, 6}));
  // generation_config.json wins; ids beyond the vocabulary and what is no id are passed over.
  checkpoint::write_bytes(saved.dir / "generation_config.json", R"({"eos_token_id": [4, 2, 4, 99, -1, "x", null]})");
  EXPECT_EQ(end_ids(open(saved.dir)), (Ids{4, 2}));
  checkpoint::write_bytes(saved.dir / "generation_config.json", R"({"eos_token_id": 3})");
  EXPECT_EQ(end_ids(open(saved.dir)), (Ids{3}));
}

TEST(Model, NamesWithoutTheirFirstWordAreRead) {
  const SavedModel saved({Family::llama, true, Extras::qwen3});
  change_weights(saved.dir, [](Weights& all) {
    Weights bare;
    for (auto& [name, stored] : all) bare[name.substr(std::string("model.").size())] = stored;
    all = bare;
  });
  const Decoder bare = open(saved.dir).decoder;
  expect_same_model(bare, saved.decoder);
  save(saved.parent / "again", bare, tokenizer_of(19));
  EXPECT_TRUE(read_weights(saved.parent / "again").contains("layers.1.self_attn.q_norm.weight"));
}

TEST(Model, NamesOfTheFirstGpt2AreRead) {
  const SavedModel saved;
  change_weights(saved.dir, [](Weights& all) {
    Weights bare;
    for (auto& [name, stored] : all) bare[name.substr(std::string("transformer.").size())] = stored;
    all = bare;
  });
  expect_same_model(open(saved.dir).decoder, saved.decoder);
}

TEST(Model, TruncatedFilesAreRefused) {
  const SavedModel saved;
  const std::string whole = checkpoint::read_bytes(saved.dir / "model.safetensors");
  const std::size_t n = whole.size();
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{100}, n / 2, n - 1}) {
    checkpoint::write_bytes(saved.dir / "model.safetensors", whole.substr(0, size));
    expect_error(ErrorKind::format, {"model.safetensors"}, [&] { open(saved.dir); });
  }
}

TEST(Model, MissingFilesAreNamed) {
  for (const char* file : {"config.json", "model.safetensors", "tokenizer.json"}) {
    const SavedModel saved;
    fs::remove(saved.dir / file);
    expect_error(ErrorKind::io, {file}, [&] { open(saved.dir); });
  }
  const TempFolder folder;
  expect_error(ErrorKind::io, {"nowhere"}, [&] { open(folder / "nowhere"); });
}

TEST(Model, TokenizerLargerThanTheVocabularyIsRefused) {
  const SavedModel saved;
  checkpoint::write_bytes(saved.dir / "tokenizer.json", tokenizer_of(20).to_json().dump());
  expect_error(ErrorKind::format, {"tokenizer.json", "20", "19"}, [&] { open(saved.dir); });
  // A smaller one leaves ids unused, as padded vocabularies do.
  checkpoint::write_bytes(saved.dir / "tokenizer.json", tokenizer_of(12).to_json().dump());
  EXPECT_EQ(open(saved.dir).tokenizer.size(), 12);
}

// Sizes within the range of each key, but far beyond the file: refused before memory is taken for them.
TEST(Model, ConfigThatPromisesMoreThanTheFileIsRefused) {
  constexpr int64_t kMost = 1 << 24;
  const std::pair<Variant, std::vector<std::pair<const char*, int64_t>>> promises[] = {
      {{Family::gpt2, true}, {{"vocab_size", kMost}, {"n_positions", kMost}, {"n_inner", kMost}, {"n_layer", 4096}}},
      {{Family::llama, true},
       {{"vocab_size", kMost}, {"intermediate_size", kMost}, {"head_dim", kMost}, {"num_hidden_layers", 4096}}}};
  for (const auto& [variant, sizes] : promises)
    for (const auto& [key, size] : sizes) {
      SCOPED_TRACE(key);
      const SavedModel saved(variant);
      change_config(saved.dir, [&, key = key, size = size](Json& config) { config[key] = size; });
      expect_error(ErrorKind::format, {saved.dir.string(), "larger model"}, [&] { open(saved.dir); });
    }
  // Every key at its most: the number of parameters has no int64.
  const SavedModel saved({Family::llama, false});
  change_config(saved.dir, [&](Json& config) {
    for (const char* key :
         {"vocab_size", "hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size"})
      config[key] = kMost;
    config["num_hidden_layers"] = 4096;
  });
  expect_error(ErrorKind::format, {saved.dir.string(), "larger model"}, [&] { open(saved.dir); });
}

TEST(Model, ContextOfLlamaCostsNothing) {
  const SavedModel saved({Family::llama, true});
  change_config(saved.dir, [](Json& config) { config["max_position_embeddings"] = 1 << 24; });
  EXPECT_EQ(open(saved.dir).decoder.config.context, 1 << 24);
}

TEST(Model, NonFiniteWeightsAreRefused) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    const SavedModel saved;
    Decoder spoilt = copy(saved.decoder);
    spoilt.blocks[1].down.weight[2][3] = bad;
    save(saved.parent / "spoilt", spoilt, tokenizer_of(19));
    expect_error(ErrorKind::numeric, {"transformer.h.1.mlp.c_proj.weight"}, [&] { open(saved.parent / "spoilt"); });
  }
}

TEST(Model, FullFolderIsRefusedAndLeftAlone) {
  const TempFolder parent;
  const Decoder model = small_model(kVariants[0]);
  fs::create_directories(parent / "out" / "deep");
  checkpoint::write_bytes(parent / "out" / "notes.txt", "mine");
  const auto before = contents(parent.path());
  expect_error(ErrorKind::usage, {"out"}, [&] { save(parent / "out", model, tokenizer_of(19)); });
  EXPECT_EQ(contents(parent.path()), before);
  checkpoint::write_bytes(parent / "file", "mine");
  expect_error(ErrorKind::usage, {"file"}, [&] { save(parent / "file", model, tokenizer_of(19)); });
  EXPECT_EQ(checkpoint::read_bytes(parent / "file"), "mine");
}

TEST(Model, EmptyAndMissingFoldersAreFilled) {
  const TempFolder parent;
  const Decoder model = small_model(kVariants[0]);
  fs::create_directory(parent / "empty");
  for (const char* name : {"empty", "new/and/deep"}) {
    save(parent / name, model, tokenizer_of(19));
    expect_same_model(open(parent / name).decoder, model);
    EXPECT_EQ(contents(parent / name).size(), 4u);
  }
}

}  // namespace
}  // namespace hone::models
