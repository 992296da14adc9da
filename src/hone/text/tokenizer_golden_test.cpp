// Our ids and texts against those of the `tokenizers` package, on tokenizers of every kind and a corpus of hard text
// (tools/golden/make_tokenizers.py).
#include "hone/base/error.h"
#include "hone/base/files.h"
#include "hone/text/stream_decoder.h"
#include "hone/text/tokenizer.h"
#include "hone/text/utf8.h"

#include <gtest/gtest.h>

#include <map>

namespace hone::text {
namespace {

namespace fs = std::filesystem;

constexpr EncodeOptions kAsTokens = {SpecialText::as_tokens, Surroundings::none};
constexpr EncodeOptions kWithTemplate = {SpecialText::as_tokens, Surroundings::add};

// src/hone/text/… → tests/golden/tokenizers
fs::path golden() {
  const fs::path here = fs::absolute(__FILE__).parent_path();
  return here.parent_path().parent_path().parent_path() / "tests" / "golden" / "tokenizers";
}

Json read_json(const std::string& name) { return base::parse_json(base::read_file(golden() / name), name); }

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// Texts by name, as they come in: some are not UTF-8.
const std::map<std::string, std::string>& corpus() {
  static const auto kTexts = [] {
    const Json json = read_json("corpus.json");
    std::map<std::string, std::string> texts;
    for (const auto& [name, text] : json["texts"].items()) texts[name] = text.get<std::string>();
    for (const auto& [name, hex] : json["bytes"].items()) texts[name] = from_hex(hex.get<std::string>());
    return texts;
  }();
  return kTexts;
}

std::string streamed(const Tokenizer& tokenizer, const Ids& ids) {
  StreamDecoder stream(tokenizer);
  std::string text;
  for (const int32_t id : ids) {
    const std::string piece = stream.push(id);
    EXPECT_TRUE(is_valid_utf8(piece));
    text += piece;
  }
  return text + stream.finish();
}

class Golden : public testing::TestWithParam<const char*> {
 protected:
  Tokenizer tokenizer_ = Tokenizer::load(golden() / (std::string(GetParam()) + ".json"));
  Json expected_ = read_json(std::string(GetParam()) + ".golden.json");
};

TEST_P(Golden, IdsAndTextsEqualThePackages) {
  ASSERT_EQ(expected_["cases"].size(), corpus().size());
  for (const Json& one : expected_["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const std::string& text = corpus().at(one["name"]);
    const Ids ids = one["ids"].get<Ids>();
    EXPECT_EQ(tokenizer_.encode(text, kAsTokens), ids);
    const Ids around = one.value("with_template", ids);
    EXPECT_EQ(tokenizer_.encode(text, kWithTemplate), around);
    const std::string decoded = one.value("decoded", repair_utf8(text));
    EXPECT_EQ(tokenizer_.decode_all(ids), decoded);
    EXPECT_EQ(tokenizer_.decode(around), one.value("skipped", decoded));
  }
}

TEST_P(Golden, AStreamGivesTheWholeText) {
  for (const Json& one : expected_["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const Ids ids = one["ids"].get<Ids>();
    EXPECT_EQ(streamed(tokenizer_, ids), tokenizer_.decode(ids));
  }
}

TEST_P(Golden, PairsAndSegments) {
  const Encoding pair = tokenizer_.encode_pair("Hello world", "how are you?", kWithTemplate);
  EXPECT_EQ(pair.ids, expected_["pair"]["ids"].get<Ids>());
  EXPECT_EQ(pair.type_ids, expected_["pair"]["type_ids"].get<Ids>());
}

TEST_P(Golden, TextNeverBecomesASpecialToken) {
  for (const auto& [name, text] : corpus()) {
    SCOPED_TRACE(name);
    for (const int32_t id : tokenizer_.encode(text)) {
      const std::string& token = tokenizer_.token(id);
      const bool unknown = token == "<unk>" || token == "[UNK]";
      EXPECT_TRUE(unknown || !tokenizer_.is_special(id)) << token;
    }
  }
}

TEST_P(Golden, ComesBackUnchanged) {
  const std::string file = base::read_file(golden() / (std::string(GetParam()) + ".json"));
  EXPECT_EQ(tokenizer_.file_text(), file);
  EXPECT_EQ(tokenizer_.to_json(), base::parse_json(file, "file"));
}

class SentencePiece : public testing::TestWithParam<const char*> {};

TEST_P(SentencePiece, IdsAndTextsEqualTheLibrarys) {
  const std::string name = std::string(GetParam()) + ".model";
  const Tokenizer t = Tokenizer::load_sentence_piece(golden() / name);
  const Json expected = read_json(name + ".golden.json");
  for (const Json& one : expected["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const Ids ids = t.encode(corpus().at(one["name"]));
    EXPECT_EQ(ids, one["ids"].get<Ids>());
    EXPECT_EQ(t.decode(ids), one["decoded"].get<std::string>());
    EXPECT_EQ(streamed(t, ids), one["decoded"].get<std::string>());
  }
  EXPECT_EQ(t.file_text(), base::read_file(golden() / name));
  EXPECT_STREQ(t.file_name(), "tokenizer.model");
  EXPECT_THROW(t.to_json(), Error);
}

INSTANTIATE_TEST_SUITE_P(Models, SentencePiece, testing::Values("llama2-legacy", "t5"), [](const auto& info) {
  return std::string(info.param).substr(0, 2) == "t5" ? "unigram" : "bpe";
});

INSTANTIATE_TEST_SUITE_P(Tokenizers, Golden,
                         testing::Values("gpt2", "roberta", "llama3", "qwen2", "o200k", "llama2-legacy", "mistral",
                                         "bert-uncased", "bert-cased", "t5", "xlnet", "unigram-bytes", "word-level",
                                         "suffix-bpe"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(TokenizerFiles, ATextBeginsWithWhatTheFileSays) {
  const auto opening = [](const char* file) {
    const auto tokenizer = Tokenizer::load(golden() / file);
    const auto id = tokenizer.opening();
    return id ? tokenizer.token(*id) : std::string();
  };
  EXPECT_EQ(opening("gpt2.json"), "");
  EXPECT_EQ(opening("qwen2.json"), "");
  EXPECT_EQ(opening("llama3.json"), "<|begin_of_text|>");
  EXPECT_EQ(opening("bert-cased.json"), "[CLS]");
  // A bos that the post-processor does not put in front is not one that texts begin with.
  const auto gpt2 = Tokenizer::load(golden() / "gpt2.json");
  EXPECT_FALSE(gpt2.with_roles({.pad = "", .bos = "<|endoftext|>", .end = ""}).opening().has_value());
  const auto own = Tokenizer::bytes(standard_specials());
  EXPECT_EQ(own.opening(), own.bos());
}

}  // namespace
}  // namespace hone::text
