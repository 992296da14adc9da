// Decoding token by token with a cache against transformers, on checkpoints that it wrote
// (tools/golden/make_models.py).
#include "hone/generate/packed_decoder.h"
#include "hone/kernels/common.h"
#include "hone/models/model.h"
#include "hone/models/test_golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace hone::generate {
namespace {

class GoldenDecoding : public testing::TestWithParam<std::string> {
 protected:
  models::Decoder model = models::open_decoder(models::golden_model(GetParam()));
  Json expected = models::golden_logits(GetParam())["decoding"];
  std::vector<int32_t> ids = expected["ids"].get<std::vector<int32_t>>();
  at::Tensor wanted = models::matrix_of(expected["logits"]);
  base::Pool pool{1};
  PackedDecoder packed = pack(model, pool);
  int64_t tokens = static_cast<int64_t>(ids.size());
  RopeTable rope = make_rope_table(model.config, tokens);
  Workspace workspace{model.config, rope, tokens};
  KvCache prefix{model.config, tokens}, own{model.config, tokens};

  // Feeds `count` tokens from `begin` on and compares the logits after the last of them.
  void feed(int64_t begin, int64_t count, const KvCache* before, KvCache& into) {
    const Feed feed{std::span(ids).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)), before,
                    &into};
    std::vector<float> logits(static_cast<std::size_t>(model.config.vocab));
    forward(packed, {&feed, 1}, workspace, logits.data());
    const auto row = wanted[begin + count - 1];
    double most = 0;
    for (int64_t v = 0; v < model.config.vocab; ++v)
      most = std::max(most, std::abs(logits[static_cast<std::size_t>(v)] - row[v].item<double>()));
    EXPECT_LT(most, 1e-4) << "after token " << begin + count - 1;
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    const bool was_chosen = begin + count < tokens && begin + count >= expected["prompt"].get<int64_t>();
    if (!was_chosen) return;
    EXPECT_EQ(best, ids[static_cast<std::size_t>(begin + count)]) << "the greedy token";
  }
};

TEST_P(GoldenDecoding, TokenByToken) {
  for (int64_t t = 0; t < tokens; ++t) feed(t, 1, nullptr, own);
}

TEST_P(GoldenDecoding, TokenByTokenWithTheReferenceKernels) {
  kernels::set_mode(kernels::Mode::reference);
  for (int64_t t = 0; t < tokens; ++t) feed(t, 1, nullptr, own);
  kernels::set_mode(kernels::Mode::fused);
}

// As rollouts do it: a shared prompt in one cache, what follows in another, which a window reaches across.
TEST_P(GoldenDecoding, AfterASharedPrompt) {
  feed(0, 3, nullptr, prefix);
  feed(3, 15, nullptr, prefix);
  feed(18, 2, &prefix, own);
  for (int64_t t = 20; t < tokens; ++t) feed(t, 1, &prefix, own);
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenDecoding, testing::ValuesIn(models::golden_models()),
                         [](const auto& info) { return models::golden_test_name(info.param); });

}  // namespace
}  // namespace hone::generate
