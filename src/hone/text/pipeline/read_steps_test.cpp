#include "hone/text/pipeline/read_steps.h"

#include "hone/text/test_errors.h"

namespace hone::text::pipeline {
namespace {

Json json(const char* text) { return Json::parse(text); }

std::string normalizer_refusal(const char* text) {
  const Json step = json(text);
  return error_of([&] { read_normalizers(&step, "t.json"); });
}
std::string pre_tokenizer_refusal(const char* text) {
  const Json step = json(text);
  return error_of([&] { read_pre_tokenizers(&step, "t.json"); });
}
std::string decoder_refusal(const char* text) {
  const Json step = json(text);
  return error_of([&] { read_decoders(&step, "t.json"); });
}
std::string post_refusal(const char* text) {
  const Json step = json(text);
  return error_of([&] { read_post_processor(&step, "t.json"); });
}

TEST(ReadSteps, SequencesLieFlat) {
  const Json steps = json(R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Sequence", "normalizers":
                             [{"type": "Lowercase"}]}, {"type": "BertNormalizer", "lowercase": false}]})");
  const auto read = read_normalizers(&steps, "t.json");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<Lowercase>(read[1]));
  EXPECT_FALSE(std::get<BertNormalizer>(read[2]).strip_accents);  // null: as lowercase
  EXPECT_TRUE(read_normalizers(nullptr, "t.json").empty());
  EXPECT_TRUE(std::holds_alternative<JoinWithSpaces>(read_decoders(nullptr, "t.json").at(0)));
}

TEST(ReadSteps, OldAndNewMetaspace) {
  const auto scheme = [](const char* text) {
    const Json step = json(text);
    return std::get<Metaspace>(read_pre_tokenizers(&step, "t.json").at(0)).prepend;
  };
  EXPECT_EQ(scheme(R"({"type": "Metaspace", "replacement": "▁", "add_prefix_space": true})"),
            Metaspace::Prepend::always);
  EXPECT_EQ(scheme(R"({"type": "Metaspace", "replacement": "▁", "add_prefix_space": false})"),
            Metaspace::Prepend::never);
  EXPECT_EQ(scheme(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"})"),
            Metaspace::Prepend::first);
  EXPECT_TRUE(says(pre_tokenizer_refusal(R"({"type": "Metaspace", "replacement": "__"})"), "expected one character"));
  EXPECT_TRUE(says(pre_tokenizer_refusal(R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"})"),
                   "prepend_scheme \"last\" is not supported"));
}

TEST(ReadSteps, NothingUnknownIsPassedOver) {
  EXPECT_TRUE(
      says(normalizer_refusal(R"({"type": "Upper"})"), "normalizer \"Upper\" is not supported; supported: Bert"));
  EXPECT_TRUE(says(normalizer_refusal("3"), "is not an object"));
  EXPECT_TRUE(says(normalizer_refusal(R"({"type": "Sequence"})"), "without a list"));
  EXPECT_TRUE(says(normalizer_refusal(R"({"type": "Replace", "pattern": "a", "content": ""})"), "\"pattern\" must be"));
  EXPECT_TRUE(says(normalizer_refusal(R"({"type": "Precompiled", "precompiled_charsmap": "AAAA"})"), "character map"));
  EXPECT_TRUE(says(pre_tokenizer_refusal(R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Eaten"})"),
                   "behavior \"Eaten\""));
  EXPECT_TRUE(says(pre_tokenizer_refusal(R"({"type": "FixedLength", "length": 0})"), "length"));
  EXPECT_TRUE(says(pre_tokenizer_refusal(R"({"type": "UnicodeScripts"})"), "UnicodeScripts"));
  EXPECT_TRUE(says(decoder_refusal(R"({"type": "Unfuse"})"), "decoder \"Unfuse\""));
  EXPECT_TRUE(says(decoder_refusal(R"({"type": "Strip", "content": " ", "start": -1, "stop": 0})"), "start"));
  EXPECT_TRUE(says(post_refusal(R"({"type": "Wrap"})"), "post_processor \"Wrap\""));
}

TEST(ReadSteps, TemplatesNameWhatTheyHave) {
  EXPECT_TRUE(says(post_refusal(R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}],
                                    "pair": [], "special_tokens": {}})"),
                   "the template names \"<s>\""));
  EXPECT_TRUE(says(post_refusal(R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "C"}}], "pair": []})"),
                   "neither A nor B"));
  EXPECT_TRUE(says(post_refusal(R"({"type": "BertProcessing", "sep": ["[SEP]", -1], "cls": ["[CLS]", 1]})"),
                   "expected an integer"));
  EXPECT_TRUE(says(post_refusal(R"({"type": "Sequence", "processors": [
                                    {"type": "BertProcessing", "sep": ["a", 1], "cls": ["b", 2]},
                                    {"type": "BertProcessing", "sep": ["a", 1], "cls": ["b", 2]}]})"),
                   "two post_processors"));
}

TEST(ReadSteps, NoMoreThan64) {
  Json steps = {{"type", "Sequence"}, {"normalizers", Json::array()}};
  for (int i = 0; i < 65; ++i) steps["normalizers"].push_back({{"type", "NFC"}});
  EXPECT_TRUE(says(error_of([&] { read_normalizers(&steps, "t.json"); }), "over 64"));
}

}  // namespace
}  // namespace hone::text::pipeline
