#include "hone/generate/packed_decoder.h"

#include "hone/generate/test_models.h"

#include <gtest/gtest.h>

#include <numeric>

namespace hone::generate {
namespace {

std::vector<int32_t> random_ids(int64_t n, uint64_t seed) {
  Rng rng(seed);
  std::vector<int32_t> ids(static_cast<std::size_t>(n));
  for (int32_t& id : ids) id = static_cast<int32_t>(rng.below(37));
  return ids;
}

class PackedDecoderTest : public testing::TestWithParam<models::Family> {
 protected:
  models::Decoder model = tiny_model(GetParam());
  base::Pool pool{1};
  PackedDecoder packed = pack(model, pool);
  RopeTable rope = make_rope_table(model.config, 96);
  Workspace workspace{model.config, rope, 96};

  // Logits after the last token, the sequence fed in stretches of the given lengths.
  std::vector<float> last_logits(const std::vector<int32_t>& ids, const std::vector<int64_t>& stretches) {
    KvCache cache(model.config, static_cast<int64_t>(ids.size()));
    std::vector<float> logits(37);
    int64_t begin = 0;
    for (const int64_t count : stretches) {
      const Feed feed{std::span(ids).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)), nullptr,
                      &cache};
      forward(packed, {&feed, 1}, workspace, logits.data());
      begin += count;
    }
    return logits;
  }
};

TEST_P(PackedDecoderTest, AgreesWithTheTrainingForward) {
  for (const int64_t length : {1, 7, 64, 65, 90}) {
    const auto ids = random_ids(length, 3);
    const auto expected = models::logits(model, one_row(ids));
    const auto logits = last_logits(ids, {length});
    for (int64_t v = 0; v < 37; ++v)
      EXPECT_NEAR(logits[static_cast<std::size_t>(v)], expected.data_ptr<float>()[(length - 1) * 37 + v], 1e-4);
  }
}

TEST_P(PackedDecoderTest, TheReferenceKernelsAgreeToo) {
  const auto ids = random_ids(30, 4);
  const auto fused = last_logits(ids, {30});
  kernels::set_mode(kernels::Mode::reference);
  const auto plain = last_logits(ids, {10, 20});
  kernels::set_mode(kernels::Mode::fused);
  for (std::size_t v = 0; v < 37; ++v) EXPECT_NEAR(fused[v], plain[v], 1e-4);
}

TEST_P(PackedDecoderTest, BitsDoNotDependOnHowASequenceIsFed) {
  const auto ids = random_ids(80, 5);
  const auto whole = last_logits(ids, {80});
  EXPECT_EQ(last_logits(ids, {7, 73}), whole);
  EXPECT_EQ(last_logits(ids, {70, 1, 1, 8}), whole);
  EXPECT_EQ(last_logits(ids, std::vector<int64_t>(80, 1)), whole);

  // After a prefix that lies in another cache.
  KvCache prefix(model.config, 33), own(model.config, 47);
  std::vector<float> logits(37);
  const Feed first{std::span(ids).first(33), nullptr, &prefix};
  forward(packed, {&first, 1}, workspace, logits.data());
  const Feed second{std::span(ids).subspan(33), &prefix, &own};
  forward(packed, {&second, 1}, workspace, logits.data());
  EXPECT_EQ(logits, whole);
}

TEST_P(PackedDecoderTest, BitsDoNotDependOnTheOtherFeeds) {
  std::vector<std::vector<int32_t>> texts;
  std::vector<KvCache> caches;
  std::vector<Feed> feeds;
  for (int64_t i = 0; i < 40; ++i) {
    texts.push_back(random_ids(1 + i * 7 % 90, static_cast<uint64_t>(i)));
    caches.emplace_back(model.config, 96);
  }
  for (std::size_t i = 0; i < texts.size(); ++i) feeds.push_back({texts[i], nullptr, &caches[i]});
  std::vector<float> logits(texts.size() * 37);
  forward(packed, feeds, workspace, logits.data());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>(i * 37);
    EXPECT_EQ(std::vector<float>(row, row + 37), last_logits(texts[i], {static_cast<int64_t>(texts[i].size())})) << i;
  }
}

TEST_P(PackedDecoderTest, IsASnapshot) {
  const auto ids = random_ids(9, 6);
  const auto before = last_logits(ids, {9});
  model.flat.add_(0.1);
  EXPECT_EQ(last_logits(ids, {9}), before);
}

INSTANTIATE_TEST_SUITE_P(Families, PackedDecoderTest, testing::Values(models::Family::gpt2, models::Family::llama),
                         [](const auto& info) { return info.param == models::Family::gpt2 ? "gpt2" : "llama"; });

}  // namespace
}  // namespace hone::generate
