#include "hone/generate/torch_decoder.h"

#include "hone/base/error.h"
#include "hone/generate/test_models.h"

#include <gtest/gtest.h>

namespace hone::generate {
namespace {

using models::Family;

constexpr int64_t kColumns = 20;

double gap(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

class TorchDecoderTest : public testing::TestWithParam<Family> {
 protected:
  models::Decoder model = tiny_model(GetParam());
  std::vector<int32_t> ids{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};

  at::Tensor expected() { return models::logits(model, one_row(ids)).squeeze(0); }
  // The same sequence in every one of `rows`, cut into pieces.
  at::Tensor fed(const TorchDecoder& decoder, StaticCache& cache, const at::Tensor& rows, std::vector<int64_t> pieces) {
    std::vector<at::Tensor> states;
    int64_t at = 0;
    const int64_t count = rows.defined() ? rows.size(0) : cache.rows();
    for (const int64_t n : pieces) {
      const auto part = one_row(ids).ids_BT.narrow(1, at, n).expand({count, n}).contiguous();
      const auto columns = at::arange(at, at + n, at::kLong).expand({count, n}).contiguous();
      states.push_back(decoder.feed(cache, {rows, part, columns}));
      at += n;
    }
    return decoder.logits(at::cat(states, 1));
  }
};

TEST_P(TorchDecoderTest, LogitsAreTheModelsHoweverASequenceIsCut) {
  const TorchDecoder decoder(model);
  for (const auto& pieces : {std::vector<int64_t>{11}, {1, 10}, {4, 1, 1, 5}}) {
    StaticCache cache(model.config, 3, kColumns, decoder.like());
    const auto all = fed(decoder, cache, {}, pieces);
    for (int64_t row = 0; row < 3; ++row) EXPECT_LT(gap(all[row], expected()), 1e-4);
    const auto one = fed(decoder, cache, at::tensor({1}, at::kLong), pieces);
    EXPECT_LT(gap(one[0], expected()), 1e-4);
  }
}

TEST_P(TorchDecoderTest, PaddingAndOtherRowsAreNotSeen) {
  const TorchDecoder decoder(model);
  StaticCache cache(model.config, 2, kColumns, decoder.like());
  cache.keys.fill_(1e3), cache.values.fill_(1e3);  // what a cache holds before it is written must not matter
  const int64_t pad = cache.padding_column();
  const auto row = at::tensor({1}, at::kLong);
  const auto first = at::tensor({3, 1, 7, 7}, at::kLong).view({1, 4});
  decoder.feed(cache, {row, first, at::tensor({int64_t{0}, int64_t{1}, pad, pad}, at::kLong).view({1, 4})});
  const auto next = decoder.feed(cache, {row, at::full({1, 1}, 4, at::kLong), at::full({1, 1}, 2, at::kLong)});
  EXPECT_LT(gap(decoder.logits(next)[0][0], expected()[2]), 1e-4);
}

TEST_P(TorchDecoderTest, ASnapshotUntilItIsRefreshedInPlace) {
  TorchDecoder decoder(model);
  StaticCache cache(model.config, 1, kColumns, decoder.like());
  const auto before = expected();
  const auto* head = decoder.like().data_ptr();
  model.flat.mul_(1.5);
  EXPECT_LT(gap(fed(decoder, cache, {}, {11})[0], before), 1e-4);
  decoder.refresh(model);
  EXPECT_LT(gap(fed(decoder, cache, {}, {11})[0], expected()), 2e-4);
  EXPECT_EQ(decoder.like().data_ptr(), head);
  model.activations = at::kBFloat16;
  EXPECT_THROW(decoder.refresh(model), Error);
}

TEST_P(TorchDecoderTest, InBfloat16ItIsTheTrainersModel) {
  model.activations = at::kBFloat16;
  const TorchDecoder decoder(model);
  StaticCache cache(model.config, 2, kColumns, decoder.like());
  EXPECT_EQ(cache.keys.scalar_type(), at::kBFloat16);
  const auto half = fed(decoder, cache, {}, {6, 5})[1];
  EXPECT_EQ(half.scalar_type(), at::kFloat);
  const auto trainer = expected().to(at::kFloat);
  model.activations = at::kFloat;
  const double size = expected().abs().max().item<double>();
  EXPECT_LT(gap(half, trainer), 0.03 * size);
  EXPECT_LT(gap(half, expected()), 0.03 * size);
}

INSTANTIATE_TEST_SUITE_P(Families, TorchDecoderTest, testing::Values(Family::gpt2, Family::llama));

}  // namespace
}  // namespace hone::generate
