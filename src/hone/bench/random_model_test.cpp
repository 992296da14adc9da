#include "hone/bench/random_model.h"

#include <gtest/gtest.h>

namespace hone::bench {
namespace {

constexpr Shape kTiny = {"tiny", Picked::named, 16, 1, 2, 8, 2, 64, 8};

TEST(RandomModel, CountsOperationsByHand) {
  const auto model = random_model(kTiny, "gpt2");
  // embed 64·16 = 1024, positions 8·16 = 128; a layer: norms 4·16 = 64, qkv 48·16 + 48 = 816, out 272, up 64·16 + 64
  // = 1088, down 16·64 + 16 = 1040: 3280; last norm 32.
  EXPECT_EQ(models::parameter_count(model), 1024 + 128 + 3280 + 32);
  EXPECT_EQ(flops_per_token(model, 2, 0), 2.0 * (1024 + 3280 + 32));
  EXPECT_EQ(flops_per_token(model, 2, 8) - flops_per_token(model, 2, 0), 4.0 * 16 * 8);   // QKᵀ and AV
  EXPECT_EQ(flops_per_token(model, 6, 8) - flops_per_token(model, 6, 0), 12.0 * 16 * 8);  // with the backward pass
}

TEST(RandomModel, RowsSayWhatWasMeasured) {
  const Json row = model_row("train", kTiny, random_model(kTiny, "llama"));
  EXPECT_EQ(row["name"], "train tiny llama");
  EXPECT_EQ(row["family"], "llama");
  EXPECT_EQ(row["shape"]["vocab"], 64);
  EXPECT_THROW(random_model(kTiny, "gpt3"), Error);
}

TEST(RandomModel, IdsAreInTheVocabulary) {
  for (const int32_t id : random_ids(1000, 5, Rng(1))) {
    EXPECT_GE(id, 0);
    EXPECT_LT(id, 5);
  }
}

}  // namespace
}  // namespace hone::bench
