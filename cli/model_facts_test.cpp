#include "cli/model_facts.h"

#include "cli/test_folder.h"
#include "hone/base/error.h"
#include "hone/base/sha256.h"
#include "hone/checkpoint/safetensors.h"

#include <gtest/gtest.h>

namespace hone::cli {
namespace {

// A llama of one layer whose weights are 2 · 16 numbers, and a buffer.
struct SmallModel {
  explicit SmallModel(const std::string& extra = "") {
    folder.file("config.json", R"({"model_type": "llama", "vocab_size": 8, "max_position_embeddings": 32,
        "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
        "intermediate_size": 6, "tie_word_embeddings": true)" +
                                   extra + "}");
    const std::vector<float> numbers(16, 1.5f);
    checkpoint::write_safetensors(folder.path() / "model.safetensors",
                                  {{"model.embed_tokens.weight", checkpoint::Dtype::bf16, {4, 4}, numbers.data()},
                                   {"model.norm.weight", checkpoint::Dtype::f32, {16}, numbers.data()},
                                   {"lm_head.weight", checkpoint::Dtype::bf16, {4, 4}, numbers.data()},
                                   {"model.rotary_emb.inv_freq", checkpoint::Dtype::f32, {1}, numbers.data()}});
  }
  ModelFacts facts() const { return model_facts(checkpoint::ModelDir(folder.path())); }
  TestFolder folder;
};

TEST(ModelFacts, CountsWhatIsLearned) {
  const ModelFacts facts = SmallModel().facts();
  EXPECT_EQ(facts.type, "llama");
  EXPECT_EQ(facts.parameters, 32);
  EXPECT_EQ(facts.dtypes, (std::map<std::string, int64_t>{{"BF16", 16}, {"F32", 16}}));
  ASSERT_TRUE(facts.memory.has_value());
  EXPECT_EQ(facts.memory->inference, 32u * 4);
  EXPECT_EQ(facts.memory->cache_token, 2u * 2 * 4);  // keys and values of one head of 2
  // Rank 8 on queries (4 in, 4 out) and values (4 in, 2 out): 8 · 14 numbers, four floats each.
  EXPECT_EQ(facts.memory->lora, 32u * 4 + 8 * 14 * 16);
  EXPECT_EQ(facts.memory->full, 32u * 16);
}

TEST(ModelFacts, DescribesTheArchitecture) {
  const SmallModel model(R"(, "rope_scaling": {"type": "linear", "factor": 2.5})");
  EXPECT_EQ(architecture_text(*model.facts().config),
            "1 layers · width 4 · 2 heads of 2, 1 of keys and values · mlp 6 · context 32 · vocabulary 8 · rope 10000 "
            "linear ×2.5 · tied head");
}

TEST(ModelFacts, AnUnsupportedModelIsAFact) {
  const ModelFacts facts = SmallModel(R"(, "quantization_config": {"quant_method": "awq"})").facts();
  EXPECT_EQ(facts.type, "llama");
  EXPECT_FALSE(facts.config.has_value());
  EXPECT_FALSE(facts.memory.has_value());
  EXPECT_NE(facts.unsupported.find("awq"), std::string::npos) << facts.unsupported;
}

std::string big_tokenizer(const std::string& model) {
  return R"({"version": "1.0", "added_tokens": [{"id": 7, "content": "<s>"}, {"id": 3, "content": "<t>"}],
             "model": )" +
         model + R"(, "padding": ")" + std::string(2 << 20, ' ') + "\"}";
}

TEST(ModelFacts, LargeTokenizersAreReadAtAGlance) {
  const TestFolder folder;
  EXPECT_TRUE(tokenizer_facts(folder.path()).is_null());
  folder.file("tokenizer.json",
              big_tokenizer(R"({"type": "BPE", "vocab": {"a": 0, "type": 5}, "merges": [["a", "b"]]})"));
  EXPECT_EQ(tokenizer_facts(folder.path()), (Json{{"kind", "BPE"}, {"tokens", 8}}));
  folder.file("tokenizer.json", big_tokenizer(R"({"type": "BPE", "vocab": {"a": 0, "b": 11}})"));
  EXPECT_EQ(tokenizer_facts(folder.path())["tokens"], 12);
  std::string pieces;
  for (int i = 0; i < 9; ++i) pieces += std::string(i == 0 ? "" : ",") + R"(["p", -1.5])";
  folder.file("tokenizer.json", big_tokenizer(R"({"vocab": [)" + pieces + R"(], "type": "Unigram"})"));
  EXPECT_EQ(tokenizer_facts(folder.path()), (Json{{"kind", "Unigram"}, {"tokens", 9}}));
  folder.file("tokenizer.json", big_tokenizer(std::string(100000, '[')));
  EXPECT_THROW(tokenizer_facts(folder.path()), Error);
}

TEST(ModelFacts, FindsTheTemplate) {
  const TestFolder folder;
  EXPECT_TRUE(template_facts(folder.path()).is_null());
  folder.file("tokenizer_config.json", R"({"chat_template": "{{ a }}"})");
  EXPECT_EQ(template_facts(folder.path())["sha256"], base::sha256_hex("{{ a }}"));
  folder.file("chat_template.jinja", "{{ b }}");
  EXPECT_EQ(template_facts(folder.path()),
            (Json{{"file", "chat_template.jinja"}, {"bytes", 7}, {"sha256", base::sha256_hex("{{ b }}")}}));
}

TEST(ModelFacts, LargeFilesAreSampledUnlessAskedFor) {
  const TestFolder folder;
  std::string bytes(9 << 20, 'x');
  folder.file("large", bytes);
  folder.file("small", "y");
  const Json sampled = file_facts(folder.path(), Hashing::sampled), full = file_facts(folder.path(), Hashing::full);
  EXPECT_EQ(full[0]["sha256"], base::sha256_hex(bytes));
  EXPECT_EQ(full[1], sampled[1]);
  EXPECT_FALSE(sampled[0].contains("sha256"));
  std::string sample = std::to_string(bytes.size());
  sample.append(256 * 4096, 'x');
  EXPECT_EQ(sampled[0]["sample_sha256"], base::sha256_hex(sample));
  for (const std::size_t at : {std::size_t{0}, bytes.size() - 1}) {  // first and last block
    std::string changed = bytes;
    changed[at] = 'z';
    folder.file("large", changed);
    EXPECT_NE(file_facts(folder.path(), Hashing::sampled)[0]["sample_sha256"], sampled[0]["sample_sha256"]);
  }
}

}  // namespace
}  // namespace hone::cli
