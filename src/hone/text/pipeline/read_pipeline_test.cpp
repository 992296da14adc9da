#include "hone/text/pipeline/read_pipeline.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

using Ids = std::vector<int32_t>;

Ids ids(const Json& json, std::string_view text) {
  return encode(read_pipeline(json, "t.json"), text, AddedMatcher::Specials::skip);
}

std::string refusal(const Json& json) {
  return error_of([&] { read_pipeline(json, "t.json"); });
}

Json bpe() {
  return Json::parse(R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<": 3, "s": 4, ">": 5, "<s": 6,
                         "<s>": 7}, "merges": ["a b", ["<", "s"], ["<s", ">"]]},
                         "added_tokens": [{"id": 7, "content": "<s>", "special": true}]})");
}

TEST(ReadPipeline, BothSpellingsOfMerges) {
  EXPECT_EQ(ids(bpe(), "abab"), (Ids{2, 2}));
  EXPECT_EQ(ids(bpe(), "<sab"), (Ids{6, 2}));
}

// The merges spell the special token, and a model would make it out of any text.
TEST(ReadPipeline, MergesDoNotMakeSpecialTokens) {
  EXPECT_EQ(ids(bpe(), "<s>"), (Ids{6, 5}));
  Json whole = bpe();
  whole["model"]["ignore_merges"] = true;
  EXPECT_EQ(ids(whole, "<s>"), (Ids{6, 5}));
  EXPECT_EQ(ids(whole, "ab"), Ids{2});
}

TEST(ReadPipeline, TheTypeOfOldFilesIsGuessed) {
  Json json = bpe();
  json["model"].erase("type");
  EXPECT_EQ(ids(json, "ab"), Ids{2});
  EXPECT_EQ(ids(Json::parse(R"({"model": {"vocab": [["a", -1], ["b", -2.5]], "unk_id": 0}})"), "ba"), (Ids{1, 0}));
  EXPECT_EQ(ids(Json::parse(R"({"model": {"vocab": {"x": 0}, "unk_token": "x"}})"), "x"), Ids{0});
}

TEST(ReadPipeline, HostileFiles) {
  const auto with = [](const char* pointer, Json value) {
    Json json = bpe();
    json[Json::json_pointer(pointer)] = std::move(value);
    return refusal(json);
  };
  EXPECT_TRUE(says(with("/model/vocab", 3), "no object \"vocab\""));
  EXPECT_TRUE(says(with("/model/merges/0", "ab"), "merge 0 must be two tokens"));
  EXPECT_TRUE(says(with("/model/merges/0", "a x"), "needs token \"x\""));
  EXPECT_TRUE(says(with("/model/unk_token", "?"), "unk_token \"?\" is not in the vocabulary"));
  EXPECT_TRUE(says(with("/model/continuing_subword_prefix", "##"), "lacks the prefix"));
  EXPECT_TRUE(says(with("/added_tokens/0/id", 6), "given twice, as id 7 and as id 6"));
  EXPECT_TRUE(says(with("/added_tokens/0/content", "x"), "id 7 is given to both"));
  EXPECT_TRUE(says(with("/post_processor", {{"type", "BertProcessing"}, {"cls", {"x", 1}}, {"sep", {"y", 99}}}),
                   "adds id 99, which no token has"));
  EXPECT_TRUE(says(refusal(Json::parse(R"({"model": {"type": "Unigram", "vocab": [["a", "b"]]}})")), "entry 0"));
  EXPECT_TRUE(
      says(refusal(Json::parse(R"({"model": {"type": "Unigram", "vocab": [["a", 0]], "unk_id": 1}})")), "unk_id"));
  Json piece = Json::parse(R"({"model": {"type": "WordPiece", "vocab": {}}})");
  piece["model"]["vocab"][std::string(2000, 'a')] = 0;
  EXPECT_TRUE(says(refusal(piece), "at most 1024"));
}

}  // namespace
}  // namespace hone::text::pipeline
