#include "hone/generate/sampling.h"

#include "hone/base/error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hone::generate {
namespace {

std::vector<float> random_logits(int64_t n, double scale, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x(static_cast<std::size_t>(n));
  for (float& v : x) v = static_cast<float>(scale * rng.normal());
  return x;
}

// The distribution by its definition, in double, over a full sort.
std::vector<double> distribution(const std::vector<float>& logits, const Sampling& s) {
  const std::size_t n = logits.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
  std::vector<double> p(n, 0.0);
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const bool kept = s.top_k == 0 || logits[order[i]] >= logits[order[std::min<std::size_t>(n, s.top_k) - 1]];
    p[order[i]] = kept ? std::exp((logits[order[i]] - logits[order[0]]) / s.temperature) : 0.0;
    total += p[order[i]];
  }
  double before = 0, left = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double share = p[order[i]] / total;
    if (before >= s.top_p) p[order[i]] = 0;
    before += share;
    left += p[order[i]];
  }
  for (double& v : p) v /= left;
  return p;
}

TEST(Sampler, GreedyTakesTheFirstLargestAndThePlainLogProb) {
  Sampler sampler({.choice = Choice::greedy, .temperature = 3.0, .top_k = 1, .top_p = 0.1}, 3);
  Rng rng(1);
  const std::vector<float> logits = {0.0f, std::log(2.0f), std::log(2.0f)};
  const Draw draw = sampler.draw(logits, rng);
  EXPECT_EQ(draw.id, 1);
  EXPECT_NEAR(draw.logprob, std::log(2.0 / 5.0), 1e-6);
  EXPECT_EQ(rng.position(), 0u);
}

TEST(Sampler, DrawsFollowTheDistribution) {
  const Sampling settings[] = {{},           {.temperature = 0.5}, {.temperature = 2.0},
                               {.top_k = 5}, {.top_p = 0.7},       {.temperature = 1.5, .top_k = 10, .top_p = 0.9},
                               {.top_k = 1}, {.top_p = 1e-6}};
  uint64_t seed = 0;
  for (const Sampling& s : settings) {
    SCOPED_TRACE(fmt::format("temperature {} top_k {} top_p {}", s.temperature, s.top_k, s.top_p));
    const auto logits = random_logits(30, 1.5, ++seed);
    const auto p = distribution(logits, s);
    Sampler sampler(s, 30);
    Rng rng(seed);
    constexpr int kDraws = 20000;
    std::vector<int> counts(30);
    for (int i = 0; i < kDraws; ++i) {
      const Draw draw = sampler.draw(logits, rng);
      const auto id = static_cast<std::size_t>(draw.id);
      ASSERT_GT(p[id], 0.0);
      ASSERT_NEAR(draw.logprob, std::log(p[id]), 2e-6 * (1 + std::fabs(std::log(p[id]))));
      ++counts[id];
    }
    EXPECT_EQ(rng.position(), static_cast<uint64_t>(kDraws));  // one uniform a token
    // χ² over the tokens that are expected at least five times; the others count as one.
    double chi2 = 0, rare = 0;
    int cells = 0, rare_count = 0;
    for (std::size_t i = 0; i < 30; ++i) {
      if (p[i] * kDraws < 5) {
        rare += p[i] * kDraws, rare_count += counts[i];
        continue;
      }
      chi2 += (counts[i] - p[i] * kDraws) * (counts[i] - p[i] * kDraws) / (p[i] * kDraws);
      ++cells;
    }
    if (rare > 0.5) chi2 += (rare_count - rare) * (rare_count - rare) / rare, ++cells;
    EXPECT_LT(chi2, cells - 1 + 4 * std::sqrt(2.0 * cells) + 1e-9);
  }
}

TEST(Sampler, TopKKeepsAllThatEqualTheKth) {
  const std::vector<float> logits = {1, 3, 2, 2, 2, 0};
  Sampler sampler({.top_k = 2}, 6);
  Rng rng(3);
  std::vector<int> counts(6);
  for (int i = 0; i < 500; ++i) ++counts[static_cast<std::size_t>(sampler.draw(logits, rng).id)];
  EXPECT_TRUE(counts[1] > 0 && counts[2] > 0 && counts[3] > 0 && counts[4] > 0);
  EXPECT_EQ(counts[0] + counts[5], 0);
}

TEST(Sampler, TopPStopsAtTheMassAndBreaksTiesByTheLowerId) {
  const std::vector<float> logits = {0, 0, 0, 0};  // a quarter each: half of the mass is tokens 0 and 1
  Sampler sampler({.top_p = 0.5}, 4);
  Rng rng(4);
  for (int i = 0; i < 200; ++i) {
    const Draw draw = sampler.draw(logits, rng);
    EXPECT_LE(draw.id, 1);
    EXPECT_NEAR(draw.logprob, std::log(0.5), 1e-6);
  }
}

TEST(Sampler, AWideVocabularyIsCutTheSame) {
  const auto logits = random_logits(50257, 3.0, 9);
  const Sampling s{.temperature = 0.8, .top_p = 0.95};
  const auto p = distribution(logits, s);
  Sampler sampler(s, 50257);
  Rng rng(5);
  for (int i = 0; i < 50; ++i) {
    const Draw draw = sampler.draw(logits, rng);
    ASSERT_GT(p[static_cast<std::size_t>(draw.id)], 0.0);
    ASSERT_NEAR(draw.logprob, std::log(p[static_cast<std::size_t>(draw.id)]), 2e-5);
  }
}

TEST(Sampler, ImpossibleTokensAreNeverDrawn) {
  std::vector<float> logits(100, -1e30f);
  logits[42] = 1.0f;
  for (const Sampling& s : {Sampling{}, Sampling{.top_p = 0.99}}) {
    Sampler sampler(s, 100);
    Rng rng(6);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(sampler.draw(logits, rng).id, 42);
  }
}

TEST(Sampler, RefusesWhatIsNotFinite) {
  Rng rng(1);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const Sampling& s : {Sampling{}, Sampling{.choice = Choice::greedy}, Sampling{.top_k = 2}}) {
      Sampler sampler(s, 5);
      const std::vector<float> logits = {0, 1, bad, 2, 3};
      try {
        sampler.draw(logits, rng);
        FAIL();
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::numeric);
      }
    }
  }
}

TEST(CheckSampling, NamesTheField) {
  EXPECT_NO_THROW(check_sampling({}));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::pair<Sampling, std::string> table[] = {{{.temperature = 0.0}, "temperature"},
                                                    {{.temperature = nan}, "temperature"},
                                                    {{.top_k = -1}, "top_k"},
                                                    {{.top_p = 0.0}, "top_p"},
                                                    {{.top_p = 1.5}, "top_p"},
                                                    {{.top_p = nan}, "top_p"}};
  for (const auto& [sampling, field] : table) {
    try {
      check_sampling(sampling);
      FAIL() << field;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(error.what()).find(field), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace hone::generate
