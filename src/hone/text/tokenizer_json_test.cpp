#include "hone/base/files.h"
#include "hone/text/test_errors.h"
#include "hone/text/tokenizer.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace hone::text {
namespace {

Tokenizer small() {
  const std::vector<std::string> words = {"0", "1", "+", "é\"\\"};
  return Tokenizer::symbols(standard_specials(), words);
}

std::string refusal(const Json& json) {
  return error_of([&] { Tokenizer::from_json(json, "t.json"); });
}

// The file of `tokenizer` with one member replaced.
Json with(const Tokenizer& tokenizer, const std::string& pointer, const Json& value) {
  Json json = tokenizer.to_json();
  json[Json::json_pointer(pointer)] = value;
  return json;
}

void expect_same(const Tokenizer& a, const Tokenizer& b) {
  ASSERT_EQ(a.kind(), b.kind());
  ASSERT_EQ(a.size(), b.size());
  for (int32_t id = 0; id < a.size(); ++id) {
    EXPECT_EQ(a.token(id), b.token(id));
    EXPECT_EQ(a.is_special(id), b.is_special(id));
  }
  EXPECT_EQ(base::dump(a.to_json()), base::dump(b.to_json()));
}

TEST(TokenizerJson, ComesBackThroughItsText) {
  for (const Tokenizer& t : {small(), Tokenizer::bytes(standard_specials())}) {
    const std::string file = base::dump(t.to_json(), 2);
    expect_same(Tokenizer::from_json(base::parse_json(file, "t.json"), "t.json"), t);
  }
}

TEST(TokenizerJson, LoadsAFile) {
  const auto path = std::filesystem::path(testing::TempDir()) / "hone_tokenizer_test.json";
  base::write_file_atomic(path, base::dump(small().to_json()));
  expect_same(Tokenizer::load(path), small());
  base::write_file_atomic(path, "{\"model\":");
  EXPECT_TRUE(says(error_of([&] { Tokenizer::load(path); }), path.string()));
  std::filesystem::remove(path);
  EXPECT_TRUE(says(error_of([&] { Tokenizer::load(path); }), "io: "));
}

TEST(TokenizerJson, SpecialTokensMayHaveAnyId) {
  Json json = small().to_json();
  json["model"]["vocab"] = Json::parse(R"({"a": 0, "b": 2})");
  json["added_tokens"] = Json::parse(R"([{"id": 1, "content": "<end>", "special": true}])");
  const Tokenizer t = Tokenizer::from_json(json, "t.json");
  EXPECT_EQ(t.encode("b a"), (Ids{2, 0}));
  EXPECT_EQ(t.end(), 1);
  EXPECT_TRUE(t.is_special(1) && !t.is_special(0) && !t.is_special(2));
  EXPECT_EQ(t.decode(Ids{0, 1, 2}), "a b");
  EXPECT_TRUE(says(error_of([&] { t.pad(); }), "token \"<pad>\" is not in the vocabulary"));
}

TEST(TokenizerJson, UnknownWordsGoToAnUnkTokenThatIsThere) {
  Json json = small().to_json();
  json["model"]["vocab"] = Json::parse(R"({"a": 0, "[UNK]": 1})");
  json["added_tokens"] = Json::array();
  json["model"]["unk_token"] = "[UNK]";
  const Tokenizer t = Tokenizer::from_json(json, "t.json");
  EXPECT_EQ(t.encode("a b"), (Ids{0, 1}));
  EXPECT_EQ(t.to_json()["model"]["unk_token"], "[UNK]");
}

TEST(TokenizerJson, NamesWhatIsNotSupported) {
  const Tokenizer bytes = Tokenizer::bytes(standard_specials());
  EXPECT_TRUE(says(refusal(with(bytes, "/model/type", "Bigram")),
                   "format: t.json: model \"Bigram\" is not supported; supported: BPE, Unigram, WordLevel, WordPiece"));
  EXPECT_TRUE(says(refusal(with(bytes, "/model/merges", Json::parse(R"([["a","b"]])"))),
                   "merge 0 needs token \"ab\", which is not in the vocabulary"));
  EXPECT_TRUE(says(refusal(with(bytes, "/model/merges", Json::parse(R"(["a b c"])"))), "merge 0 must be two tokens"));
  EXPECT_TRUE(says(refusal(with(bytes, "/model/merges", nullptr)), "no list \"merges\""));
  EXPECT_TRUE(says(refusal(with(bytes, "/model/dropout", 0.1)), "dropout"));
  EXPECT_TRUE(
      says(refusal(with(small(), "/normalizer", {{"type", "Rot13"}})), "normalizer \"Rot13\" is not supported"));
  EXPECT_TRUE(says(refusal(with(small(), "/pre_tokenizer", {{"type", "UnicodeScripts"}})),
                   "pre_tokenizer \"UnicodeScripts\" is not supported; supported: BertPreTokenizer"));
  EXPECT_TRUE(says(refusal(with(small(), "/decoder", {{"type", "Fuze"}})), "decoder \"Fuze\""));
  EXPECT_TRUE(says(refusal(with(small(), "/post_processor", {{"type", "Bracket"}})), "post_processor \"Bracket\""));
}

// hone's own kinds are recognised; anything else is named after its model.
TEST(TokenizerJson, KindsAreThoseOfTheModel) {
  const Tokenizer bytes = Tokenizer::bytes(standard_specials());
  const auto kind = [](const Json& json) { return Tokenizer::from_json(json, "t.json").kind(); };
  EXPECT_EQ(kind(bytes.to_json()), TokenizerKind::bytes);
  EXPECT_EQ(kind(small().to_json()), TokenizerKind::symbols);
  EXPECT_EQ(kind(with(small(), "/normalizer", {{"type", "NFC"}})), TokenizerKind::word_level);
  EXPECT_EQ(kind(with(small(), "/added_tokens/0/special", false)), TokenizerKind::word_level);
  EXPECT_EQ(kind(with(bytes, "/pre_tokenizer/add_prefix_space", true)), TokenizerKind::bpe);
  Json merged = with(bytes, "/model/merges", Json::parse(R"([["a","b"]])"));
  merged["model"]["vocab"]["ab"] = 263;
  EXPECT_EQ(kind(merged), TokenizerKind::bpe);
}

TEST(TokenizerJson, IdsAreGivenOnceAndNotFarBeyondTheCount) {
  EXPECT_TRUE(says(refusal(with(small(), "/model/vocab/+", 8)), "id 8 is given to both \"1\" and \"+\""));
  EXPECT_TRUE(says(refusal(with(small(), "/model/vocab/+", 5000)),
                   "token \"+\" has id 5000; this vocabulary's ids must be under"));
  for (const Json& id :
       {Json(-1), Json(2147483648u), Json(18446744073709551615ull), Json(1.0), Json("1"), Json(nullptr)}) {
    EXPECT_TRUE(says(refusal(with(small(), "/model/vocab/+", id)), "expected an integer from 0 to 2147483647"));
  }
  EXPECT_TRUE(
      says(refusal(with(small(), "/added_tokens/0/id", 3)), "token \"<pad>\" is given twice, as id 0 and as id 3"));
  Json twice = small().to_json();
  twice["added_tokens"].push_back(twice["added_tokens"][0]);
  EXPECT_TRUE(says(refusal(twice), "token \"<pad>\" is given twice"));
}

TEST(TokenizerJson, HostileShapes) {
  EXPECT_TRUE(says(refusal(Json::array()), "not an object"));
  EXPECT_TRUE(says(refusal(Json::object()), "model \"none\" is not supported"));
  EXPECT_TRUE(says(refusal(with(small(), "/model", "BPE")), "\"model\" is not an object"));
  EXPECT_TRUE(says(refusal(with(small(), "/model/vocab", Json::array())), "no object \"vocab\""));
  EXPECT_TRUE(says(refusal(with(small(), "/model/unk_token", nullptr)), "unk_token"));
  EXPECT_TRUE(says(refusal(with(small(), "/added_tokens", "x")), "not a list"));
  EXPECT_TRUE(says(refusal(with(small(), "/added_tokens/0", 1)), "not an object"));
  EXPECT_TRUE(says(refusal(with(small(), "/added_tokens/0/content", 1)), "content"));
  EXPECT_TRUE(says(refusal(with(small(), "/model/vocab/a b", 11)), "holds white space"));
  Json empty = with(small(), "/model/vocab", Json::object());
  empty["added_tokens"] = Json::array();
  EXPECT_TRUE(says(refusal(empty), "the vocabulary is empty"));
}

TEST(TokenizerJson, IdsMayHaveHoles) {
  const Tokenizer t = Tokenizer::from_json(with(small(), "/model/vocab/+", 40), "t.json");
  EXPECT_EQ(t.size(), 41);
  EXPECT_EQ(t.encode("+"), Ids{40});
  EXPECT_FALSE(t.is_special(39));
  EXPECT_TRUE(says(error_of([&] { t.decode(Ids{39}); }), "id 39 has no token"));
}

TEST(TokenizerJson, BytesThatHaveNoTokenAreLeftOut) {
  Json json = Tokenizer::bytes(standard_specials()).to_json();
  json["model"]["vocab"].erase("b");
  const Tokenizer t = Tokenizer::from_json(json, "t.json");
  EXPECT_EQ(t.kind(), TokenizerKind::bpe);
  EXPECT_EQ(t.decode(t.encode("abc")), "ac");
}

}  // namespace
}  // namespace hone::text
