#include "hone/models/hf_types.h"

#include "hone/models/hf_config.h"
#include "hone/text/test_errors.h"

#include <gtest/gtest.h>

namespace hone::models {
namespace {

using text::error_of;
using text::says;

TEST(HfTypes, ArchitecturesWithEitherHead) {
  EXPECT_EQ(type_named("gpt2").architecture(false), "GPT2LMHeadModel");
  EXPECT_EQ(type_named("gpt2").architecture(true), "GPT2ForSequenceClassification");
  EXPECT_EQ(type_named("qwen2").architecture(false), "Qwen2ForCausalLM");
  EXPECT_EQ(type_named("mistral").architecture(true), "MistralForSequenceClassification");
}

TEST(HfTypes, AnArchitectureAloneNamesTheType) {
  EXPECT_EQ(model_type_of({{"architectures", {"LlamaForCausalLM"}}}, "f"), "llama");
  EXPECT_EQ(model_type_of({{"architectures", {"Qwen3ForSequenceClassification"}}}, "f"), "qwen3");
  EXPECT_TRUE(says(error_of([] {
                     model_type_of({{"architectures", {"BertForSequenceClassification"}}}, "f");
                   }),
                   "BertForSequenceClassification"));
}

TEST(HfTypes, OneLabelMakesAScalar) {
  Json config = {{"model_type", "llama"}, {"architectures", {"LlamaForCausalLM"}}};
  EXPECT_FALSE(is_scalar(config, "f"));
  EXPECT_FALSE(is_scalar({{"architectures", nullptr}}, "f"));
  EXPECT_FALSE(is_scalar({{"architectures", {7}}}, "f"));
  make_scalar(config);
  EXPECT_TRUE(is_scalar(config, "f"));
  config.erase("num_labels");  // transformers writes the names alone
  EXPECT_TRUE(is_scalar(config, "f"));
  config.erase("id2label");
  EXPECT_TRUE(says(error_of([&] { is_scalar(config, "f"); }), "2 labels"));
  config["num_labels"] = 1;
  EXPECT_TRUE(is_scalar(config, "f"));
  config["num_labels"] = -1;
  EXPECT_TRUE(says(error_of([&] { is_scalar(config, "f"); }), "num_labels"));
}

TEST(HfTypes, LongValuesAreCutWhereTheyAreShown) {
  EXPECT_EQ(shown({1, 2}), "[1,2]");
  EXPECT_LT(shown(std::string(5000, 'x')).size(), 100u);
}

}  // namespace
}  // namespace hone::models
