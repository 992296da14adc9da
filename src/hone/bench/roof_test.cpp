#include "hone/bench/roof.h"

#include "hone/tensor/compat.h"

#include <gtest/gtest.h>

namespace hone::bench {
namespace {

models::DecoderConfig config_of(models::Family family) {
  return {.family = family,
          .vocab = 64,
          .context = 16,
          .width = 32,
          .layers = 2,
          .heads = 4,
          .kv_heads = 2,
          .head_dim = 8,
          .mlp = 48};
}

double flops_of(const std::vector<Occurrence>& maps) {
  double sum = 0;
  for (const auto& [product, count] : maps) sum += product.flops() * static_cast<double>(count);
  return sum;
}

TEST(Roof, LinearMapsHoldEveryMatrixOnce) {
  // GPT-2: qkv (4 + 2·2)·8·32, out 32·32, up 48·32, down 32·48 = 2048 + 1024 + 1536 + 1536 = 6144 a layer, head 64·32.
  EXPECT_EQ(flops_of(linear_maps(config_of(models::Family::gpt2), 10, 7)), 2.0 * (10 * 2 * 6144 + 7 * 2048));
  // Llama's up holds gate and up: 1536 more.
  EXPECT_EQ(flops_of(linear_maps(config_of(models::Family::llama), 10, 10)), 2.0 * 10 * (2 * 7680 + 2048));
}

TEST(Roof, RatesArePositiveAndFinite) {
  tensor::configure_threads(1);
  base::Pool pool(2, tensor::set_single_threaded);
  for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
    const double rate = sgemm_rate({16, 32, 64}, pass, pool);
    EXPECT_GT(rate, 1e6);
    EXPECT_LT(rate, 1e14);
  }
  for (const auto family : {models::Family::gpt2, models::Family::llama}) {
    const TrainRoof roof = train_roof(config_of(family), {.rows = 2, .tokens = 8, .head_rows = 14}, pool);
    EXPECT_GT(roof.products, 0);
    EXPECT_GT(roof.attention, 0);
    EXPECT_GT(decode_roof(config_of(family), 4, pool), 0);
  }
}

}  // namespace
}  // namespace hone::bench
