#include "hone/adapters/merge.h"

#include "hone/adapters/lora.h"
#include "hone/models/test_models.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace hone::adapters {
namespace {

models::Decoder trained(const models::Variant& v, const LoraOptions& options) {
  models::Decoder model = models::small_model(v);
  attach(model, config_of(options, model), Rng(1));
  Rng rng(9);
  const auto& flat = model.adapter.flat;
  for (int64_t i = 0; i < flat.numel(); ++i) flat.data_ptr<float>()[i] = static_cast<float>(0.3 * rng.normal());
  return model;
}

const tensor::Batch& a_batch() {
  static const tensor::Batch batch = models::batch_of({{3, 1, 4, 1, 5, 9, 2}, {6, 5, 3, 5, 8, 18, 0}});
  return batch;
}

TEST(Merge, IsTheSameFunctionAndComesBackBitForBit) {
  for (const models::Variant& v : models::kVariants) {
    models::Decoder model = trained(v, {.rank = 3, .alpha = 4});
    const auto numbers = model.flat.clone(), adapter = model.adapter.flat.clone();
    const auto expected = models::logits(model, a_batch());
    {
      const Merge merge(model);
      EXPECT_FALSE(model.adapted());
      EXPECT_FALSE(at::equal(model.flat, numbers));
      const auto merged = models::logits(model, a_batch());
      EXPECT_LE(models::distance(merged, expected), 1e-4 * (1 + expected.abs().max().item<double>()));
    }
    EXPECT_TRUE(at::equal(model.flat, numbers)) << models::name_of(v);
    EXPECT_TRUE(at::equal(model.adapter.flat, adapter));
    EXPECT_TRUE(at::equal(models::logits(model, a_batch()), expected));
  }
}

TEST(Merge, IsUndoneWhenSomethingThrows) {
  models::Decoder model = trained(models::kVariants[0], {.rank = 2});
  const auto numbers = model.flat.clone();
  EXPECT_THROW(
      {
        const Merge merge(model);
        throw std::runtime_error("meanwhile");
      },
      std::runtime_error);
  EXPECT_TRUE(at::equal(model.flat, numbers));
  EXPECT_TRUE(model.adapted());
}

TEST(Merge, WithoutAnAdapterDoesNothing) {
  models::Decoder model = models::small_model(models::kVariants[0]);
  const auto numbers = model.flat.clone();
  const Merge merge(model);
  EXPECT_TRUE(at::equal(model.flat, numbers));
}

TEST(Merge, IsWhatTheOwnCopyHolds) {
  models::Decoder model = trained(models::kVariants[3], {.rank = 2, .targets = "k_proj,up_proj"});
  const models::Decoder copy = models::merged(model);
  EXPECT_FALSE(copy.adapted());
  const Merge merge(model);
  EXPECT_TRUE(at::equal(copy.flat, model.flat));
}

}  // namespace
}  // namespace hone::adapters
