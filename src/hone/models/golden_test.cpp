// Our logits against those of transformers, on checkpoints that it wrote (tools/golden/make_tiny.py, make_models.py).
// Decoding with a cache: generate/golden_test.cpp.
#include "hone/base/files.h"
#include "hone/checkpoint/model_dir.h"
#include "hone/checkpoint/test_files.h"
#include "hone/models/hf_config.h"
#include "hone/models/model.h"
#include "hone/models/test_golden.h"
#include "hone/models/test_models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace hone::models {
namespace {

class Golden : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Models, Golden, testing::Values("gpt2-tiny", "llama-tiny"), [](const auto& info) {
  return std::string(info.param).substr(0, std::string(info.param).find('-'));
});

TEST_P(Golden, LogitsAreThoseOfTransformers) {
  const Model model = open(golden_dir(GetParam()));
  const auto path = golden_dir(GetParam()) / "logits.json";
  const Json expected = base::parse_json(base::read_file(path, 1 << 20), path.string());
  ASSERT_EQ(expected["prompts"].size(), 2u);
  for (const Json& prompt : expected["prompts"]) {
    const auto ids = prompt["ids"].get<std::vector<int64_t>>();
    std::istringstream words(prompt["text"].get<std::string>());
    std::vector<int64_t> ours;
    for (std::string word; words >> word;) ours.push_back(model.tokenizer.id(word));
    EXPECT_EQ(ours, ids);
    const auto wanted = matrix_of(prompt["logits"]), got = logits(model.decoder, batch_of({ids}))[0];
    ASSERT_EQ(got.sizes(), wanted.sizes());
    EXPECT_LT(distance(got, wanted), 1e-4) << prompt["text"];
    EXPECT_GT(wanted.abs().max().item<double>(), 1) << "too flat to prove anything";
  }
}

TEST_P(Golden, TokenizerIsTheOneThatHoneWrites) {
  const auto path = golden_dir(GetParam()) / "tokenizer.json";
  const Json stored = base::parse_json(base::read_file(path, 1 << 20), path.string());
  EXPECT_EQ(Json::parse(text::Tokenizer::load(path).to_json().dump()), stored);
}

class GoldenModel : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, GoldenModel, testing::ValuesIn(golden_models()),
                         [](const auto& info) { return golden_test_name(info.param); });

TEST_P(GoldenModel, LogitsOfAPrompt) {
  const Decoder decoder = open_decoder(golden_model(GetParam()));
  const Json prompt = golden_logits(GetParam())["prompt"];
  const auto wanted = matrix_of(prompt["logits"]);
  const auto got = logits(decoder, batch_of({prompt["ids"].get<std::vector<int64_t>>()}))[0];
  ASSERT_EQ(got.sizes(), wanted.sizes());
  EXPECT_LT(distance(got, wanted), 1e-4);
  EXPECT_GT(wanted.abs().max().item<double>(), 1) << "too flat to prove anything";
}

TEST_P(GoldenModel, LogitsOfPaddedBatches) {
  const Decoder decoder = open_decoder(golden_model(GetParam()));
  const Json batches = golden_logits(GetParam())["batches"];
  ASSERT_EQ(batches.size(), 2u);
  for (const Json& expected : batches) {
    const bool left = expected["padding"] == "left";
    std::vector<std::vector<int64_t>> rows;
    std::size_t most = 0;
    for (const Json& row : expected["rows"]) {
      rows.push_back(row["ids"].get<std::vector<int64_t>>());
      most = std::max(most, rows.back().size());
    }
    const auto begin_of = [&](const auto& row) { return static_cast<int64_t>(left ? most - row.size() : 0); };
    tensor::Batch batch;
    batch.ids_BT = at::zeros({static_cast<int64_t>(rows.size()), static_cast<int64_t>(most)}, at::kLong);
    batch.positions_BT = at::zeros_like(batch.ids_BT);
    batch.segments_BT = at::full_like(batch.ids_BT, -1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto count = static_cast<int64_t>(rows[i].size());
      const auto own = [&](const at::Tensor& t) {
        return t[static_cast<int64_t>(i)].narrow(0, begin_of(rows[i]), count);
      };
      own(batch.ids_BT).copy_(at::tensor(rows[i], at::kLong));
      own(batch.positions_BT).copy_(at::arange(count));
      own(batch.segments_BT).zero_();
    }
    const auto all = logits(decoder, batch);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto wanted = matrix_of(expected["rows"][i]["logits"]);
      const auto got = all[static_cast<int64_t>(i)].narrow(0, begin_of(rows[i]), wanted.size(0));
      EXPECT_LT(distance(got, wanted), 1e-4) << expected["padding"] << " padding, row " << i;
    }
  }
}

// Names, dtypes, config and bytes of every tensor.
TEST_P(GoldenModel, IsWrittenBackAsItWas) {
  const checkpoint::TempFolder folder;
  const auto source = golden_model(GetParam());
  const Decoder decoder = open_decoder(source);
  save(folder / "out", decoder, text::Tokenizer::symbols(text::standard_specials(), {}));
  const checkpoint::ModelDir was(source), is(folder / "out");
  EXPECT_EQ(is.config(), was.config());
  std::size_t buffers = 0;
  for (const auto* tensor : was.tensors()) {
    const auto* again = is.find(tensor->name);
    if (!again && tensor->name.ends_with(".attn.bias") && ++buffers) continue;
    ASSERT_NE(again, nullptr) << tensor->name;
    EXPECT_EQ(again->dtype, tensor->dtype) << tensor->name;
    EXPECT_EQ(again->shape, tensor->shape) << tensor->name;
    std::vector<std::byte> before(tensor->end - tensor->begin), after(again->end - again->begin);
    was.read(tensor->name, before);
    is.read(tensor->name, after);
    EXPECT_EQ(before, after) << tensor->name;
  }
  EXPECT_EQ(is.tensors().size() + buffers, was.tensors().size());
  EXPECT_TRUE(at::equal(open_decoder(folder / "out").flat, decoder.flat));
}

// The config that hone would write for such a model of its own says the same.
TEST_P(GoldenModel, ConfigComesBackFromItsJson) {
  const DecoderConfig config = open_decoder(golden_model(GetParam())).config;
  EXPECT_EQ(config_from_json(base::parse_json(base::dump(to_json(config)), "config.json"), "config.json"), config);
}

// The sharded one, spoilt in every way that an index and its shards can contradict each other and the config.
class SpoiltModel : public testing::Test {
 protected:
  SpoiltModel() { std::filesystem::copy(golden_model("qwen2"), dir); }

  Json index() const { return Json::parse(checkpoint::read_bytes(dir / kIndex)); }
  void put(const char* file, const Json& json) { checkpoint::write_bytes(dir / file, json.dump()); }
  void expect_refused(ErrorKind kind, std::initializer_list<std::string_view> parts) {
    checkpoint::expect_error(kind, parts, [&] { open_decoder(dir); });
  }

  static constexpr const char* kIndex = "model.safetensors.index.json";
  static constexpr const char* kName = "model.layers.1.self_attn.k_proj.bias";
  checkpoint::TempFolder parent;
  std::filesystem::path dir = parent / "model";
};

TEST_F(SpoiltModel, MissingShard) {
  const std::string shard = index()["weight_map"][kName].get<std::string>();
  std::filesystem::remove(dir / shard);
  expect_refused(ErrorKind::io, {kIndex, shard});
}

TEST_F(SpoiltModel, ShardOutsideTheFolder) {
  std::filesystem::copy(dir / index()["weight_map"][kName].get<std::string>(), parent / "shard.safetensors");
  for (const char* place : {"../shard.safetensors", "/etc/passwd", ".."}) {
    Json json = index();
    json["weight_map"][kName] = place;
    put(kIndex, json);
    expect_refused(ErrorKind::format, {kIndex, kName, place});
  }
}

TEST_F(SpoiltModel, TensorThatNoShardHas) {
  Json json = index();
  json["weight_map"]["model.layers.7.mlp.up_proj.weight"] = json["weight_map"][kName];
  put(kIndex, json);
  expect_refused(ErrorKind::format, {kIndex, "model.layers.7.mlp.up_proj.weight"});
}

TEST_F(SpoiltModel, ConfigOfAnotherModel) {
  const Json config = Json::parse(checkpoint::read_bytes(dir / "config.json"));
  Json other = config;
  other["model_type"] = "llama";  // which has no biases
  put("config.json", other);
  expect_refused(ErrorKind::format, {"self_attn.k_proj.bias", "does not belong"});
  other = config;
  other["num_hidden_layers"] = 1;
  other.erase("layer_types");
  put("config.json", other);
  expect_refused(ErrorKind::format, {"model.layers.1."});
  other = config;
  other["intermediate_size"] = 47;
  put("config.json", other);
  expect_refused(ErrorKind::format, {"mlp.gate_proj.weight", "[48, 32]", "[47, 32]"});
  other = config;
  other["model_type"] = "qwen3";
  other["head_dim"] = 8;
  put("config.json", other);
  expect_refused(ErrorKind::format, {"self_attn.q_norm.weight"});
}

TEST_F(SpoiltModel, HeadThatDiffersFromTheEmbeddingItIsTiedTo) {
  Json config = Json::parse(checkpoint::read_bytes(dir / "config.json"));
  config["tie_word_embeddings"] = true;
  put("config.json", config);
  expect_refused(ErrorKind::format, {"lm_head.weight", "model.embed_tokens.weight"});
}

TEST(GoldenModels, HaveTheSwitchesTheyStandFor) {
  const auto config = [](const char* name) { return open_decoder(golden_model(name)).config; };
  EXPECT_EQ(config("llama3").rope.type, RopeType::llama3);
  EXPECT_EQ(config("llama-linear").rope, (RopeScaling{.type = RopeType::linear, .factor = 2.5}));
  EXPECT_EQ(config("llama-yarn").rope.type, RopeType::yarn);
  EXPECT_TRUE(config("llama-yarn").out_bias && config("llama-yarn").mlp_bias);
  EXPECT_EQ(config("llama-dynamic").rope.type, RopeType::dynamic);
  EXPECT_EQ(config("mistral").windows, (std::vector<int64_t>{5, 5}));
  EXPECT_EQ(config("mistral").head_dim, 12);
  EXPECT_EQ(config("qwen2").windows, (std::vector<int64_t>{0, 7}));
  EXPECT_TRUE(config("qwen2").qkv_bias && !config("qwen2").out_bias);
  EXPECT_TRUE(config("qwen3").qk_norm && config("qwen3").tied);
}

}  // namespace
}  // namespace hone::models
