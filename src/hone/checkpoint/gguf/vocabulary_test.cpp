#include "hone/checkpoint/gguf/vocabulary.h"

#include "hone/checkpoint/test_files.h"

namespace hone::checkpoint::gguf {
namespace {

Json bpe() {
  return base::parse_json(R"({"added_tokens": [{"id": 4, "content": "<end>", "special": true},
                                               {"id": 5, "content": "<think>", "special": false}],
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<end>": 4}, "merges": ["a b"]}})",
                          "t");
}

const Value& key(const Vocabulary& vocabulary, std::string_view name) {
  for (const auto& [known, value] : vocabulary.keys) {
    if (known == name) return value;
  }
  throw std::runtime_error("no key " + std::string(name));
}

TEST(GgufVocabulary, ByteLevelBpe) {
  const Vocabulary vocabulary = read_vocabulary(bpe(), 7, "t");
  EXPECT_EQ(vocabulary.lacking, "");
  EXPECT_EQ(key(vocabulary, "tokenizer.ggml.pre"), of_text("gpt-2"));
  EXPECT_EQ(key(vocabulary, "tokenizer.ggml.tokens"),
            of_texts({"a", "b", "ab", "[PAD3]", "<end>", "<think>", "[PAD6]"}));
  EXPECT_EQ(key(vocabulary, "tokenizer.ggml.token_type"), of_i32s({1, 1, 1, 5, 3, 4, 5}));
  Json pairs = bpe();
  pairs["model"]["merges"] = Json::array({Json::array({"a", "b"})});
  EXPECT_EQ(key(read_vocabulary(pairs, 7, "t"), "tokenizer.ggml.merges"), of_texts({"a b"}));
}

TEST(GgufVocabulary, WaysOfCuttingTextThatLlamaCppKnows) {
  Json json = bpe();
  const auto split = [&](const char* regex) {
    json["pre_tokenizer"] = {{"type", "Sequence"},
                             {"pretokenizers", Json::array({{{"type", "Split"}, {"pattern", {{"Regex", regex}}}},
                                                            {{"type", "ByteLevel"}, {"use_regex", false}}})}};
    return read_vocabulary(json, 7, "t");
  };
  EXPECT_EQ(key(split("(?i:'s|'t|'re|'ve|'m|'ll|'d)|x|\\p{N}{1,3}|y"), "tokenizer.ggml.pre"), of_text("llama-bpe"));
  EXPECT_EQ(key(split("(?i:'s|'t|'re|'ve|'m|'ll|'d)|x|\\p{N}|y"), "tokenizer.ggml.pre"), of_text("qwen2"));
  EXPECT_NE(split("[a-z]+").lacking, "");
}

TEST(GgufVocabulary, OthersWorkOnIdsAlone) {
  Json json = bpe();
  json["model"]["type"] = "WordLevel";
  const Vocabulary vocabulary = read_vocabulary(json, 7, "t");
  EXPECT_EQ(vocabulary.keys, (Metadata{{"tokenizer.ggml.model", of_text("none")}}));
  EXPECT_NE(vocabulary.lacking.find("symbol vocabulary"), std::string::npos);
  json["model"]["type"] = "Unigram";
  EXPECT_NE(read_vocabulary(json, 7, "t").lacking.find("Unigram"), std::string::npos);
}

TEST(GgufVocabulary, BadFiles) {
  expect_error(ErrorKind::format, {"t: \"id\" is 4"}, [] { read_vocabulary(bpe(), 4, "t"); });
  Json json = bpe();
  json["model"]["vocab"]["c"] = 0;
  expect_error(ErrorKind::format, {"token \"c\" of id 0"}, [&] { read_vocabulary(json, 7, "t"); });
  json = bpe();
  json["model"]["merges"] = Json::array({1});
  expect_error(ErrorKind::format, {"merge 0 is no pair"}, [&] { read_vocabulary(json, 7, "t"); });
}

}  // namespace
}  // namespace hone::checkpoint::gguf
